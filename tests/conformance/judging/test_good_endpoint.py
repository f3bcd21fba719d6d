"""What is right must pass, in every legal form: a false alarm is worse than a miss."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from wiremark_conformance import coverage
from wiremark_conformance.judge import judge
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict

Change = Callable[[Any], object]


def _every_answer(change: Callable[[dict[str, Any]], object]) -> Change:
    """The change on every whole chat answer."""

    def apply(world: Any) -> None:
        for answer in world.usual():
            if isinstance(answer.body, dict) and "choices" in answer.body:
                change(answer.body)

    return apply


def _every_chunk(change: Callable[[dict[str, Any]], object]) -> Change:
    """The change on every chunk of every stream."""

    def apply(world: Any) -> None:
        for answer in world.streams():
            for chunk in answer.chunks:
                if isinstance(chunk, dict):
                    change(chunk)

    return apply


def _every_choice(change: Callable[[dict[str, Any]], object]) -> Change:
    def apply(document: dict[str, Any]) -> None:
        for choice in document["choices"]:
            change(choice)

    return _both(_every_answer(apply), _every_chunk(apply))


def _both(*changes: Change) -> Change:
    def apply(world: Any) -> None:
        for change in changes:
            change(world)

    return apply


def _reframed(how: Callable[[bytes], bytes]) -> Change:
    """Every stream's bytes turned into other bytes that mean the same."""

    def apply(world: Any) -> None:
        for answer in world.streams():
            answer.chunks = [how(answer.wire)]

    return apply


def _split(step: int) -> Change:
    def apply(world: Any) -> None:
        for answer in world.answers.values():
            answer.step = step

    return apply


def _raw_utf8(world: Any) -> None:
    _reframed(lambda body: body.replace(b"there.", "☃ 😀 ☃😀".encode()))(world)
    world["chat.seed"].message["content"] = "Hello ☃ 😀 ☃😀"
    world["chat.seed.again"].message["content"] = "Hello ☃ 😀 ☃😀"


def _without_null_logprobs(chunk: dict[str, Any]) -> None:
    for choice in chunk["choices"]:
        if choice["logprobs"] is None:
            del choice["logprobs"]


def _commented(body: bytes) -> bytes:
    return b": connected\n\n" + body.replace(b"\n\n", b"\n\n: keep-alive\n\n") + b": bye\n\n"


def _cumulative_usage(world: Any) -> None:
    for chunk in world.chunks("chat.stream.usage"):
        if isinstance(chunk, dict) and chunk["choices"]:
            chunk["usage"] = {"prompt_tokens": 20, "completion_tokens": 1, "total_tokens": 21}


def _content_on_finish_chunk(world: Any) -> None:
    world["chat.stream"].delta(-2)["content"] = " Bye."


def _role_with_first_text(world: Any) -> None:
    chunks = world.chunks("chat.stream")
    del chunks[0]
    world["chat.stream"].delta(0)["role"] = "assistant"


def _whole_call_in_one_piece(world: Any) -> None:
    chunks = world.chunks("chat.tools.stream")
    world["chat.tools.stream"].call(1)["function"]["arguments"] = '{"city": "Paris"}'
    del chunks[2:4]


def _later_pieces_with_empty_identity(world: Any) -> None:
    for position in (2, 3):
        piece = world["chat.tools.stream"].call(position)
        piece["id"] = ""
        piece["function"]["name"] = ""


def _later_pieces_repeat_the_type(world: Any) -> None:
    for position in (2, 3):
        world["chat.tools.stream"].call(position)["type"] = "function"


def _interleaved_calls(world: Any) -> None:
    chunks = world.chunks("chat.tools.parallel")
    chunks[1:7] = [chunks[i] for i in (1, 4, 2, 5, 3, 6)]


def _one_call_only(world: Any) -> None:
    del world.chunks("chat.tools.parallel")[4:7]


def _failed_in_band(world: Any) -> None:
    """An honest failure is no finding, whatever is missing after it."""
    del world.chunks("chat.stream")[2:]
    world.chunks("chat.stream").append({"error": {"message": "out of memory", "type": "server_error"}})


def _set(probe: str, **values: Any) -> Change:
    return lambda world: world[probe].body.update(values)


def _message(probe: str, **values: Any) -> Change:
    return lambda world: world[probe].message.update(values)


def _header(probe: str, **values: str) -> Change:
    return lambda world: world[probe].headers.update({k.replace("_", "-"): v for k, v in values.items()})


