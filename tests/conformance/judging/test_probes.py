"""The probe table: what is asked, with which key, in which order, and what is left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from wiremark_conformance.exchange import Exchange, Request
from wiremark_conformance.judge import CHECKS, probes_for
from wiremark_conformance.outcome import NotPromised, NotTestable
from wiremark_conformance.probes import PROBES, ProbeContext
from wiremark_conformance.probes.table import WRONG_KEY, Draft, Probe, ProbeTable
from wiremark_schemas.registry import validator

# Requests that are meant to be wrong, so their body is not valid.
_WRONG_BODIES = (
    "errors.",
    "bodies.",
    "limits.body",
    "auth.no-key.malformed",
    "chat.reasoning-effort",
    "completions.no-prompt",
    "embeddings.empty-list",
    "embeddings.too-many",
    "embeddings.unknown-format",
    "responses.errors.",
    "responses.cancel.",
    "responses.background.cancel",
)
_SCHEMAS = {
    "completions": "openai/completions.request",
    "embeddings": "openai/embeddings.request",
    "responses": "openai/responses.request",
}
_WRONG_PARTS = ("chat.parts.unknown", "chat.vision.bare-url")
# What no contract promises together with everything else.
_ELSEWHERE = ("cors.allow", "chat.vision.remote", "formats.paths", "formats.own", "billing.export")
FOR_OTHERS = {name for name, probe in PROBES.items() if probe.capability in _ELSEWHERE}


def _requests(world: Any) -> dict[str, Request]:
    exchanges = world.evidence().exchanges
    return {name: exchange.request for name, exchange in exchanges.items()}


def _header(request: Request, name: str) -> str | None:
    return dict(request.headers).get(name)


def test_two_requirements_and_more_are_judged_per_request() -> None:
    assert len(probes_for(CHECKS)) * 2 <= len(CHECKS)


def test_needs_stand_first_and_are_included() -> None:
    names = probes_for(["chat.tools.round-trip.answer"])
    assert names == ("chat.tools.forced", "chat.tools.round-trip")
    assert probes_for(["billing.cached-free"]).index("cache.repeat") > 0


def test_the_table_refuses_a_probe_before_what_it_needs() -> None:
    later = Probe("b", lambda _: Draft("GET", "/"), needs=("a",))
    with pytest.raises(ValueError, match=r"b: listed twice, or before what it needs: \['a'\]"):
        ProbeTable((later,))


def test_every_probe_is_made_where_everything_is_promised(world: Any) -> None:
    promised = {name for name, probe in PROBES.items() if world.target.declares(probe.capability)}
    assert set(_requests(world)) == promised - FOR_OTHERS
    assert len(promised) > 0.8 * len(PROBES)


def test_the_least_contract_is_asked_only_what_it_promises(worlds: Callable[..., Any]) -> None:
    made = set(_requests(worlds("generic", ())))
    assert made.isdisjoint({"auth.no-key", "keys.throttled", "limits.body", "billing.usage", "cache.repeat"})
    assert {"chat.plain", "chat.stream", "chat.tools.forced", "errors.unknown-route"} <= made


def test_requests_are_valid_by_the_published_schema(world: Any) -> None:
    for name, request in _requests(world).items():
        area = name.partition(".")[0]
        if request.method == "POST" and not name.startswith(
            (*_WRONG_BODIES, *_WRONG_PARTS, "messages.", "gemini.")
        ):
            schema = _SCHEMAS.get(area, "openai/chat.request")
            found = list(validator(schema).iter_errors(json.loads(request.body)))
            assert not found, (name, found)


def test_messages_requests_are_valid_by_the_published_schema(world: Any) -> None:
    wrong = {
        *(f"messages.errors.{name}" for name in ("malformed-json", "not-an-object", "no-max-tokens")),
        *(f"messages.errors.{name}" for name in ("no-messages", "empty-messages", "messages-type", "role")),
        "messages.errors.temperature",
        "messages.limits.body",
        "messages.rare",
    }
    for name, request in _requests(world).items():
        if request.target.partition("?")[0].endswith("/messages") and request.method == "POST":
            document = {} if name in wrong else json.loads(request.body)
            found = list(validator("anthropic/messages.request").iter_errors(document))
            assert bool(found) == (name in wrong), (name, found)


def test_gemini_requests_are_valid_by_the_published_schema(world: Any) -> None:
    schemas = {"countTokens": "count_tokens.request", "embedContent": "embed.request"}
    schemas |= {"batchEmbedContents": "batch_embed.request"}
    wrong = {"gemini.snake", "gemini.unknown-field", "gemini.functions.text-response"}
    wrong |= {f"gemini.errors.{name}" for name in ("no-contents", "empty-contents", "contents-type")}
    wrong |= {f"gemini.errors.{name}" for name in ("temperature", "inline-data")}
    unreadable = (
        "gemini.errors.malformed-json",
        "gemini.errors.not-an-object",
        "gemini.auth.no-key.malformed",
    )
    for name, request in _requests(world).items():
        if name.startswith("gemini.") and request.body and name not in unreadable:
            method = request.target.partition("?")[0].rpartition(":")[2]
            schema = f"gemini/{schemas.get(method, 'generate.request')}"
            found = list(validator(schema).iter_errors(json.loads(request.body)))
            assert bool(found) == (name in wrong), (name, found)


def test_gemini_sends_the_key_as_its_own_clients_do(world: Any) -> None:
    for name, request in _requests(world).items():
        if not name.startswith("gemini."):
            continue
        header, bearer = _header(request, "x-goog-api-key"), _header(request, "authorization")
        sent = header or bearer or request.target.partition("key=")[2]
        if "no-key" in name:
            assert not sent
        elif "wrong-key" in name:
            assert sent == f"hermes_pk_{WRONG_KEY}"
        else:
            assert sent.removeprefix("Bearer ") == f"key-of-{PROBES[name].role}"
        assert (header is None) == (name in _OTHER_WAYS or "no-key" in name)


_OTHER_WAYS = ("gemini.auth.query", "gemini.auth.bearer", "gemini.auth.wrong-key.query")


def test_a_role_is_sent_with_its_own_key(world: Any) -> None:
    for name, request in _requests(world).items():
        if name.startswith("gemini."):
            continue
        sent = _header(request, "authorization") or ""
        if name.startswith(
            (
                *("auth.no-key", "cors.preflight", "messages.auth.no-key", "messages.auth.x-api-key"),
                "responses.auth.no-key",
            )
        ):
            assert sent == ""
        elif name == "messages.auth.stray-bearer":
            assert (sent, _header(request, "x-api-key")) == (f"Bearer {WRONG_KEY}", "key-of-default")
        elif name.endswith("auth.wrong-key"):
            assert sent.startswith("Bearer hermes_pk_")
            assert "key-of" not in sent
        else:
            assert sent.lower() == f"bearer key-of-{PROBES[name].role}"


def test_the_key_goes_in_either_header_and_in_both(world: Any) -> None:
    requests, key = _requests(world), "key-of-default"
    for name, expected in (
        ("x-api-key", (key, None)),
        ("bearer", (None, f"Bearer {key}")),
        ("both", (key, f"Bearer {key}")),
    ):
        request = requests[f"messages.auth.{name}"]
        assert (_header(request, "x-api-key"), _header(request, "authorization")) == expected


def test_without_a_key_nothing_is_sent(worlds: Callable[..., Any]) -> None:
    for request in _requests(worlds("generic", ())).values():
        assert _header(request, "authorization") is None


@pytest.mark.parametrize(
    ("scheme", "header", "value"),
    [("x-api-key", "x-api-key", "key-of-default"), ("bearer", "authorization", "Bearer key-of-default")],
)
def test_the_key_goes_where_the_contract_says(world: Any, scheme: str, header: str, value: str) -> None:
    raw = {**world.contract.raw, "auth": {"schemes": [scheme]}}
    target = replace(world.target, contract=replace(world.contract, raw=raw))
    request = PROBES["chat.plain"].build(ProbeContext(target, {}))
    assert request is not None
    assert _header(request, header) == value


def test_the_base_path_of_the_url_replaces_the_contracts(world: Any) -> None:
    target = replace(world.target, base_path="/proxy/llm", model="org/model:tag")
    for probe, path in (
        ("models.get", "/proxy/llm/models/org%2Fmodel%3Atag"),
        ("chat.plain", "/proxy/llm/chat/completions"),
        ("errors.unknown-route", "/proxy/llm/wiremark-no-such-route"),
    ):
        request = PROBES[probe].build(ProbeContext(target, {}))
        assert request is not None
        assert request.target == path


def test_the_too_large_body_is_one_byte_over_and_otherwise_right(world: Any) -> None:
    requests = _requests(world)
    limit = world.contract.limits["body_bytes"]
    for name in ("limits.body", "limits.body.chunked"):
        assert len(requests[name].body) == limit + 1
        assert not list(validator("openai/chat.request").iter_errors(json.loads(requests[name].body)))
    assert _header(requests["limits.body"], "content-length") == str(limit + 1)
    assert _header(requests["limits.body.chunked"], "content-length") is None
    assert _header(requests["limits.body.chunked"], "transfer-encoding") == "chunked"


def test_the_cache_is_asked_the_very_same_question(world: Any) -> None:
    requests = _requests(world)
    assert requests["cache.repeat"] == requests["chat.plain"]


def test_the_own_message_goes_back_word_for_word(world: Any) -> None:
    world["chat.plain"].message.update(reasoning_content="Hm.", x_unknown={"a": [1]})
    body = json.loads(_requests(world)["chat.echo-back"].body)
    assert body["messages"][2] == world["chat.plain"].message


def test_the_round_trip_answers_every_call_of_the_endpoint(world: Any) -> None:
    call = world["chat.tools.forced"].message["tool_calls"][0]
    world["chat.tools.forced"].message["tool_calls"] = [call, {**call, "id": "call_9"}]
    body = json.loads(_requests(world)["chat.tools.round-trip"].body)
    assert [m.get("tool_call_id") for m in body["messages"][2:]] == ["call_1", "call_9"]


def test_the_round_trip_is_made_with_our_call_when_there_is_none(world: Any) -> None:
    world["chat.tools.forced"].message.update(tool_calls=None, content="No.")
    body = json.loads(_requests(world)["chat.tools.round-trip"].body)
    assert body["messages"][1]["tool_calls"][0]["id"] == body["messages"][2]["tool_call_id"]


def test_what_cannot_be_made_says_why(world: Any, worlds: Callable[..., Any]) -> None:
    def obstacle(world: Any, probe: str, exchanges: dict[str, Exchange]) -> NotPromised | NotTestable:
        return PROBES[probe].obstacle(ProbeContext(world.target, exchanges))

    assert "no key for the role 'capped'" in str(obstacle(worlds(roles=("default",)), "keys.capped", {}))
    assert isinstance(obstacle(worlds("generic"), "keys.capped", {}), NotPromised)
    assert "no answer of chat.plain" in str(obstacle(world, "chat.echo-back", {}))
    assert "not made in this run" in str(obstacle(world, "chat.plain", {}))


def test_a_model_is_asked_only_what_it_can(world: Any) -> None:
    target = replace(world.target, model="hermes-text-only")
    context = ProbeContext(target, {})
    assert PROBES["chat.tools.forced"].build(context) is None
    assert PROBES["chat.plain"].build(context) is not None


def test_headers_that_a_contract_wants_go_with_every_request(world: Any) -> None:
    extra = {"x-gateway-provider": "openai"}
    contract = world.target.contract
    auth = {**contract.raw["auth"], "headers": extra}
    promised = replace(contract, raw={**contract.raw, "auth": auth})
    context = ProbeContext(replace(world.target, contract=promised), {})
    request = PROBES["models.list"].build(context)
    assert request is not None
    assert extra.items() <= dict(request.headers).items()
