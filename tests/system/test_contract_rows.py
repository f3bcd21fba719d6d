"""Each promise of each bundled contract is held by a check that is green, and red when it is broken.

A row is broken by serving another contract than the one that is held, or, where no contract can say
it, by a patch of one function of the server. The contracts themselves are served and judged whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from wiremark_conformance.probes.chat import HELLO
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract, Model
from wiremark_server.clock import SystemClock
from wiremark_server.dialects import images
from wiremark_server.dialects.openai_chat import answer, request, stream
from wiremark_server.domain import problem
from wiremark_server.engine import script
from wiremark_server.ledger.records import UsageRow
from wiremark_server.ledger.store import Ledger
from wiremark_server.media import request as media_request
from wiremark_server.media.guard import Guard
from wiremark_server.media.request import ImageRequest
from wiremark_server.operations import media
from wiremark_server.routing import router
from wiremark_server.routing.health import Health
from wiremark_server.routing.router import Route, Router

SYSTEMS = [name for name in contracts.bundled() if contracts.load(name).models]
Alter = Callable[[str, Mapping[str, Any]], Contract]


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_contract_served_is_a_contract_kept(judged: Any, name: str) -> None:
    assert judged(name).findings == []


# Row, contract, what the server does instead, requirements that must then fail.
BROKEN: list[tuple[str, str, dict[str, Any], tuple[str, ...]]] = [
    ("C1", "c0mpute", {"/base_path": "/v1"}, ("chat.accepted", "models.list.accepted")),
    (
        "C2 flag",
        "c0mpute",
        {"/catalogue/fields/available": None},
        ("models.list.live",),
    ),
    (
        "C2 true flag",
        "c0mpute",
        {"/catalogue/fields/available": None, "/models/1/extensions": {"available": False}},
        ("models.available.refused", "contract.errors.no-worker"),
    ),
    ("C2 listed models", "c0mpute", {"/models/2/id": "c0mpute-other"}, ("models.list.catalogue",)),
    (
        "C2 extended reasoning",
        "c0mpute",
        {"/models/2/capabilities": ["tools", "json"]},
        ("chat.reasoning.field", "chat.reasoning.stream-field"),
    ),
    (
        "C3 flat price",
        "c0mpute",
        {"/models/0/price": {"per_request_credits": 15, "output_per_million": 1}},
        (
            "billing.plain.charge",
            "billing.stream.charge",
            "billing.tools.charge",
            "billing.round-trip.charge",
        ),
    ),
    (
        "C3 price of each model",
        "c0mpute",
        {"/models/1/price/per_request_credits": 11, "/models/2/price/per_request_credits": 15},
        ("billing.other-model.charge", "billing.reasoning.charge", "models.list.live"),
    ),
    ("C3 a credit is a cent", "c0mpute", {"/credit_microusd": 9999}, ("billing.plain.charge",)),
    ("C3 told before", "c0mpute", {"/catalogue/fields/usd_per_request": None}, ("models.list.live",)),
    (
        "C5",
        "c0mpute",
        {"/models/0/capabilities": ["vision", "json"]},
        ("chat.tools.forced.accepted",),
    ),
    (
        "C6 only on c0mpute-max",
        "c0mpute",
        {"/models/*/capabilities": ["tools", "vision", "json", "reasoning"]},
        ("chat.vision.text-only-refused",),
    ),
    (
        "C6 vision",
        "c0mpute",
        {"/models/0/capabilities": ["tools", "json"]},
        ("chat.vision.accepted",),
    ),
    ("C8", "c0mpute", {"/limits/requests_per_minute": 61}, ("limits.rate.promised",)),
]
BROKEN += [
    ("M1 path", "aimlapi", {"/base_path": "/api/v1"}, ("chat.accepted",)),
    (
        "M2 id",
        "aimlapi",
        {"/answer/id": "chatcmpl-{random}"},
        ("answer.id",),
    ),
    (
        "M2 reasoning",
        "aimlapi",
        {"/models/0/capabilities": ["tools", "json"]},
        ("chat.reasoning.field", "chat.reasoning.stream-field"),
    ),
    (
        "M2 field of the reasoning",
        "aimlapi",
        {"/answer/reasoning_fields": ["reasoning"]},
        ("chat.reasoning.field",),
    ),
    ("M2 null when unused", "aimlapi", {"/answer/null_fields": None}, ("answer.message-fields",)),
    (
        "M4",
        "aimlapi",
        {"/errors/malformed_json/status": 500},
        ("errors.no-key-name", "errors.no-server-error", "contract.errors.no-key-name"),
    ),
    (
        "M5 status",
        "aimlapi",
        {"/errors/key_disabled/status": 400},
        ("auth.disabled-key", "contract.errors.disabled-key"),
    ),
    (
        "M5 code",
        "aimlapi",
        {"/errors/key_disabled/code": "api_key_disabled"},
        ("contract.errors.disabled-key",),
    ),
    ("M6", "aimlapi", {"/operations/openapi.get/paths": ["/other.json"]}, ("openapi.published",)),
]
BROKEN += [
    ("A1 path", "apipie", {"/base_path": "/api/v1"}, ("chat.accepted",)),
    ("A1 field", "apipie", {"/routing/field": "vendor"}, ("routing.explicit.obeyed",)),
    ("A2 fields", "apipie", {"/catalogue/fields/providers": None}, ("models.list.live",)),
    ("A2 type", "apipie", {"/catalogue/fields/type": None}, ("models.list.live",)),
    ("A2 response tokens", "apipie", {"/models/0/max_output_tokens": 4096}, ("models.list.live",)),
    ("A2 live price", "apipie", {"/models/1/offers/0/price/input_per_million": 1}, ("models.list.live",)),
    ("A3 six models", "apipie", {"/models/4/id": "another"}, ("models.list.catalogue",)),
    (
        "A3 context",
        "apipie",
        {"/models/*/context_tokens": 100_000},
        ("context.prompt.refused", "contract.errors.context-length"),
    ),
    (
        "A3 clear error",
        "apipie",
        {"/errors/context_length_exceeded/code": "x"},
        ("contract.errors.context-length",),
    ),
    ("A4 provider", "apipie", {"/answer/fields": {}}, ("routing.provider-told",)),
    *(
        (f"A4 {name}", "apipie", {f"/answer/usage_fields/{name}": None}, ("answer.usage-fields",))
        for name in ("prompt_characters", "response_characters", "cost", "latency_ms")
    ),
    (
        "A5 price comparison",
        "apipie",
        {"/models/0/offers/0/price/output_per_million": 1},
        ("providers.prices.promised",),
    ),
    ("A5 health", "apipie", {"/operations/providers.list/paths": ["/x"]}, ("providers.health.accepted",)),
    (
        "A5 history",
        "apipie",
        {"/operations/providers.latency/paths": ["/x/{provider}"]},
        ("providers.latency.accepted",),
    ),
    (
        "A6",
        "apipie",
        {"/models/*/capabilities": ["tools", "json"]},
        ("chat.vision.accepted", "models.list.live"),
    ),
]
BROKEN += [
    ("numbers as codes", "openrouter", {"/errors/invalid_key/code": "401"}, ("contract.errors.wrong-key",)),
    ("cost", "openrouter", {"/answer/usage_fields": {}}, ("answer.usage-fields",)),
    (
        "reasoning",
        "openrouter",
        {"/answer/reasoning_fields": ["reasoning_content"]},
        ("chat.reasoning.field",),
    ),
]
BROKEN += [
    ("B2 path", "banana2", {"/operations/chat.create/paths": ["/chat/completions"]}, ("chat.accepted",)),
    (
        "B3 second path",
        "banana2",
        {"/operations/responses.create/paths": ["/v1/responses"]},
        ("surfaces.responses.served", "surfaces.responses.streamed"),
    ),
    (
        "B4 second path",
        "banana2",
        {"/operations/messages.create/paths": ["/v1/messages"]},
        ("surfaces.messages.served", "surfaces.messages.streamed"),
    ),
    (
        "B5",
        "banana2",
        {"/operations/gemini.generate/paths": ["/v1/models/{model}:generateContent"]},
        ("surfaces.gemini.served",),
    ),
    (
        "B6",
        "banana2",
        {"/operations/gemini.stream/paths": ["/v1/models/{model}:streamGenerateContent"]},
        ("surfaces.gemini.streamed",),
    ),
    (
        "B7 three lists",
        "banana2",
        {"/models/*/formats": ["chat", "responses", "messages", "gemini"]},
        (
            "surfaces.chat.listed",
            "surfaces.responses.listed",
            "surfaces.messages.listed",
            "surfaces.chat.own-models",
            "surfaces.messages.own-models",
        ),
    ),
    ("B12 export", "banana2", {"/operations/usage.export/paths": ["/x"]}, ("billing.export.accepted",)),
]
BROKEN += [
    ("B9 poll", "banana2", {"/operations/tasks.get/paths": ["/tasks/{task}"]}, ("media.task.accepted",)),
    ("B11 charge", "banana2", {"/models/7/price/per_request": 1}, ("media.charge-told", "media.charged")),
]
# C7: each error of the table, by the situation that it belongs to.
for _situation, _check in (
    ("missing_key", "missing-key"),
    ("invalid_key", "wrong-key"),
    ("insufficient_credits", "insufficient-credits"),
    ("unknown_model", "unknown-model"),
    ("rate_limited", "rate-limited"),
    ("no_worker", "no-worker"),
):
    for _part, _wrong in (("status", 418), ("type", "teapot"), ("code", "teapot")):
        BROKEN.append(
            (
                f"C7 {_situation} {_part}",
                "c0mpute",
                {f"/errors/{_situation}/{_part}": _wrong},
                (f"contract.errors.{_check}",),
            )
        )


@pytest.mark.parametrize(
    ("contract", "instead", "requirements"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_a_broken_promise_is_found(
    judged: Any, altered: Alter, contract: str, instead: dict[str, Any], requirements: tuple[str, ...]
) -> None:
    verdicts = judged(altered(contract, instead), held_to=contract, only=requirements)
    assert {name: verdicts[name].verdict.value for name in requirements} == dict.fromkeys(
        requirements, "fail"
    ), [verdicts[name].message for name in requirements]


def _tell_the_prompt(row: UsageRow) -> dict[str, Any]:
    return {"request_id": row.request_id, "note": HELLO[-1]["content"]}


def _insist(document: Mapping[str, Any]) -> int:
    if document.get("max_tokens") is None:
        raise problem.invalid_request("Missing required parameter: 'max_tokens'.", "max_tokens")
    return int(document["max_tokens"])


def _only_the_first(self: Router, model: Model, document: Any, *, chat: bool) -> Route:
    """As if nobody looked whether a provider is there, the cheapest first."""
    cheapest = min(self.offers(model), key=lambda choice: choice.offer.price.output_per_million)
    return Route(model.id, [cheapest], SystemClock(), document if chat else None)


def _anything_goes(document: Mapping[str, Any], _: Guard) -> ImageRequest:
    return ImageRequest(str(document.get("model")), "1:1", "1k", "00" * 32, (), None)


async def _keep_the_money(*_: Any) -> None:
    pass


# Row, contract, what of the server is replaced and by what, requirements that must then fail.
PATCHED: list[tuple[str, str, tuple[Any, str, Any], tuple[str, ...]]] = [
    ("C4 end", "c0mpute", (stream, "DONE", b""), ("chat.stream.done",)),
    (
        "C5 final answer",
        "c0mpute",
        (script, "_quoted_results", lambda _: ""),
        ("chat.tools.round-trip.answer",),
    ),
    (
        "C6 data URLs only",
        "c0mpute",
        (images, "check", lambda _url, _param: None),
        ("chat.vision.remote-refused",),
    ),
    ("M1 two keys are enough", "aimlapi", (request, "_budget", _insist), ("chat.minimal",)),
    (
        "M3",
        "aimlapi",
        (answer, "usage_document", lambda usage: {"prompt_tokens": usage.prompt}),
        ("chat.usage.integers",),
    ),
    (
        "A1 automatic choice",
        "apipie",
        (router, "ranked", lambda choices: sorted(choices, key=lambda c: -c.offer.price.output_per_million)),
        ("routing.best",),
    ),
    (
        "A5 history",
        "apipie",
        (Health, "succeeded", lambda *_: None),
        ("providers.latency.remembered", "providers.health.counted"),
    ),
    ("A5 fail-over", "apipie", (Router, "route", _only_the_first), ("routing.failover.accepted",)),
    ("B9 accepted", "banana2", (media, "_ACCEPTED", 200), ("media.accepted",)),
    (
        "B10 rules",
        "banana2",
        (media_request, "decode", _anything_goes),
        tuple(f"media.{name}.refused" for name in ("size", "resolution", "square-4k", "two", "references")),
    ),
    (
        "B9 webhooks stay outside",
        "banana2",
        (Guard, "check", lambda *_: None),
        ("media.webhook-loopback.refused", "media.webhook-metadata.refused", "media.webhook-scheme.refused"),
    ),
    ("B11 refund", "banana2", (Ledger, "refund", _keep_the_money), ("media.refunded",)),
    ("C9", "c0mpute", (UsageRow, "to_json", _tell_the_prompt), ("privacy.usage-rows",)),
]


@pytest.mark.parametrize(
    ("contract", "patch", "requirements"), [row[1:] for row in PATCHED], ids=[row[0] for row in PATCHED]
)
def test_a_broken_server_is_found(
    judged: Any,
    monkeypatch: pytest.MonkeyPatch,
    contract: str,
    patch: tuple[Any, str, Any],
    requirements: tuple[str, ...],
) -> None:
    monkeypatch.setattr(*patch)
    verdicts = judged(contract, only=requirements)
    assert {name: verdicts[name].verdict.value for name in requirements} == dict.fromkeys(
        requirements, "fail"
    ), [verdicts[name].message for name in requirements]