def _choice(probe: str, **values: Any) -> Change:
    return lambda world: world[probe].choice.update(values)


LEGAL: dict[str, Change] = {
    "nothing changed": lambda _: None,
    "comments between events": _reframed(_commented),
    "a comment within an event": _reframed(lambda body: body.replace(b"data: {", b": hm\ndata: {", 1)),
    "CRLF": _reframed(lambda body: body.replace(b"\n", b"\r\n")),
    "CR alone": _reframed(lambda body: body.replace(b"\n", b"\r")),
    "named events": _reframed(lambda body: body.replace(b"data: ", b"event: message\ndata: ")),
    "extra blank lines": _reframed(lambda body: body.replace(b"\n\n", b"\n\n\n")),
    "spaces in the JSON": _reframed(lambda body: body.replace(b'": ', b'" :  ')),
    "single bytes": _split(1),
    "pieces of seven bytes": _split(7),
    "raw UTF-8": _raw_utf8,
    "raw UTF-8 in single bytes": _both(_raw_utf8, _split(1)),
    "null system_fingerprint": _every_chunk(lambda chunk: chunk.update(system_fingerprint=None)),
    "system_fingerprint": _every_chunk(lambda chunk: chunk.update(system_fingerprint="fp_1")),
    "unknown keys in chunks": _every_chunk(lambda chunk: chunk.update(vendor="x", timings={"ms": 1.5})),
    "unknown keys in answers": _every_answer(lambda body: body.update(cost=0.1, x_groq={"id": "r"})),
    "error: null": _both(
        _every_answer(lambda body: body.update(error=None)), _every_chunk(lambda c: c.update(error=None))
    ),
    "usage: null in chunks": _every_chunk(lambda chunk: chunk.setdefault("usage", None)),
    "no logprobs key in chunks": _every_chunk(_without_null_logprobs),
    "finish_reason absent until the last": _every_chunk(
        lambda c: [x.pop("finish_reason") for x in c["choices"] if x["finish_reason"] is None]
    ),
    "cumulative usage": _cumulative_usage,
    "text in the finish chunk": _content_on_finish_chunk,
    "role with the first text": _role_with_first_text,
    "role with null content": lambda w: w["chat.stream"].delta(0).update(content=None),
    "null role later": lambda w: w["chat.stream"].delta(2).update(role=None),
    "null tool_calls in a delta": lambda w: w["chat.stream"].delta(2).update(tool_calls=None),
    "reasoning first": lambda w: w["chat.stream"].delta(0).update(reasoning_content="Hm."),
    "obfuscation": lambda w: w["chat.stream"].chunks[1].update(obfuscation="a8d"),
    "a call in one piece": _whole_call_in_one_piece,
    "empty identity in later pieces": _later_pieces_with_empty_identity,
    "type in later pieces": _later_pieces_repeat_the_type,
    "null arguments": lambda w: w["chat.tools.stream"].call(1)["function"].update(arguments=None),
    "interleaved calls": _interleaved_calls,
    "one call although two were asked": _one_call_only,
    "call beside text": _message("chat.tools.forced", content="Let me look."),
    "details of usage": lambda w: (
        w["chat.plain"]
        .body["usage"]
        .update(
            prompt_tokens_details={"cached_tokens": 20}, completion_tokens_details={"reasoning_tokens": 0}
        )
    ),
    "null details of usage": lambda w: w["chat.n"].body["usage"].update(prompt_tokens_details=None),
    "a budget that was not used up": _both(
        _choice("chat.max-tokens", finish_reason="stop"), _message("chat.max-tokens", content="1")
    ),
    "truncated JSON": _both(
        _choice("chat.json", finish_reason="length"), _message("chat.json", content='{"answer": ')
    ),
    "a refusal instead of JSON": _message("chat.json-schema", content=None, refusal="No."),
    "stop sequence never reached": _choice("chat.stop", finish_reason="length"),
    "null bytes of a token": lambda w: w["chat.logprobs"].choice["logprobs"]["content"][0].update(bytes=None),
    "an end token in logprobs": lambda w: (
        w["chat.logprobs"]
        .choice["logprobs"]["content"]
        .append({"token": "</s>", "logprob": 0, "bytes": None, "top_logprobs": []})
    ),
    "upper-case media type": _header("chat.plain", content_type="Application/JSON"),
    "more models": lambda w: (
        w["models.list"].body["data"].append({"id": "other", "object": "model", "created": 0, "owned_by": ""})
    ),
    "has_more in the list": _set("models.list", has_more=False),
    "extra keys in an error": lambda w: w["errors.malformed-json"].body.update(request_id="r", status=400),
    "404 without JSON in errors.media-type": _header("errors.media-type", accept_post="application/json"),
    "retry-after of a cap in days": _header("keys.capped", retry_after="864000"),
    "reset in milliseconds": _header("chat.plain", x_ratelimit_reset_requests="12ms"),
    "reset in hours": _header("chat.plain", x_ratelimit_reset_requests="1h0m0s"),
    "token limits too": _header(
        "chat.plain",
        x_ratelimit_limit_tokens="9",
        x_ratelimit_remaining_tokens="9",
        x_ratelimit_reset_tokens="0s",
    ),
    "preflight refused": lambda w: setattr(w["cors.preflight"], "status", 405),
    "failure told in the stream": _failed_in_band,
    "free rows for refusals": lambda w: w["billing.usage"].body["data"].pop(),
    "first answer from an older cache": _both(
        _header("chat.plain", x_cache="hit"),
        lambda w: w.row("chat.plain").update(cached=True, amount_microusd=0),
    ),
}


