"""Keys, limits, errors, bodies and what is beside chat: what exactly is a finding, what cannot be told."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.probes.media import LOOKS
from wiremark_conformance.probes.models import ORIGIN
from wiremark_conformance.properties import PROPERTIES

from tests.conformance.judging.other_surfaces import LONG, embeddings
from tests.conformance.judging.spoiling import (
    Change,
    body,
    choice,
    declined,
    error,
    header,
    header_of_these,
    raw,
    status,
    together,
    usage,
)

_VALID = next(name for name, wanted in PROPERTIES.items() if wanted.kind == "valid")
_REMAINING = "x-ratelimit-remaining-requests"


def _vectors(probe: str, *vectors: Any, tokens: int = 6) -> Change:
    return raw(probe, embeddings(*map(list, vectors), tokens=tokens))


def _scaled(by: float) -> tuple[float, ...]:
    return tuple(number * by for number in LONG)


def _logprobs(**values: Any) -> Change:
    return lambda w: w["completions.logprobs"].choice["logprobs"].update(values)


def _price(position: int, **values: Any) -> Change:
    return lambda w: w["prices.list"].body["data"][position].update(values)


def _prices(*rows: tuple[Any, Any]) -> Change:
    """Prices in and out, of one model by as many providers."""
    told = [
        {"model": "m", "provider": str(n), "input_usd_per_million": given, "output_usd_per_million": made}
        for n, (given, made) in enumerate(rows)
    ]
    return body("prices.list", data=told)


def _model(**values: Any) -> Change:
    """The model under test as it is listed."""
    return lambda w: w["models.list"].body["data"][0].update(values)


def _described(path: str, *servers: Any) -> Change:
    """The chat route described at a path, below these servers."""
    return body("openapi", servers=list(servers), paths={path: {"post": {}}})


def _operation(told: Any) -> Change:
    return lambda w: w["openapi"].body["paths"]["/chat/completions"].update(post=told)


def _schema(reference: str) -> Change:
    """The schema of chat requests, behind a reference to it."""

    def apply(world: Any) -> None:
        told = world["openapi"].body
        told["components"]["schemas"]["a/b~c"] = {"required": ["messages", "model"]}
        content = told["paths"]["/chat/completions"]["post"]["requestBody"]["content"]
        content["application/json"]["schema"] = {"$ref": reference}

    return apply


_TWO = ("chat.plain", "chat.stream")
_SAME = dict.fromkeys(("chat.plain", "chat.stream", "chat.echo-back"), "7")

TABLE: list[tuple[str, Change, str]] = [
    # auth
    ("auth.scheme-case", status("models.get", 401), "finding"),
    ("auth.scheme-case", status("models.get", 403), "finding"),
    ("auth.scheme-case", status("models.get", 404), "pass"),
    # bodies
    ("bodies.nul-kept", usage("bodies.nul.without", prompt_tokens=0), "untestable"),
    ("bodies.nul-kept", usage("bodies.nul.without", prompt_tokens=1), "pass"),
    ("bodies.nul-kept", usage("bodies.nul.without", prompt_tokens=40), "pass"),
    ("bodies.nul-kept", usage("bodies.nul.without", prompt_tokens=41), "finding"),
    # errors
    ("errors.no-server-error", status("errors.temperature", 501), "pass"),
    ("errors.no-server-error", status("errors.temperature", 500), "finding"),
    ("errors.validation-status", status("errors.no-messages", 422), "finding"),
    ("errors.no-key-name-clear", error("errors.no-key-name", message="Cannot PARSE it."), "pass"),
    ("errors.method-allow", header("errors.method", "allow", None), "finding"),
    ("errors.method-allow", header("errors.method", "allow", "get, post"), "pass"),
    ("errors.media-type", status("errors.media-type", 400), "pass"),
    ("errors.media-type", status("errors.media-type", 401), "finding"),
    ("errors.context-overflow", status("errors.context-overflow", 413), "pass"),
    ("errors.context-overflow", status("errors.context-overflow", 414), "finding"),
    ("errors.envelope.object", raw("errors.temperature", b"\xff"), "finding"),
    ("errors.no-internals", raw("errors.temperature", b"\xff"), "pass"),
    ("errors.no-internals", raw("errors.temperature", b"\xff goroutine 1 [running]"), "finding"),
    # limits
    ("limits.headers.integers", header("chat.plain", "x-ratelimit-remaining-tokens", "x"), "finding"),
    ("limits.rate.retry-soon", header("keys.throttled", "retry-after", "60"), "pass"),
    ("limits.rate.retry-soon", header("keys.throttled", "retry-after", "61"), "finding"),
    ("limits.headers.within", header("chat.plain", "x-ratelimit-remaining-tokens", "5"), "pass"),
    ("limits.headers.within", header("chat.plain", _REMAINING, "60"), "pass"),
    ("limits.headers.within", header("chat.plain", _REMAINING, "61"), "finding"),
    ("limits.headers.counting", header_of_these(_REMAINING, _SAME), "finding"),
    ("limits.headers.counting", header_of_these(_REMAINING, {**_SAME, "chat.stream": "8"}), "pass"),
    (
        "limits.headers.counting",
        header_of_these(_REMAINING, {"chat.plain": "7", "chat.stream": "7"}),
        "untestable",
    ),
    (
        "limits.headers.counting",
        together(header_of_these(_REMAINING, {**_SAME, "keys.capped": "8"}), status("keys.capped", 200)),
        "finding",
    ),
    ("limits.hints.retry-after-ms", header("chat.plain", "retry-after-ms", " 12.5 "), "pass"),
    ("limits.hints.retry-after-ms", header("chat.plain", "retry-after-ms", "soon"), "finding"),
    ("limits.hints.should-retry", header("chat.plain", "x-should-retry", "true"), "pass"),
    ("limits.hints.should-retry", header("chat.plain", "x-should-retry", "false"), "pass"),
    ("limits.hints.should-retry", header("chat.plain", "x-should-retry", "TRUE"), "finding"),
    ("limits.hints.ietf", header("chat.plain", "ratelimit-policy", '"a";q=5, "b";q=7'), "pass"),
    ("limits.hints.ietf", header("chat.plain", "ratelimit-policy", '"a" "b";q'), "finding"),
    ("limits.hints.ietf", header("chat.plain", "ratelimit", "limit=5, remaining=3"), "finding"),
    ("limits.rate.promised", header("keys.throttled", "x-ratelimit-limit-requests", None), "untestable"),
    ("limits.rate.promised", header("keys.throttled", "x-ratelimit-limit-requests", "7"), "finding"),
    ("limits.credits.no-retry", header("keys.exhausted", "retry-after", "3600"), "pass"),
    ("limits.credits.no-retry", header("keys.exhausted", "retry-after", "3599"), "finding"),
    ("limits.cap.no-retry", header("keys.capped", "retry-after", "Sat, 21 Nov 2026 00:00:00 GMT"), "pass"),
    # ids
    ("ids.unique", header_of_these("x-request-id", {"chat.plain": "a"}), "untestable"),
    ("ids.unique", header_of_these("x-request-id", {"chat.plain": "a", "chat.stream": "b"}), "pass"),
    ("ids.unique", header_of_these("x-request-id", {"chat.plain": "a", "chat.stream": "a"}), "finding"),
    # http
    *(("http.no-redirect", status("chat.plain", code), "finding") for code in (301, 302, 303)),
    *(("http.no-redirect", status("chat.plain", code), "pass") for code in (304, 307)),
    *(("http.unknown-headers", status("models.get", code), "finding") for code in (400, 406, 422, 431, 500)),
    ("http.unknown-headers", status("models.get", 404), "pass"),
    # prices, providers
    ("providers.health.complete", body("providers.list", data="x"), "untestable"),
    ("providers.health.complete", body("providers.list", data=["x"]), "untestable"),
    ("providers.health.counted", body("providers.list", data=[]), "finding"),
    ("providers.health.counted", body("providers.list", data=[{"provider": "north", "requests": 1}]), "pass"),
    (
        "providers.health.counted",
        body("providers.list", data=[{"provider": "north", "requests": 0}]),
        "finding",
    ),
    ("providers.prices.promised", _price(0, provider="other"), "pass"),
    ("providers.prices.promised", _price(0, model="other"), "pass"),
    ("providers.prices.promised", body("prices.list", data=[]), "untestable"),
    (
        "providers.prices.promised",
        together(_price(0, model="other"), _price(1, input_usd_per_million=9)),
        "finding",
    ),
    ("providers.prices.promised", _price(0, input_usd_per_million="x"), "finding"),
    ("providers.prices.sorted", _prices((1, 1), (1, 1)), "pass"),
    ("providers.prices.sorted", _prices((1, 1), (1, 0.9)), "finding"),
    ("providers.prices.sorted", _prices((1, 0.5), (None, 1.9)), "pass"),
    # models
    ("models.list.live", _model(usd="0.0000000004"), "pass"),
    ("models.list.live", _model(usd="0.0000004"), "finding"),
    ("models.list.live", _model(usd="free"), "finding"),
    ("models.list.live", _model(providers=["x"]), "finding"),
    # generated requests
    *(("properties.settled", status(_VALID, code), said) for code, said in ((501, "pass"), (500, "finding"))),
    # openapi
    ("openapi.chat", _described("/chat/completions", "x", {"url": "https://a.invalid/api/v1/"}), "pass"),
    ("openapi.chat", _described("/api/v1/chat/completions"), "pass"),
    ("openapi.chat", _described("/api/v1/chat/completions", {}), "pass"),
    ("openapi.chat", _described("/chat/completions", {"url": "https://a.invalid/other"}), "finding"),
    ("openapi.chat", _described("XX/api/v1/chat/completions"), "finding"),
    ("openapi.chat", _operation("x"), "finding"),
    ("openapi.chat-required", _operation("x"), "untestable"),
    ("openapi.chat-required", _schema("#/components/schemas/a~1b~0c"), "pass"),
    ("openapi.chat-required", _schema("#/components/schemas/other"), "untestable"),
    ("openapi.chat-required", _schema("#/components/schemas/a~1b~0c/required/0"), "untestable"),
    # completions
    ("completions.prompts.indexes", lambda w: w["completions.prompts"].choice.update(index="x"), "finding"),
    ("completions.logprobs.text", choice("completions.logprobs", logprobs={"tokens": "x"}), "untestable"),
    ("completions.logprobs.text", choice("completions.logprobs", logprobs="tokens"), "untestable"),
    ("completions.logprobs.text", choice("completions.logprobs", text=""), "untestable"),
    ("completions.logprobs.text", choice("completions.logprobs", text=["x"]), "untestable"),
    ("completions.logprobs.text", _logprobs(tokens=["there\ufffd"]), "pass"),
    ("completions.logprobs.text", _logprobs(tokens=["bytes:\\xe2"]), "pass"),
    ("completions.logprobs.text", _logprobs(tokens=["Bytes:\\xe2"]), "finding"),
    ("completions.logprobs.offsets", _logprobs(text_offset=[0, 5]), "untestable"),
    ("completions.logprobs.offsets", _logprobs(text_offset="0.5"), "untestable"),
    ("completions.logprobs.offsets", _logprobs(tokens=[], text_offset=[]), "untestable"),
    ("completions.echo.honoured", choice("completions.echo", text=" once"), "finding"),
    # embeddings
    ("embeddings.usage.integers", raw("embeddings.plain", embeddings(list(LONG), tokens=1)), "pass"),
    ("embeddings.usage.integers", raw("embeddings.plain", embeddings(list(LONG), tokens=0)), "finding"),
    ("embeddings.usage.batch", usage("embeddings.batch", prompt_tokens=12, total_tokens=12), "finding"),
    ("embeddings.usage.batch", usage("embeddings.batch", prompt_tokens=13, total_tokens=13), "pass"),
    ("embeddings.batch.independent", _vectors("embeddings.plain", LONG, LONG), "untestable"),
    ("embeddings.batch.independent", _vectors("embeddings.plain", _scaled(1.05)), "pass"),
    ("embeddings.batch.independent", _vectors("embeddings.plain", _scaled(0.05)), "finding"),
    ("embeddings.batch.independent", _vectors("embeddings.plain", _scaled(10.5)), "finding"),
    ("embeddings.validation-status", status("embeddings.empty-list", 422), "finding"),
    ("embeddings.entry-object", body("embeddings.plain", data=[]), "pass"),
    ("embeddings.base64.float32", body("embeddings.base64", data=["x"]), "untestable"),
    ("embeddings.base64.float32", body("embeddings.base64", data={"0": {}}), "untestable"),
    ("embeddings.base64.float32", body("embeddings.base64", data=[]), "untestable"),
    ("embeddings.base64.honoured", _vectors("embeddings.base64", LONG), "finding"),
    ("embeddings.base64.honoured", body("embeddings.base64", data=[{"embedding": []}]), "finding"),
    (
        "embeddings.dimensions.unit-length",
        _vectors("embeddings.dimensions", LONG),
        "untestable",
    ),
    (
        "embeddings.dimensions.unit-length",
        _vectors("embeddings.plain", _scaled(2)),
        "untestable",
    ),
    ("embeddings.unit-length", _vectors("embeddings.plain", _scaled(1.019)), "pass"),
    ("embeddings.unit-length", _vectors("embeddings.plain", _scaled(1.021)), "finding"),
    ("context.max-tokens.bounded", declined("context.max-tokens"), "pass"),
]

# Of an endpoint that lets web pages in.
PAGES: list[tuple[str, Change, str]] = [
    (
        "cors.allow-headers",
        header("cors.preflight.sdk", "access-control-allow-headers", "*, Authorization"),
        "pass",
    ),
    ("cors.allow-headers", header("cors.preflight.sdk", "access-control-allow-headers", "*"), "finding"),
    ("cors.allow-methods", header("cors.preflight.sdk", "access-control-allow-methods", "*"), "pass"),
    ("cors.allow-methods", header("cors.preflight.sdk", "access-control-allow-methods", None), "finding"),
    ("cors.exposed", header("cors.answer", "access-control-expose-headers", "*"), "pass"),
    ("cors.exposed", header("cors.answer", "access-control-expose-headers", None), "finding"),
    (
        "cors.no-credentials",
        header("cors.preflight", "access-control-allow-credentials", "true"),
        "pass",
    ),
    ("cors.no-credentials", header("cors.preflight", "access-control-allow-origin", ORIGIN), "pass"),
    (
        "cors.no-credentials",
        together(
            header("cors.preflight", "access-control-allow-origin", ORIGIN),
            header("cors.preflight", "access-control-allow-credentials", "True"),
        ),
        "finding",
    ),
    ("http.reuse.lost", lambda w: w["http.reuse.lost"].fail("timeout"), "untestable"),
    ("http.reuse.lost", declined("models.list"), "untestable"),
]


def _ends(name: str, **values: Any) -> Change:
    """A task that all looks at it show like this."""
    return together(*(body(f"media.{name}.{number}", **values) for number in range(1, LOOKS + 1)))


# Of an endpoint that makes images as tasks.
TASKS: list[tuple[str, Change, str]] = [
    (
        "billing.export.rows",
        raw("billing.export", b"request_id,prompt_tokens\r\nreq-chat.plain,20\r\n\xff,1\r\n"),
        "pass",
    ),
    ("media.charge-told", body("media.submit", charge=0.012), "finding"),
    ("media.charge-told", body("media.submit", charge="0.012"), "pass"),
    ("media.task.same", body("media.task.1", model="other"), "finding"),
    ("media.task.completed", _ends("task", status="failed", error={"message": "No."}), "untestable"),
    ("media.task.completed", _ends("task", status="completed", result="x"), "finding"),
    ("media.task.failed", _ends("failed", status="completed", error="No."), "finding"),
    ("media.task.failed", _ends("failed", status="failed", error="It cannot be fetched."), "pass"),
    ("media.charged", body("media.usage", data=["x"]), "untestable"),
    ("media.charged", body("media.usage", data="x"), "untestable"),
    ("media.refunded", _ends("failed", status="completed"), "untestable"),
]
