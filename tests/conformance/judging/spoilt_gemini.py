"""Each requirement on Gemini's answers that are not streamed, spoilt in its own way, and around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiremark_conformance.probes.table import WRONG_KEY

from tests.conformance.judging import good_gemini as good

Change = Callable[[Any], object]

PLAIN, FORCED, THOUGHTS = "gemini.plain", "gemini.functions.forced", "gemini.thoughts"
STANDARD = "gemini.functions.standard-schema"
TRACE = 'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in main'


def _status(probe: str, status: int) -> Change:
    return lambda w: setattr(w[probe], "status", status)


def _answered(*probes: str) -> Change:
    """Answered like a good request."""
    return lambda w: w.answers.update(dict.fromkeys(probes, w[PLAIN]))


def declined(probe: str, status: int = 400) -> Change:
    """Refused like a bad request."""

    def apply(world: Any) -> None:
        world[probe].chunks, world[probe].status = None, status
        world[probe].body = good.error(status, "INVALID_ARGUMENT")["body"]

    return apply


def _set(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body.update(values)


def _drop(probe: str, key: str) -> Change:
    return lambda w: w[probe].body.pop(key)


def _header(probe: str, name: str, value: str | None) -> Change:
    def apply(world: Any) -> None:
        if value is None:
            del world[probe].headers[name]
        else:
            world[probe].headers[name] = value

    return apply


def _candidate(probe: str = PLAIN, at: int = 0, **values: Any) -> Change:
    return lambda w: w[probe].body["candidates"][at].update(values)


def _content(probe: str = PLAIN, **values: Any) -> Change:
    return lambda w: w[probe].body["candidates"][0]["content"].update(values)


def _text(probe: str, text: str) -> Change:
    return _content(probe, parts=[{"text": text}])


def _usage(probe: str = PLAIN, **values: Any) -> Change:
    return lambda w: w[probe].body["usageMetadata"].update(values)


def _call(probe: str = FORCED, **values: Any) -> Change:
    return lambda w: w[probe].body["candidates"][0]["content"]["parts"][0]["functionCall"].update(values)


def _error(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body["error"].update(values)


def _body(probe: str, body: Any) -> Change:
    return lambda w: setattr(w[probe], "body", body)


def _entry(at: int = 0, **values: Any) -> Change:
    return lambda w: w["gemini.models.list"].body["models"][at].update(values)


def _result(**values: Any) -> Change:
    return lambda w: w["gemini.logprobs"].body["candidates"][0]["logprobsResult"].update(values)


def _accepted(*names: str) -> list[tuple[str, Change]]:
    """Requirements of the form `….accepted`, whose probe has the same name without it."""
    return [(f"{name}.accepted", declined(name)) for name in names]


ANSWERS: list[tuple[str, Change]] = [
    *_accepted("gemini.v1", "gemini.max-tokens", "gemini.stop", "gemini.json", "gemini.json-schema"),
    *_accepted("gemini.logprobs", "gemini.vision", "gemini.thoughts"),
    ("gemini.accepted", declined(PLAIN)),
    ("gemini.accepted", declined(PLAIN, 404)),
    ("gemini.status", _status(PLAIN, 201)),
    ("gemini.content-type", _header(PLAIN, "content-type", "text/plain")),
    ("gemini.no-error", _set(PLAIN, error={"code": 503, "message": "busy"})),
    ("gemini.candidates", _set(PLAIN, candidates=[])),
    ("gemini.candidates", _drop(PLAIN, "candidates")),
    ("gemini.parts", _candidate(content={"role": "model"})),
    ("gemini.parts", _content(parts="Hello.")),
    ("gemini.parts", _candidate(content="Hello.")),
    ("gemini.role", _content(role="assistant")),
    ("gemini.role", _content(FORCED, role=None)),
    ("gemini.text", _content(parts=[{"text": "Hm.", "thought": True}])),
    ("gemini.text", _text(PLAIN, "")),
    ("gemini.finish-reason", _candidate(finishReason="stop")),
    ("gemini.finish-reason", lambda w: w[PLAIN].body["candidates"][0].pop("finishReason")),
    ("gemini.finish-reason", _candidate(FORCED, finishReason="TOOL_CALLS")),
    ("gemini.types", _usage(promptTokenCount=1.5)),
    ("gemini.types", _candidate(THOUGHTS, content={"parts": {"text": "x"}, "role": "model"})),
    ("gemini.types", _candidate(finishReason=1)),
    ("gemini.camel-case", _candidate(finish_reason="STOP")),
    ("gemini.camel-case", _set(PLAIN, usage_metadata={})),
    ("gemini.model-version", _drop(PLAIN, "modelVersion")),
    ("gemini.response-id", _set(PLAIN, responseId="")),
    ("gemini.response-id.unique", _set("gemini.candidates", responseId="r-1")),
    ("gemini.request-id", _header(PLAIN, "x-request-id", None)),
    ("gemini.usage.present", _drop(PLAIN, "usageMetadata")),
    ("gemini.usage.integers", _usage(totalTokenCount=None)),
    ("gemini.usage.integers", _usage(candidatesTokenCount="6")),
    ("gemini.usage.total", _usage(totalTokenCount=20)),
    ("gemini.usage.total", _usage(THOUGHTS, totalTokenCount=26)),
    ("gemini.usage.positive", _usage(promptTokenCount=0)),
    ("gemini.usage.positive", lambda w: w[PLAIN].body["usageMetadata"].pop("candidatesTokenCount")),
    ("gemini.usage.cached", _usage(cachedContentTokenCount=21)),
    ("gemini.echo-back", declined("gemini.echo-back")),
    ("gemini.snake-case", declined("gemini.snake")),
    ("gemini.roleless", declined("gemini.roleless")),
    ("gemini.config", declined("gemini.config")),
    ("gemini.safety-settings", declined("gemini.safety-settings")),
    ("gemini.system-parameters", declined("gemini.system-parameters")),
    ("gemini.unknown-field", _status("gemini.unknown-field", 500)),
    ("gemini.unknown-field", _status("gemini.unknown-field", 422)),
    ("gemini.max-tokens.honoured", _usage("gemini.max-tokens", candidatesTokenCount=9)),
    ("gemini.max-tokens.honoured", _usage("gemini.max-tokens", thoughtsTokenCount=1)),
    ("gemini.max-tokens.finish-reason", _candidate("gemini.max-tokens", finishReason="STOP")),
    (
        "gemini.max-tokens.content",
        lambda w: w["gemini.max-tokens"].body["candidates"][0].pop("content"),
    ),
    ("gemini.stop.absent", _text("gemini.stop", "5 6 7")),
    ("gemini.stop.finish-reason", _candidate("gemini.stop", finishReason="OTHER")),
    ("gemini.candidate-count.accepted", declined("gemini.candidates")),
    ("gemini.candidate-count.honoured", lambda w: w["gemini.candidates"].body["candidates"].pop()),
    ("gemini.candidate-count.indexes", _candidate("gemini.candidates", 1, index=0)),
    ("gemini.json.document", _text("gemini.json", "It is sunny.")),
    ("gemini.json.document", _text("gemini.json-schema", '```json\n{"city": "Paris", "sunny": true}\n```')),
    ("gemini.json-schema.standard-accepted", declined("gemini.json-schema.standard")),
    ("gemini.json-schema.valid", _text("gemini.json-schema", '{"city": "Rome", "sunny": true}')),
    ("gemini.json-schema.valid", _text("gemini.json-schema.standard", '{"city": "Oslo"}')),
    ("gemini.enum.word", _text("gemini.enum", '"Woodwind"')),
    ("gemini.enum.word", _status("gemini.enum", 500)),
    ("gemini.logprobs.present", _candidate("gemini.logprobs", logprobsResult=None)),
    ("gemini.logprobs.values", _result(chosenCandidates=[{"token": "a", "logProbability": 0.5}])),
    ("gemini.logprobs.values", _result(chosenCandidates=[{"logProbability": -0.5}])),
    ("gemini.logprobs.top", _result(topCandidates=[])),
    ("gemini.logprobs.top", _result(topCandidates=[{"candidates": [{}] * 3}] * 3)),
    ("gemini.vision.text-only-refused", _answered("gemini.vision.text-only")),
    ("gemini.thoughts.parts", _text(THOUGHTS, "A dozen.")),
    ("gemini.thoughts.apart", _content(THOUGHTS, parts=[good.THOUGHT])),
    ("gemini.thoughts.counted", lambda w: w[THOUGHTS].body["usageMetadata"].pop("thoughtsTokenCount")),
    ("gemini.thoughts.unasked", _content(parts=[good.THOUGHT, {"text": "Hello."}])),
    (
        "gemini.thoughts.unasked",
        _content("gemini.thoughts.unseen", parts=[good.THOUGHT, {"text": "A dozen."}]),
    ),
    ("gemini.thoughts.signature", _content(THOUGHTS, parts=[{"text": "x", "thoughtSignature": "sig!"}])),
    ("gemini.thoughts.signature", _content(THOUGHTS, parts=[{"text": "x", "thoughtSignature": None}])),
    ("gemini.safety.prompt", _set("gemini.safety.prompt", promptFeedback={})),
    ("gemini.safety.prompt", _drop("gemini.safety.prompt", "promptFeedback")),
    ("gemini.safety.no-candidates", _set("gemini.safety.prompt", candidates=[])),
    ("gemini.safety.stream", lambda w: w.chunks("gemini.safety.stream")[0].pop("promptFeedback")),
    ("gemini.safety.answer", _candidate("gemini.safety.answer", finishReason="STOP")),
]

FUNCTIONS: list[tuple[str, Change]] = [
    *_accepted("gemini.functions.validated", "gemini.functions.none", FORCED, "gemini.functions.allowed"),
    *_accepted("gemini.functions.stream", "gemini.functions.parallel", "gemini.functions.round-trip"),
    *_accepted("gemini.functions.signed"),
    ("gemini.functions.accepted", declined("gemini.functions.auto")),
    ("gemini.functions.standard-schema", declined("gemini.functions.standard-schema")),
    ("gemini.functions.lower-types", declined("gemini.functions.lower-types")),
    ("gemini.functions.function-role", declined("gemini.functions.function-role")),
    ("gemini.functions.none.honoured", _content("gemini.functions.none", parts=[good.CALL])),
    ("gemini.functions.forced.called", _text(FORCED, "It is sunny.")),
    ("gemini.functions.allowed.honoured", _call("gemini.functions.allowed", name="get_weather")),
    (
        "gemini.functions.parallel.called",
        lambda w: (
            w["gemini.functions.parallel"]
            .body["candidates"]
            .append(good.candidate(good.CALL, finishReason="STOP"))
        ),
    ),
    ("gemini.functions.call.name", _call(name="getWeather")),
    ("gemini.functions.call.name", _call(name=None)),
    ("gemini.functions.call.args", _call(args='{"city": "Paris"}')),
    ("gemini.functions.call.args", _call(args=None)),
    ("gemini.functions.call.valid", _call(args={"town": "Paris"})),
    ("gemini.functions.call.valid", _call("gemini.functions.parallel", args={"city": 7})),
    ("gemini.functions.call.whole", _call(willContinue=True)),
    ("gemini.functions.call.whole", _call(partialArgs=[{"jsonPath": "$.city", "stringValue": "P"}])),
    ("gemini.functions.call.id", _call(id="")),
    ("gemini.functions.call.id", _call("gemini.functions.parallel", id="call_2")),
    ("gemini.functions.finish-reason", _candidate(FORCED, finishReason="OTHER")),
    ("gemini.functions.round-trip.answer", _content("gemini.functions.round-trip", parts=[])),
    ("gemini.functions.text-response", _answered("gemini.functions.text-response")),
    ("gemini.functions.unknown-name", _answered("gemini.functions.unknown-name")),
    ("gemini.functions.text-only-refused", _answered("gemini.functions.text-only")),
    ("gemini.functions.signature", _content("gemini.functions.thinking", parts=[good.CALL])),
]

AROUND: list[tuple[str, Change]] = [
    *_accepted("gemini.models.list", "gemini.models.v1", "gemini.models.get", "gemini.count"),
    *_accepted("gemini.embed", "gemini.embed.batch"),
    ("gemini.models.empty-json", declined("gemini.models.empty-json")),
    ("gemini.models.list.array", _body("gemini.models.list", {"object": "list", "data": []})),
    ("gemini.models.list.array", _body("gemini.models.v1", {"models": ["m"]})),
    ("gemini.models.list.types", _entry(inputTokenLimit="1000")),
    ("gemini.models.list.names", _entry(name=good.MODEL)),
    ("gemini.models.list.unique", _entry(1, name=f"models/{good.MODEL}")),
    ("gemini.models.list.contains-model", lambda w: w["gemini.models.list"].body["models"].pop(0)),
    ("gemini.models.list.methods", _entry(supportedGenerationMethods=["embedContent"])),
    (
        "gemini.models.list.limits",
        lambda w: w["gemini.models.list"].body["models"][0].pop("outputTokenLimit"),
    ),
    (
        "gemini.models.page.size",
        lambda w: w["gemini.models.page"].body.update(models=w["gemini.models.list"].body["models"]),
    ),
    ("gemini.models.page.token", _drop("gemini.models.page", "nextPageToken")),
    ("gemini.models.get.name", _set("gemini.models.get", name="models/other")),
    ("gemini.models.unknown", _status("gemini.models.unknown", 400)),
    ("gemini.count.request-accepted", declined("gemini.count.request")),
    ("gemini.count.total", _set("gemini.count", totalTokens=0)),
    ("gemini.count.total", _body("gemini.count", {"tokens": 20})),
    ("gemini.count.no-answer", lambda w: w["gemini.count"].body.update(w[PLAIN].body)),
    ("gemini.count.agrees", _set("gemini.count.request", totalTokens=21)),
    ("gemini.embed.values", _set("gemini.embed", embedding=[0.1])),
    ("gemini.embed.values", _set("gemini.embed", embedding={"values": []})),
    ("gemini.embed.length", _set("gemini.embed.length", embedding={"values": [1.0] * 12})),
    ("gemini.embed.batch.count", lambda w: w["gemini.embed.batch"].body["embeddings"].pop()),
    ("gemini.embed.batch.order", lambda w: w["gemini.embed.batch"].body["embeddings"].insert(0, _last(w))),
    ("gemini.embed.batch.order", lambda w: w["gemini.embed.batch"].body["embeddings"][1].update(_last(w, 0))),
    # refusals
    *[(f"gemini.errors.{name}", _answered(f"gemini.errors.{name}")) for name in ("role", "temperature")],
    ("gemini.errors.inline-data", _answered("gemini.errors.inline-data")),
    ("gemini.errors.empty-contents", _answered("gemini.errors.empty-contents")),
    ("gemini.errors.malformed-json", _status("gemini.errors.malformed-json", 500)),
    ("gemini.errors.not-an-object", _status("gemini.errors.not-an-object", 500)),
    ("gemini.errors.no-contents", _answered("gemini.errors.no-contents")),
    ("gemini.errors.contents-type", _status("gemini.errors.contents-type", 500)),
    ("gemini.errors.envelope", _body("gemini.errors.unknown-route", {"detail": "Not Found"})),
    ("gemini.errors.envelope", _body("gemini.errors.method", b"<html>405</html>")),
    ("gemini.errors.envelope", _body("gemini.auth.no-key", {"error": "no key"})),
    ("gemini.errors.code", _error("gemini.errors.role", code="400")),
    ("gemini.errors.code", _error("gemini.auth.no-key", code=401)),
    ("gemini.errors.status", _error("gemini.errors.role", status="invalid_request_error")),
    ("gemini.errors.status", _error("gemini.limits.body", status=None)),
    ("gemini.errors.status-agrees", _error("gemini.keys.throttled", status="UNAVAILABLE")),
    ("gemini.errors.details", _error("gemini.errors.role", details=[{"reason": "x"}])),
    ("gemini.errors.details", _error("gemini.errors.role", details="x")),
    ("gemini.errors.message", _error("gemini.errors.role", message="")),
    ("gemini.errors.content-type", _header("gemini.errors.role", "content-type", "text/html")),
    ("gemini.errors.no-internals", _error("gemini.errors.role", message=TRACE)),
    ("gemini.errors.no-server-error", _status("gemini.errors.temperature", 500)),
    ("gemini.errors.validation-status", _status("gemini.errors.no-contents", 422)),
    ("gemini.errors.unknown-model", _answered("gemini.errors.unknown-model")),
    ("gemini.errors.unknown-model", _status("gemini.errors.unknown-model.slash", 405)),
    ("gemini.errors.unknown-model.named", _error("gemini.errors.unknown-model.slash", message="tag is gone")),
    ("gemini.errors.unknown-model.stream", _status("gemini.errors.unknown-model.stream", 200)),
    ("gemini.errors.unknown-route", _status("gemini.errors.unknown-route", 200)),
    ("gemini.errors.method", _status("gemini.errors.method", 200)),
    ("gemini.errors.media-type", _answered("gemini.errors.media-type")),
    # keys and limits
    ("gemini.auth.header", declined("gemini.auth.header", 401)),
    ("gemini.auth.query", declined("gemini.auth.query", 403)),
    ("gemini.auth.bearer", declined("gemini.auth.bearer", 401)),
    ("gemini.auth.missing-key", _answered("gemini.auth.no-key")),
    ("gemini.auth.missing-key.status", _status("gemini.auth.no-key", 401)),
    ("gemini.auth.wrong-key", _answered("gemini.keys.revoked")),
    ("gemini.auth.wrong-key.status", _status("gemini.auth.wrong-key", 401)),
    ("gemini.auth.wrong-key.reason", _error("gemini.auth.wrong-key.query", details=[])),
    ("gemini.auth.no-echo", _error("gemini.auth.wrong-key", message=f"No key {WRONG_KEY}.")),
    ("gemini.auth.before-body", _status("gemini.auth.no-key.malformed", 400)),
    ("gemini.keys.restricted", _answered("gemini.keys.restricted")),
    ("gemini.limits.throttled", _status("gemini.keys.throttled", 503)),
    ("gemini.limits.throttled", _answered("gemini.keys.throttled.stream")),
    ("gemini.limits.throttled.delay", _error("gemini.keys.throttled", details=[])),
    (
        "gemini.limits.throttled.delay",
        lambda w: w["gemini.keys.throttled"].body["error"]["details"][1].update(retryDelay=37),
    ),
    ("gemini.limits.throttled.retry-after", _header("gemini.keys.throttled", "retry-after", None)),
    ("gemini.limits.throttled.retry-after", _header("gemini.keys.throttled", "retry-after", "3600")),
    ("gemini.limits.throttled.quota", _error("gemini.keys.throttled.stream", details=[])),
    ("gemini.limits.exhausted", _answered("gemini.keys.exhausted")),
    ("gemini.limits.body", _answered("gemini.limits.body")),
]


def _last(world: Any, at: int = -1) -> dict[str, Any]:
    found: dict[str, Any] = world["gemini.embed.batch"].body["embeddings"].pop(at) if at < 0 else {}
    return found or dict(world["gemini.embed.batch"].body["embeddings"][at])


def _row(probe: str, **values: Any) -> Change:
    return lambda w: w.row(probe).update(values)


def _books(name: str, probe: str) -> list[tuple[str, Change]]:
    return [
        (f"billing.gemini.{name}.recorded", lambda w: w.rows().remove(w.row(probe))),
        (f"billing.gemini.{name}.tokens", _row(probe, completion_tokens=2)),
        (f"billing.gemini.{name}.charge", _row(probe, amount_microusd=4)),
    ]


def _charged(probe: str) -> Change:
    return lambda w: w.rows().append({**w.rows()[0], "request_id": f"req-{probe}", "amount_microusd": 3})


def _ended(world: Any) -> None:
    """The budget used up in both formats, and STOP in this one."""
    world["gemini.max-tokens"].body["candidates"][0]["finishReason"] = "STOP"
    usage = world["chat.max-tokens"].body["usage"]
    usage.update(completion_tokens=8, total_tokens=usage["prompt_tokens"] + 8)


AGREEING: list[tuple[str, Change]] = [
    ("formats.gemini.prompt-tokens", _usage(promptTokenCount=24)),
    ("formats.gemini.answer-tokens", _usage(candidatesTokenCount=7)),
    ("formats.gemini.stop-reason", _candidate(finishReason="SAFETY")),
    ("formats.gemini.stop-reason-budget", _ended),
    ("formats.gemini.stop-reason-tools", _text(STANDARD, "It is sunny.")),
    ("formats.gemini.tool-tokens", _usage(STANDARD, promptTokenCount=19)),
    ("formats.gemini.tool-call", _call(STANDARD, args={"city": "paris"})),
    ("formats.gemini.tool-call", _call(STANDARD, name="weather")),
    ("formats.gemini.models", lambda w: w["gemini.models.list"].body["models"].pop(0)),
    ("formats.gemini.by-header", lambda w: w["models.list"].body.pop("object")),
    ("formats.gemini.by-header", lambda w: w["gemini.models.list"].body.pop("models")),
]

BOOKS: list[tuple[str, Change]] = [
    *_books("plain", PLAIN),
    *_books("stream", "gemini.stream"),
    *_books("functions", FORCED),
    ("billing.gemini.refused-free", _charged("gemini.errors.unknown-model")),
    ("billing.gemini.count-free", _charged("gemini.count")),
]