# Requirements about what is legal, but trips careless clients: at most a warning.
HAZARDS = {
    requirement.id
    for requirement in load_register()
    if {entry.id for entry in coverage.bug_classes() if entry.note == "hazard"} & set(requirement.covers)
}


def test_a_good_endpoint_passes_everything(world: Any) -> None:
    verdicts = {j.requirement.id: (j.verdict, j.message) for j in judge(load_register(), world.evidence())}
    promised = {r.id for r in load_register() if world.target.declares(r.capability)}
    assert {i: v for i, v in verdicts.items() if v[0] is not Verdict.PASS and i in promised} == {}
    assert len(promised) > 0.9 * len(load_register())


@pytest.mark.parametrize("change", LEGAL.values(), ids=LEGAL)
def test_legal_variants_raise_no_alarm(world: Any, change: Change) -> None:
    change(world)
    alarms = {i: message for i, message in world.findings().items() if i not in HAZARDS}
    assert alarms == {}


@pytest.mark.parametrize("variant", ["CRLF", "a comment within an event", "role with null content"])
def test_what_is_legal_but_hazardous_is_a_warning(world: Any, variant: str) -> None:
    LEGAL[variant](world)
    found = world.findings()
    assert found
    assert found.keys() <= HAZARDS
    assert all(message.startswith("warn") for message in found.values())


@pytest.mark.parametrize(
    "change",
    [
        _every_answer(lambda body: body.pop("usage")),
        _every_answer(lambda body: [c.pop("logprobs") for c in body["choices"] if not c["logprobs"]]),
        _every_answer(lambda body: [c.get("message", {}).pop("refusal", None) for c in body["choices"]]),
        _message("chat.plain", tool_calls=None),
        lambda w: w["chat.tools.forced"].message.pop("content"),
        lambda w: w["chat.stream"].headers.pop("cache-control"),
        lambda w: [
            w[p].body["error"].pop("param") for p in ("errors.malformed-json", "errors.unknown-route")
        ],
        lambda w: w["errors.unknown-model"].__dict__.update(status=400),
        lambda w: setattr(w["errors.method"], "status", 404),
        lambda w: w["errors.media-type"].__dict__.update(status=200, body=json.loads(w["chat.plain"].wire)),
        lambda w: w["errors.temperature"].__dict__.update(status=200, body=json.loads(w["chat.plain"].wire)),
    ],
    ids=[
        "no usage",
        "no logprobs key",
        "no refusal key",
        "null tool_calls",
        "no content beside calls",
        "no cache-control",
        "no param in errors",
        "400 for an unknown model",
        "404 for a wrong method",
        "any media type",
        "any temperature",
    ],
)
def test_what_good_servers_do_otherwise_is_at_most_a_warning(worlds: Any, change: Change) -> None:
    """Habits of widely used servers, judged by the contract that promises the least."""
    world = worlds("generic", ("default",))
    change(world)
    judged = judge(load_register(), world.evidence())
    worst = {
        j.requirement.id: j.message for j in judged if j.verdict in {Verdict.FAIL, Verdict.HARNESS_ERROR}
    }
    assert worst == {}


def test_any_id_will_do_where_no_form_is_promised(worlds: Callable[..., Any]) -> None:
    world = worlds("hermes-tokens")
    _every_answer(lambda body: body.update(id=body["id"][::-1]))(world)
    _every_chunk(lambda chunk: chunk.update(id=chunk["id"][::-1]))(world)
    assert world.findings() == {}
