"""Each requirement on messages that are not streamed, spoilt in its own way, and around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiremark_conformance.probes.table import WRONG_KEY

from tests.conformance.judging import good_messages as good

Change = Callable[[Any], object]

PLAIN, FORCED, THINKING = "messages.plain", "messages.tools.forced", "messages.thinking"
SAID: dict[str, Any] = {"type": "text", "text": "Hello there."}
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
        world[probe].body = good.error(probe, status, "invalid_request_error")["body"]

    return apply


def _like(probe: str, other: str) -> Change:
    """Answered as another probe is."""
    return lambda w: w.answers.update({probe: w[other]})


def _set(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body.update(values)


def _drop(probe: str, key: str) -> Change:
    return lambda w: w[probe].body.pop(key)


def _block(probe: str, position: int, **values: Any) -> Change:
    return lambda w: w[probe].body["content"][position].update(values)


def _says(probe: str, text: str) -> Change:
    return _block(probe, 0, text=text)


def _usage(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body["usage"].update(values)


def _error(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body["error"].update(values)


def _header(probe: str, name: str, value: str | None) -> Change:
    def apply(world: Any) -> None:
        if value is None:
            del world[probe].headers[name]
        else:
            world[probe].headers[name] = value

    return apply


def _body(probe: str, body: Any) -> Change:
    return lambda w: setattr(w[probe], "body", body)


def _count(probe: str, tokens: Any) -> Change:
    return _body(probe, {"input_tokens": tokens})


def _entry(**values: Any) -> Change:
    return lambda w: w["messages.models.list"].body["data"][0].update(values)


def _row(probe: str, **values: Any) -> Change:
    return lambda w: w.row(probe).update(values)


def _free_row(probe: str) -> Change:
    """A row that charges for what is free."""
    return lambda w: w.rows().append({**w.row(PLAIN), "request_id": f"req-{probe}", "amount_microusd": 5})


WHOLE: list[tuple[str, Change]] = [
    ("messages.accepted", declined(PLAIN)),
    ("messages.type", _set(PLAIN, type="completion")),
    ("messages.type", _drop(FORCED, "type")),
    ("messages.role", _set(PLAIN, role="model")),
    ("messages.id", _set(PLAIN, id="")),
    ("messages.id", _set(PLAIN, id=7)),
    ("messages.id-unique", lambda w: w[PLAIN].body.update(id=w["messages.max-tokens"].body["id"])),
    ("messages.model", _set(PLAIN, model=None)),
    ("messages.same-model", _set(PLAIN, model="another")),
    ("messages.content", _set(PLAIN, content="Hello there.")),
    ("messages.content", _set(PLAIN, content=None)),
    ("messages.content", _set(PLAIN, content=["Hello there."])),
    ("messages.blocks", lambda w: w[PLAIN].body["content"][0].pop("text")),
    ("messages.blocks", lambda w: w[PLAIN].body["content"].append({"type": "thinking", "thinking": "Hm."})),
    ("messages.blocks", lambda w: w[FORCED].body["content"][0].pop("name")),
    ("messages.text", _set(PLAIN, content=[])),
    ("messages.text", _set(PLAIN, content=[{"type": "thinking", "thinking": "x", "signature": "y"}])),
    ("messages.no-empty-text", lambda w: w[FORCED].body["content"].insert(0, {"type": "text", "text": ""})),
    ("messages.stop-reason", _set(PLAIN, stop_reason="stop")),
    ("messages.stop-reason", _set(PLAIN, stop_reason=None)),
    ("messages.stop-sequence", _set(PLAIN, stop_sequence="\n")),
    ("messages.no-foreign-keys", _set(PLAIN, object="chat.completion")),
    ("messages.no-foreign-keys", _set(PLAIN, choices=[])),
    ("messages.echo-back", declined("messages.echo-back")),
    ("messages.system-blocks", declined("messages.system-blocks")),
    ("messages.content-blocks", declined("messages.content-blocks", 422)),
    ("messages.document", declined("messages.document", 422)),
    ("messages.same-role", declined("messages.same-role")),
    ("messages.cache-control", declined("messages.cache-control")),
    ("messages.metadata", declined("messages.metadata")),
    ("messages.rare-parameters", declined("messages.rare", 500)),
    ("messages.query", declined("messages.query", 404)),
    ("messages.sdk-headers", declined("messages.sdk-headers")),
    ("messages.max-tokens.accepted", declined("messages.max-tokens")),
    ("messages.max-tokens.bound", _usage("messages.max-tokens", output_tokens=9)),
    ("messages.max-tokens.reason", _set("messages.max-tokens", stop_reason="end_turn")),
    ("messages.stop.accepted", declined("messages.stop")),
    ("messages.stop.obeyed", _says("messages.stop", "1 2 3 4 5 6 7 8")),
    ("messages.stop.reason", _set("messages.stop", stop_reason="end_turn", stop_sequence=None)),
    ("messages.stop.sequence", _set("messages.stop", stop_sequence=None)),
    ("messages.stop.sequence", _set("messages.stop", stop_sequence="8")),
    ("messages.zero-tokens.accepted", declined("messages.zero-tokens")),
    ("messages.zero-tokens.nothing", _usage("messages.zero-tokens", output_tokens=1)),
    ("messages.prefill.accepted", declined("messages.prefill")),
    ("messages.prefill.continued", _says("messages.prefill", "1, 2, 3, 4, 5")),
    ("messages.json.accepted", declined("messages.json")),
    ("messages.json.valid", _says("messages.json", "It is sunny in Paris.")),
    ("messages.json.valid", _says("messages.json", '{"city": "Rome", "sunny": true}')),
    ("messages.vision.accepted", declined("messages.vision")),
    ("messages.vision.text-only", _answered("messages.vision.text-only")),
    ("messages.usage.counts", _drop(PLAIN, "usage")),
    ("messages.usage.counts", _usage(PLAIN, input_tokens="20")),
    ("messages.usage.counts", _usage(PLAIN, output_tokens=None)),
    ("messages.usage.types", _usage(PLAIN, cache_read_input_tokens="0")),
    ("messages.usage.types", _usage(PLAIN, cache_creation={"ephemeral_5m_input_tokens": -1})),
    ("messages.usage.counted", _usage(PLAIN, input_tokens=0)),
    ("messages.usage.counted", _usage(FORCED, output_tokens=0)),
    (
        "messages.usage.details",
        _usage(PLAIN, cache_creation_input_tokens=0, cache_creation={"ephemeral_5m_input_tokens": 9}),
    ),
    ("messages.usage.details", _usage(PLAIN, output_tokens_details={"thinking_tokens": 7})),
]

TOOLS: list[tuple[str, Change]] = [
    ("messages.tools.forced.accepted", declined(FORCED)),
    ("messages.tools.forced.called", _set(FORCED, content=[SAID], stop_reason="end_turn")),
    ("messages.tools.any.accepted", declined("messages.tools.stream")),
    (
        "messages.tools.any.called",
        _like("messages.tools.stream", "messages.stream"),
    ),
    ("messages.tools.none.accepted", declined("messages.tools.none")),
    ("messages.tools.auto", declined("messages.tools.auto")),
    ("messages.tools.keywords", declined("messages.tools.keywords")),
    ("http.crashes.messages", _status("messages.system-blocks", 500)),
    ("messages.tools.none.no-call", _like("messages.tools.none", FORCED)),
    ("messages.tools.parallel.accepted", declined("messages.tools.parallel")),
    ("messages.tools.single", lambda w: w["messages.tools.single"].body["content"].append(good.CALL)),
    ("messages.tools.id", _block(FORCED, 0, id="call:1")),
    ("messages.tools.id", _block(FORCED, 0, id="")),
    ("messages.tools.ids-unique", lambda w: w[FORCED].body["content"].append(good.CALL)),
    ("messages.tools.name", _block(FORCED, 0, name="functions.get_weather")),
    ("messages.tools.input", _block(FORCED, 0, input='{"city": "Paris"}')),
    ("messages.tools.input-schema", _block(FORCED, 0, input={"location": "Paris"})),
    ("messages.tools.stop-reason", _set(FORCED, stop_reason="end_turn")),
    ("messages.tools.stop-reason-only", _set(PLAIN, stop_reason="tool_use")),
    ("messages.tools.round-trip.accepted", declined("messages.tools.round-trip")),
    ("messages.tools.round-trip.answer", _set("messages.tools.round-trip", content=[])),
    ("messages.tools.result-blocks", declined("messages.tools.result-blocks")),
    ("messages.tools.result-absent", declined("messages.tools.result-absent")),
    ("messages.tools.no-result", _answered("messages.tools.no-result")),
    ("messages.tools.unknown-choice", _answered("messages.tools.unknown-choice")),
    ("messages.tools.server-tool", _status("messages.tools.server-tool", 500)),
    ("messages.tools.text-only", _answered("messages.tools.text-only")),
    ("messages.thinking.accepted", declined(THINKING)),
    ("messages.thinking.adaptive", declined("messages.thinking.adaptive")),
    ("messages.thinking.disabled.accepted", declined("messages.thinking.disabled")),
    (
        "messages.thinking.disabled.none",
        _like("messages.thinking.disabled", THINKING),
    ),
    ("messages.thinking.present", _set(THINKING, content=[SAID])),
    ("messages.thinking.signature", lambda w: w[THINKING].body["content"][0].pop("signature")),
    ("messages.thinking.signature", _block(THINKING, 0, signature="")),
    ("messages.thinking.first", lambda w: w[THINKING].body["content"].reverse()),
    ("messages.thinking.round-trip", declined("messages.thinking.round-trip")),
    ("messages.thinking.altered", _answered("messages.thinking.altered")),
    ("messages.thinking.omitted", _block("messages.thinking.omitted", 0, thinking="A dozen is 12.")),
    ("messages.thinking.over-budget", _answered("messages.thinking.over-budget")),
    ("messages.thinking.under-budget", _answered("messages.thinking.under-budget")),
    ("messages.thinking.forced", _answered("messages.thinking.forced")),
]

_ERRORS = (
    "malformed-json",
    "not-an-object",
    "no-max-tokens",
    "no-messages",
    "empty-messages",
    "messages-type",
    "role",
    "block-type",
    "temperature",
)
_KEYS = ("x-api-key", "bearer", "both", "stray-bearer")
THROTTLED, EXHAUSTED = "messages.keys.throttled", "messages.keys.exhausted"
RATE = "anthropic-ratelimit-requests-"

ENDPOINT: list[tuple[str, Change]] = [
    *((f"messages.errors.{name}", _answered(f"messages.errors.{name}")) for name in _ERRORS),
    ("messages.errors.malformed-json", _status("messages.errors.malformed-json", 500)),
    ("messages.errors.envelope", _drop("messages.errors.role", "type")),
    ("messages.errors.envelope", _body("messages.errors.unknown-route", {"detail": "Not Found"})),
    ("messages.errors.envelope", _body("messages.limits.body", b"<html>413</html>")),
    ("messages.errors.envelope", _body(THROTTLED, {"error": {"message": "Slow down.", "code": "x"}})),
    ("messages.errors.type", _error("messages.errors.unknown-model", type="NotFoundError")),
    ("messages.errors.type", _error("messages.errors.unknown-model", type="invalid_request_error")),
    ("messages.errors.type", _error(THROTTLED, type=None)),
    ("messages.errors.message", _error("messages.errors.role", message=["role"])),
    ("messages.errors.details", _error("messages.errors.role", details="none")),
    ("messages.errors.request-id", _drop("messages.errors.role", "request_id")),
    ("messages.errors.request-id", _set("messages.errors.role", request_id="req-other")),
    ("messages.errors.content-type", _header("messages.errors.role", "content-type", "text/plain")),
    ("messages.errors.no-internals", _error("messages.errors.role", message=TRACE)),
    ("messages.errors.no-server-error", _status("messages.errors.block-type", 500)),
    ("messages.errors.validation-status", _status("messages.errors.no-max-tokens", 422)),
    ("messages.errors.unknown-model", _answered("messages.errors.unknown-model")),
    ("messages.errors.unknown-model", _status("messages.errors.unknown-model", 400)),
    ("messages.errors.unknown-model.stream", _status("messages.errors.unknown-model.stream", 200)),
    ("messages.errors.unknown-route", _status("messages.errors.unknown-route", 200)),
    ("messages.errors.method", _status("messages.errors.method", 404)),
    ("messages.errors.method-allow", _header("messages.errors.method", "allow", None)),
    ("messages.errors.media-type", _answered("messages.errors.media-type")),
    *((f"messages.auth.{name}", declined(f"messages.auth.{name}", 401)) for name in _KEYS),
    ("messages.auth.no-key", _answered("messages.auth.no-key")),
    ("messages.auth.no-key", _status("messages.auth.no-key", 403)),
    ("messages.auth.wrong-key", _answered("messages.auth.wrong-key")),
    ("messages.auth.revoked-key", _answered("messages.keys.revoked")),
    ("messages.auth.restricted-model", _answered("messages.keys.restricted")),
    ("messages.auth.no-echo", _error("messages.auth.wrong-key", message=f"bad key {WRONG_KEY}")),
    ("messages.versions.old", declined(PLAIN)),
    ("messages.versions.new", declined("messages.versions.new")),
    ("messages.versions.old-sampling", declined("messages.versions.old")),
    ("messages.versions.new-sampling", _answered("messages.versions.new.temperature")),
    ("messages.versions.missing", _status("messages.versions.missing", 401)),
    ("messages.versions.unknown", _answered("messages.versions.unknown")),
    ("messages.versions.beta", declined("messages.versions.beta")),
    ("messages.request-id.success", _header(PLAIN, "request-id", None)),
    ("messages.request-id.success", _header("messages.stream", "request-id", None)),
    ("messages.request-id.errors", _header("messages.errors.role", "request-id", None)),
    ("messages.request-id.unique", _header(PLAIN, "request-id", f"req-{FORCED}")),
    ("messages.limits.headers", _header(PLAIN, f"{RATE}remaining", None)),
    ("messages.limits.integers", _header(PLAIN, f"{RATE}limit", "many")),
    ("messages.limits.within", _header(PLAIN, f"{RATE}remaining", "61")),
    ("messages.limits.resets", _header(PLAIN, f"{RATE}reset", "60")),
    ("messages.limits.resets", _header(PLAIN, f"{RATE}reset", "2026-13-01T00:00:00Z")),
    ("messages.limits.rate", _answered(THROTTLED)),
    ("messages.limits.rate", _status(THROTTLED, 503)),
    ("messages.limits.retry-after", _header(THROTTLED, "retry-after", None)),
    ("messages.limits.retry-soon", _header(THROTTLED, "retry-after", "61")),
    ("messages.limits.credits", _answered(EXHAUSTED)),
    ("messages.limits.cap", _answered("messages.keys.capped")),
    ("messages.limits.no-retry", _header(EXHAUSTED, "retry-after", "5")),
    ("messages.limits.body", _status("messages.limits.body", 400)),
    ("messages.count.accepted", declined("messages.count", 404)),
    ("messages.count.tools-accepted", declined("messages.count.tools", 404)),
    ("messages.count.integer", _count("messages.count", "20")),
    ("messages.count.integer", _count("messages.count", 0)),
    ("messages.count.system", _count("messages.count.no-system", 20)),
    ("messages.count.tools", _count("messages.count.tools", 20)),
    ("messages.count.image", _count("messages.count.image", 8)),
    ("messages.count.agrees", _count("messages.count", 21)),
    ("messages.count.unknown-model", _answered("messages.count.unknown-model")),
    ("messages.models.accepted", declined("messages.models.list", 404)),
    ("messages.models.page", _drop("messages.models.list", "has_more")),
    ("messages.models.page", _set("messages.models.list", data=None)),
    ("messages.models.entry", _entry(type="MODEL")),
    ("messages.models.entry", _entry(created_at=1764547200)),
    ("messages.models.entry", _drop("messages.models.get", "display_name")),
    ("messages.models.lifecycle", lambda w: w["messages.models.list"].body["data"][0].pop("lifecycle")),
    ("messages.models.cursors", _set("messages.models.list", last_id=None)),
    ("messages.models.limit", lambda w: w["messages.models.page"].body["data"].append(good.entry("b"))),
    (
        "messages.models.advances",
        _like("messages.models.next", "messages.models.page"),
    ),
    ("messages.models.get", declined("messages.models.get", 404)),
    ("messages.models.same", _set("messages.models.get", id="another")),
    ("messages.models.get.unknown", _status("messages.models.get.unknown", 400)),
    ("messages.models.catalogue", lambda w: w["messages.models.list"].body["data"].pop(0)),
    ("billing.messages.plain.recorded", _row(PLAIN, state="held")),
    ("billing.messages.plain.tokens", _row(PLAIN, prompt_tokens=19)),
    ("billing.messages.plain.charge", _row(PLAIN, amount_microusd=6)),
    ("billing.messages.stream.recorded", lambda w: w.rows().remove(w.row("messages.stream"))),
    ("billing.messages.stream.tokens", _row("messages.stream", completion_tokens=1)),
    ("billing.messages.stream.charge", _row("messages.stream", amount_microusd=0)),
    ("billing.messages.tools.recorded", lambda w: w.rows().remove(w.row(FORCED))),
    ("billing.messages.tools.tokens", _row(FORCED, completion_tokens=5)),
    ("billing.messages.tools.charge", _row(FORCED, amount_microusd=10)),
    ("billing.messages.refused-free", _free_row("messages.errors.unknown-model")),
    ("billing.messages.count-free", _free_row("messages.count")),
]

CONTRACT: list[tuple[str, Change]] = [
    ("contract.messages.malformed-json", _status("messages.errors.malformed-json", 422)),
    ("contract.messages.invalid-request", _error("messages.errors.no-max-tokens", type="validation_error")),
    ("contract.messages.unknown-model", _status("messages.errors.unknown-model", 400)),
    ("contract.messages.unknown-route", _error("messages.errors.unknown-route", type="api_error")),
    ("contract.messages.method", _status("messages.errors.method", 404)),
    ("contract.messages.media-type", _status("messages.errors.media-type", 400)),
    ("contract.messages.missing-key", _error("messages.auth.no-key", type="missing_key")),
    ("contract.messages.wrong-key", _status("messages.auth.wrong-key", 403)),
    ("contract.messages.revoked-key", _status("messages.keys.revoked", 403)),
    ("contract.messages.body-too-large", _error("messages.limits.body", type="invalid_request_error")),
    ("contract.messages.rate-limited", _status(THROTTLED, 529)),
    ("contract.messages.insufficient-credits", _status(EXHAUSTED, 429)),
    ("contract.messages.monthly-cap", _answered("messages.keys.capped")),
    ("contract.messages.model-not-allowed", _status("messages.keys.restricted", 404)),
    ("contract.messages.tools-not-supported", _answered("messages.tools.text-only")),
    ("contract.messages.vision-not-supported", _error("messages.vision.text-only", type="x")),
]
FORMATS: list[tuple[str, Change]] = [
    ("formats.messages.prompt-tokens", _usage(PLAIN, input_tokens=24)),
    ("formats.messages.answer-tokens", _usage(PLAIN, output_tokens=7)),
    ("formats.messages.stop-reason", _set(PLAIN, stop_reason="refusal")),
    ("formats.messages.stop-reason-budget", lambda w: _ended(w, "messages.max-tokens", 6)),
    ("formats.messages.stop-reason-tools", _set(FORCED, stop_reason="end_turn")),
    ("formats.messages.tool-tokens", _usage(FORCED, input_tokens=19)),
    ("formats.messages.tool-call", _block(FORCED, 0, input={"city": "paris"})),
    ("formats.messages.tool-call", _block(FORCED, 0, name="weather")),
    ("formats.messages.by-header", lambda w: w["models.list"].body.pop("object")),
    ("formats.messages.by-header", lambda w: w["messages.models.list"].body.pop("first_id")),
    ("formats.messages.models", lambda w: w["messages.models.list"].body["data"].pop(0)),
    ("formats.messages.models", lambda w: w["models.list"].body["data"].pop()),
]


def _ended(world: Any, probe: str, tokens: int) -> None:
    """An answer of so many tokens that says that it was not cut off."""
    world[probe].body.update(stop_reason="end_turn", usage={"input_tokens": 20, "output_tokens": tokens})
