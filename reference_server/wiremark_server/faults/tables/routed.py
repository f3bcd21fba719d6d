"""Several providers behind one endpoint: who answers, how they do, what they cost, what a model can take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiremark_server.faults.change import (
    CHAT,
    ask_without,
    body,
    equals,
    has,
    put,
    refuse,
    status,
    take,
    values,
    whole_body,
    with_document,
)
from wiremark_server.faults.edit import Ask, Document, Edit, On, Promise, Question
from wiremark_server.faults.fault import Fault, Layer, named
from wiremark_server.faults.frames import Frame

_routing = named("routing", "apipie")
_providers = named("providers", "apipie")
_context = named("context", "apipie")
_models = named("models", "apipie")
_answer = named("answer", "apipie")
_PROVIDER = "provider"
_HEALTH, _LATENCY, _PRICES = "providers.list", "providers.latency", "prices.list"
_NOBODY = "wiremark-no-such-provider"
_LIMIT = 32_768  # tokens that the model under test may answer
_DEAREST = "openrouter"
_NEAR = ("routing.*", "answer.*", "billing.*", "providers.*", "chat.*")


def _known(ask: Ask) -> bool:
    return ask.document.get(_PROVIDER) not in (None, _NOBODY)


def _asked_for(provider: str) -> Callable[[Ask], bool]:
    return equals(_PROVIDER, provider)


def _beyond(ask: Ask) -> bool:
    wanted = ask.document.get("max_tokens")
    return isinstance(wanted, int) and wanted > _LIMIT


def _bounded(ask: Ask) -> Ask:
    return with_document(ask, {**ask.document, "max_tokens": 16, "user": "beyond"})


def _too_long(ask: Ask) -> bool:
    return len(ask.body) > 15_000


def _cut_short(ask: Ask) -> Ask:
    """The end of a prompt that is too long is left out."""
    messages = [{"role": "user", "content": "word word"}]
    return with_document(ask, {**ask.document, "messages": messages})


def _other_code(document: Document) -> None:
    promised = document["errors"]["context_length_exceeded"]
    document["errors"]["context_length_exceeded"] = {**promised, "code": "too_long"}


def _anything(frame: Frame, _: int) -> bool:
    return isinstance(frame.value, dict)


def _of(operation: str, name: str, layer: Layer, text: str, change: Any, catches: str) -> Fault:
    return _providers(name, layer, text, body(change, operation), catches=(catches,), allows=("routing.*",))


def _missing(operation: str, name: str, catches: str) -> Fault:
    edit: Edit = refuse(On(operation), 404, "Not found.", "not_found")
    text = f"There is no route of {operation}."
    return _providers(f"{name}-absent", "semantics", text, edit, catches=(catches,), allows=("routing.*",))


def _fewer(document: Any) -> Any:
    document["data"] = document["data"][1:]
    return document


def _turned(document: Any) -> Any:
    document["data"].reverse()
    return document


def _untrue(usage: Any) -> Any:
    return {**usage, "cost": 1.0} if isinstance(usage, dict) else usage


TABLE: tuple[Fault, ...] = (
    _answer(
        "cost-untrue",
        "semantics",
        "The usage tells another cost than the price makes.",
        body(put("/usage", _untrue)),
        values(_anything, put("/usage", _untrue, absent_too=False)),
        catches=("answer.usage-fields",),
        allows=("chat.*",),
    ),
    _models(
        "list.prices-old",
        "semantics",
        "The list of models tells prices that are a tenth higher than they are now.",
        body(put("/data/*/output_cost", lambda usd: usd and usd * 1.1), "models.list"),
        catches=("models.list.live",),
    ),
    _models(
        "list.providers-absent",
        "shape",
        "The list of models does not say who offers them.",
        body(take("/data/*/providers"), "models.list"),
        catches=("models.list.live",),
        allows=("routing.*",),
    ),
    _routing(
        "provider-unknown",
        "shape",
        "Answers name a provider that the model does not have.",
        body(put(f"/{_PROVIDER}", "nobody")),
        values(_anything, put(f"/{_PROVIDER}", "nobody")),
        catches=("routing.provider-told",),
        allows=_NEAR,
    ),
    _routing(
        "explicit-refused",
        "semantics",
        "A provider cannot be chosen.",
        refuse(On(CHAT, where=_known)),
        catches=("routing.explicit.accepted",),
        allows=_NEAR,
    ),
    _routing(
        "explicit-ignored",
        "semantics",
        "The provider that is asked for is not looked at.",
        ask_without(_PROVIDER),
        catches=("routing.explicit.obeyed", "routing.unknown.refused", "routing.unavailable.refused"),
        allows=_NEAR,
    ),
    _routing(
        "failover-absent",
        "semantics",
        "When the best provider is away, nobody is asked in its place.",
        refuse(
            On(CHAT, where=lambda ask: equals("model", "Nous-Hermes-2-Mixtral-8x7B-DPO")(ask)),
            503,
            "The provider is away.",
            "model_unavailable",
        ),
        catches=("routing.failover.accepted",),
        allows=_NEAR,
    ),
    _routing(
        "failover-untold",
        "semantics",
        "Who stands in for a provider that is away answers in its name.",
        body(put(f"/{_PROVIDER}", "away"), where=equals("model", "Nous-Hermes-2-Mixtral-8x7B-DPO")),
        catches=("routing.failover.other",),
        allows=_NEAR,
    ),
    _routing(
        "dearest",
        "semantics",
        "Who names no provider is answered by the dearest and slowest.",
        body(put(f"/{_PROVIDER}", _DEAREST), where=lambda ask: not has(_PROVIDER)(ask)),
        catches=("routing.best",),
        allows=_NEAR,
    ),
    _missing(_HEALTH, "health", "providers.health.accepted"),
    _missing("providers.page", "page", "providers.page.told"),
    _providers(
        "page-empty",
        "semantics",
        "The page on the providers' health says nothing of them.",
        whole_body(lambda _: b"<!doctype html><title>All is well</title>", On("providers.page", "answer")),
        catches=("providers.page.told",),
    ),
    _answer(
        "fingerprint-absent",
        "shape",
        "Answers have no `system_fingerprint`.",
        body(take("/system_fingerprint")),
        catches=("answer.answer-fields",),
    ),
    _missing(_LATENCY, "latency", "providers.latency.accepted"),
    _missing(_PRICES, "prices", "providers.prices.accepted"),
    _of(
        _HEALTH,
        "health-percent",
        "shape",
        "Availability is told in percent.",
        put("/data/*/availability", 99.5),
        "providers.health.schema",
    ),
    _of(
        _HEALTH,
        "health-fewer",
        "semantics",
        "The first provider is not listed.",
        _fewer,
        "providers.health.complete",
    ),
    _of(
        _HEALTH,
        "health-uncounted",
        "semantics",
        "Requests to providers are not counted.",
        put("/data/*/requests", 0),
        "providers.health.counted",
    ),
    _of(
        _LATENCY,
        "latency-text",
        "shape",
        "Latencies are texts.",
        put("/data/*/latency_ms", "12 ms"),
        "providers.latency.schema",
    ),
    _of(
        _LATENCY,
        "latency-forgotten",
        "semantics",
        "No answer of a provider is remembered.",
        put("/data", []),
        "providers.latency.remembered",
    ),
    _of(
        _PRICES,
        "prices-unnamed",
        "shape",
        "Prices do not say whose they are.",
        take("/data/*/provider"),
        "providers.prices.schema",
    ),
    _of(
        _PRICES,
        "prices-untrue",
        "semantics",
        "Prices in the list are a tenth higher than promised.",
        put("/data/*/output_usd_per_million", lambda usd: usd * 1.1),
        "providers.prices.promised",
    ),
    _of(
        _PRICES,
        "prices-turned",
        "semantics",
        "The dearest offer stands first.",
        _turned,
        "providers.prices.sorted",
    ),
    _context(
        "cut-short",
        "semantics",
        "A prompt that is longer than the context is cut short in silence.",
        Question(On(CHAT, where=_too_long), _cut_short),
        catches=("context.prompt.refused",),
        allows=("errors.context-*", "contract.errors.context-*", "bodies.*", "chat.vision.*"),
    ),
    _context(
        "other-code",
        "errors",
        "A prompt that is longer than the context is refused with another code than promised.",
        Promise(_other_code),
        catches=("contract.errors.context-length",),
        allows=("errors.context-*",),
    ),
    _context(
        "words-lost",
        "errors",
        "The refusal of a prompt that is longer than the context does not say what was too long.",
        body(put("/error/message", "Bad request."), CHAT, "refusal", _too_long),
        catches=("errors.context-overflow.words",),
        allows=("errors.*",),
    ),
    _context(
        "budget-crash",
        "errors",
        "A budget beyond what the model may answer is a server error.",
        refuse(On(CHAT, where=_beyond), 500, "Internal error."),
        catches=("context.max-tokens.bounded",),
        allows=("errors.*", "contract.*"),
    ),
    _context(
        "budget-exceeded",
        "semantics",
        "A budget beyond what the model may answer is used to its end.",
        Question(On(CHAT, where=_beyond), _bounded),
        body(put("/usage/completion_tokens", _LIMIT + 1), where=equals("user", "beyond")),
        catches=("context.max-tokens.bounded",),
        allows=("chat.*", "errors.*", "contract.*"),
    ),
    _context(
        "status-413",
        "errors",
        "A prompt that is longer than the context is refused as a body that is too large.",
        status(On(CHAT, "refusal", _too_long, 400), 413),
        catches=("contract.errors.context-length",),
        allows=("errors.context-*",),
    ),
)
