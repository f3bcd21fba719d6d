"""Messages, and what formats say of one question: what exactly is a finding, what cannot be told."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.judging import good_messages as good
from tests.conformance.judging.spoiling import (
    Change,
    answered_as,
    body,
    choice,
    error,
    header,
    header_of_these,
    message,
    raw,
    status,
    stream,
    together,
    usage,
)

PLAIN, FORCED, STREAM = "messages.plain", "messages.tools.forced", "messages.stream"
_SAID: dict[str, Any] = {"type": "text", "text": "Hello there."}
_PREFIX = "anthropic-ratelimit-requests"
_TOKENS = "anthropic-ratelimit-tokens"


def _blocks(probe: str, *blocks: Any, stop: str = "end_turn") -> Change:
    return body(probe, content=list(blocks), stop_reason=stop)


def _streamed(probe: str, *events: list[dict[str, Any]], stop: str = "end_turn") -> Change:
    return stream(probe, *good.stream(*events, stop=stop)["chunks"])


def _pieces(*texts: str, kind: str = "text") -> Change:
    """A streamed block in these pieces."""
    start = {"type": kind, kind: ""}
    probe = STREAM if kind == "text" else "messages.thinking.stream"
    deltas = [good.delta(0, f"{kind}_delta", **{kind: text}) for text in texts]
    return _streamed(probe, good.block(0, start, *deltas), good.text(1))


def _event(value: Any, name: str) -> bytes:
    return f"event: {name}\ndata: {json.dumps(value)}\n\n".encode()


def _failing(*events: bytes) -> Change:
    """A stream that begins well, then these bytes of events."""
    return stream(STREAM, *good.stream(good.text())["chunks"][:4], *events)


def _start(**values: Any) -> Change:
    """Members of the usage that a stream starts with, in the place of all."""
    return lambda w: w.chunks(STREAM)[0]["message"].update(usage=values)


def _end(probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[-2].update(usage=values)


def _pages(one: dict[str, Any], following: dict[str, Any]) -> Change:
    return together(raw("messages.models.page", one), raw("messages.models.next", following))


def _cut(tokens: int, *events: list[dict[str, Any]], stop: str = "end_turn") -> Change:
    """A call that ends after so many tokens."""
    return together(
        _streamed("messages.tools.cut", *events, stop=stop), _end("messages.tools.cut", output_tokens=tokens)
    )


_FAILURE = {"type": "error", "error": {"type": "api_error", "message": "No."}}
_HALF = good.call(0, "toolu_1", "Paris")[:2]

MESSAGES: list[tuple[str, Change, str]] = [
    ("messages.limits.within", header(PLAIN, f"{_TOKENS}-remaining", "5"), "pass"),
    ("messages.limits.within", header(PLAIN, f"{_PREFIX}-remaining", "60"), "pass"),
    ("messages.limits.within", header(PLAIN, f"{_PREFIX}-remaining", "61"), "finding"),
    ("messages.request-id.unique", header_of_these("request-id", {PLAIN: "a"}), "untestable"),
    ("messages.request-id.unique", header_of_these("request-id", {PLAIN: "a", STREAM: "b"}), "pass"),
    ("messages.request-id.unique", header_of_these("request-id", {PLAIN: "a", STREAM: "a"}), "finding"),
    ("messages.tools.server-tool", status("messages.tools.server-tool", 501), "pass"),
    ("messages.models.entry", body("messages.models.list", data="x"), "pass"),
    ("messages.models.entry", body("messages.models.list", data=["x"]), "pass"),
    ("messages.models.page", body("messages.models.list", data=[{}]), "pass"),
    ("messages.models.cursors", lambda w: w["messages.models.list"].body.pop("last_id"), "pass"),
    ("messages.models.cursors", raw("messages.models.list", good.page()), "pass"),
    ("messages.models.cursors", raw("messages.models.list", {**good.page(), "last_id": "a"}), "finding"),
    ("messages.models.lifecycle", answered_as("messages.models.get", "messages.models.list"), "finding"),
    ("messages.models.advances", _pages(good.page("a", more=True), good.page("a")), "finding"),
    ("messages.models.advances", _pages(good.page("a", more=True), good.page("b", more=True)), "pass"),
    (
        "messages.models.advances",
        _pages(good.page("a", more=True), {**good.page("b", more=True), "last_id": "a"}),
        "finding",
    ),
    (
        "messages.models.advances",
        _pages(good.page("a", more=True), {**good.page("b"), "last_id": "a"}),
        "pass",
    ),
    ("messages.models.advances", _pages(good.page("a", "b", more=True), good.page("c", "b")), "finding"),
    ("messages.models.advances", _pages(good.page("a"), good.page("a")), "untestable"),
    (
        "messages.models.catalogue",
        lambda w: w["messages.models.list"].body.update(has_more=True, data=[]),
        "untestable",
    ),
    ("messages.stream.name-agrees", _failing(_event("x", "ping")), "pass"),
    ("messages.stream.error-frames", _failing(_event(_FAILURE, "error")), "pass"),
    ("messages.stream.error-frames", _failing(_event(_FAILURE, "ping")), "finding"),
    ("messages.stream.error-frames", _failing(_event({"type": "error"}, "ping")), "finding"),
    ("messages.stream.error-frames", _failing(_event({**_FAILURE, "type": "x"}, "error")), "finding"),
    ("messages.stream.error-frames", _failing(_event({**_FAILURE, "error": "x"}, "error")), "finding"),
    (
        "messages.stream.error-frames",
        _failing(_event({**_FAILURE, "error": {"type": "api_error"}}, "error")),
        "finding",
    ),
    ("messages.stream.error-ends", _failing(_event({"type": "error"}, "ping")), "pass"),
    (
        "messages.stream.error-ends",
        _failing(_event(_FAILURE, "error"), _event({"type": "message_stop"}, "message_stop")),
        "finding",
    ),
    ("messages.stream.start-input", _start(input_tokens=0, output_tokens=1), "finding"),
    (
        "messages.stream.start-input",
        _start(input_tokens=0, output_tokens=1, cache_creation_input_tokens=20),
        "pass",
    ),
    (
        "messages.stream.start-input",
        _start(input_tokens=0, output_tokens=1, cache_read_input_tokens=20),
        "pass",
    ),
    ("messages.stream.output-grows", _end(output_tokens=1), "pass"),
    ("messages.stream.output-grows", _end(output_tokens=0), "finding"),
    (
        "messages.stream.block-start-empty",
        _streamed("messages.thinking.stream", good.block(0, {"type": "thinking", "thinking": "Hm."})),
        "finding",
    ),
    ("messages.stream.pieces", _pieces("a", "aa", "aaa", "aaaa"), "finding"),
    ("messages.stream.pieces", _pieces("a", "aa", "aaa", "aaaa", kind="thinking"), "finding"),
    ("messages.stream.pieces", _pieces("ha", "ha", "ha", "ha"), "pass"),
    ("messages.stream.pieces", _pieces("a", "bb", "ccc", "dddd"), "pass"),
    ("messages.stream.pieces", _pieces("a", "aa", "aaa"), "pass"),
    ("messages.thinking.first", _blocks("messages.thinking", _SAID), "pass"),
    ("messages.count.system", body("messages.count.no-system", input_tokens=19), "pass"),
    ("messages.count.system", body("messages.count.no-system", input_tokens=20), "finding"),
    ("messages.count.tools", body("messages.count.tools", input_tokens=21), "pass"),
    ("messages.count.tools", body("messages.count.tools", input_tokens=20), "finding"),
    ("messages.count.image", body("messages.count.image", input_tokens=9), "pass"),
    ("messages.count.image", body("messages.count.image", input_tokens=8), "finding"),
    ("messages.tools.stop-reason", body(FORCED, stop_reason="max_tokens"), "pass"),
    ("messages.tools.stop-reason", body(FORCED, stop_reason="model_context_window_exceeded"), "pass"),
    ("messages.tools.stop-reason", body(FORCED, stop_reason="end_turn"), "finding"),
    ("messages.tools.stop-reason", body(FORCED, stop_reason=["tool_use"]), "finding"),
    (
        "messages.tools.stream.input",
        _streamed("messages.tools.stream", good.call(0, "toolu_1", "Paris")[:3], stop="max_tokens"),
        "pass",
    ),
    ("messages.tools.stream.cut", _cut(4, _HALF), "finding"),
    ("messages.tools.stream.cut", _cut(4, _HALF, stop="max_tokens"), "pass"),
    ("messages.tools.stream.cut", _cut(3, _HALF), "untestable"),
    ("messages.tools.stream.cut", _cut(4, good.call(0, "toolu_1", "Paris")), "untestable"),
    ("messages.tools.stream.cut", _cut(4, good.call(0, "toolu_1", "Paris")[:-2]), "finding"),
    ("messages.tools.stream.cut", _cut(4, good.text()), "finding"),
    ("messages.tools.round-trip.answer", _blocks("messages.tools.round-trip", good.CALL), "pass"),
    ("messages.tools.round-trip.answer", _blocks("messages.tools.round-trip"), "finding"),
    ("messages.errors.request-id", header("messages.errors.temperature", "request-id", None), "pass"),
    ("messages.usage.details", usage(PLAIN, output_tokens_details={"thinking_tokens": 6}), "pass"),
    ("messages.usage.details", usage(PLAIN, output_tokens_details={"thinking_tokens": 7}), "finding"),
    ("messages.usage.details", usage(PLAIN, cache_creation="x", cache_creation_input_tokens=5), "pass"),
    ("messages.usage.details", usage(PLAIN, cache_creation={"a": 4}), "pass"),
    (
        "messages.usage.details",
        usage(PLAIN, cache_creation={"a": 4}, cache_creation_input_tokens=5),
        "finding",
    ),
]

FORMATS: list[tuple[str, Change, str]] = [
    ("formats.messages.answer-tokens", body(PLAIN, content=[{**_SAID, "text": "Hi."}]), "untestable"),
    ("formats.messages.answer-tokens", usage(PLAIN, output_tokens=7), "finding"),
    ("formats.messages.stop-reason", body(PLAIN, stop_reason="pause_turn"), "untestable"),
    ("formats.messages.stop-reason", body(PLAIN, stop_reason=None), "untestable"),
    ("formats.messages.stop-reason", body(PLAIN, stop_reason="max_tokens"), "finding"),
    (
        "formats.messages.stop-reason",
        together(body(PLAIN, stop_reason="max_tokens"), usage(PLAIN, output_tokens=7)),
        "untestable",
    ),
    ("formats.messages.stop-reason", body(PLAIN, stop_reason="refusal"), "finding"),
    (
        "formats.messages.stop-reason",
        together(body(PLAIN, stop_reason="refusal"), usage(PLAIN, output_tokens=7)),
        "finding",
    ),
    ("formats.messages.tool-call", _blocks(FORCED, _SAID), "untestable"),
    ("formats.messages.tool-call", message("chat.tools.forced", tool_calls=None), "untestable"),
    ("formats.messages.tool-call", message("chat.tools.forced", tool_calls=["x"]), "finding"),
    (
        "formats.messages.tool-call",
        message("chat.tools.forced", tool_calls=[{"function": "x"}]),
        "finding",
    ),
    (
        "formats.messages.models",
        body("messages.models.list", has_more=True, data=[good.entry("other")]),
        "untestable",
    ),
    (
        "formats.gemini.models",
        body("gemini.models.list", nextPageToken="x", models=[{"name": "models/other"}]),
        "untestable",
    ),
    ("formats.messages.models", body("models.list", data=5), "untestable"),
    ("formats.messages.models", body("models.list", data=["x"]), "untestable"),
    ("formats.messages.by-header", lambda w: _at_one_path(w), "pass"),
    (
        "formats.messages.stop-reason-budget",
        together(
            body("messages.max-tokens", stop_reason="end_turn"),
            usage("messages.max-tokens", output_tokens=8),
            usage("chat.max-tokens", completion_tokens=8, total_tokens=28),
        ),
        "finding",
    ),
    (
        "formats.messages.stop-reason-budget",
        together(
            body("messages.max-tokens", stop_reason="end_turn"),
            usage("messages.max-tokens", output_tokens=9),
            usage("chat.max-tokens", completion_tokens=8, total_tokens=28),
        ),
        "finding",
    ),
    (
        "formats.messages.stop-reason-budget",
        together(
            body("messages.max-tokens", stop_reason="end_turn"),
            usage("messages.max-tokens", output_tokens=5),
            usage("chat.max-tokens", completion_tokens=8, total_tokens=28),
        ),
        "untestable",
    ),
    (
        "formats.messages.stop-reason-budget",
        together(
            body("messages.max-tokens", stop_reason="end_turn"),
            usage("messages.max-tokens", output_tokens=8),
            usage("chat.max-tokens", completion_tokens=5, total_tokens=25),
        ),
        "untestable",
    ),
    ("formats.messages.stop-reason", choice("chat.plain", finish_reason="function_call"), "finding"),
]


def _at_one_path(world: Any) -> None:
    """A page without models has cursors too."""
    world["messages.models.list"].body.update(more="x")


ERRORS: list[tuple[str, Change, str]] = [
    ("messages.errors.validation-status", status("messages.errors.no-messages", 422), "finding"),
    ("messages.errors.type", error("messages.errors.temperature", type="api_error"), "finding"),
    ("messages.errors.type", status("messages.errors.temperature", 418), "pass"),
]
TABLE = [*MESSAGES, *FORMATS, *ERRORS]
