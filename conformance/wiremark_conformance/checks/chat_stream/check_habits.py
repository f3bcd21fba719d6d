"""Habits of streams that are legal, or nearly, and that careless readers trip over."""

from __future__ import annotations

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.chat_stream import STREAMS, TEXT_STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.values import shown

_SEPARATORS = ("\u2028", "\u2029", "\u0085")


@each("chat.stream.lf", *STREAMS, expects="stream")
def line_feeds(view: View) -> Outcome:
    found = sorted(view.stream.line_endings - {"\n"})
    return f"lines end with {shown(found[0])}: parsers that split at two LF see no event" if found else None


@each("chat.stream.comments-apart", *STREAMS, expects="stream")
def comments_apart(view: View) -> Outcome:
    mixed = [event for event in view.stream.events if event.comments and event.fields]
    if not mixed:
        return None
    return f"a comment stands inside an event: {shown(mixed[0].raw.decode('utf-8', 'replace'))}"


@each("chat.stream.separators", *STREAMS, expects="stream")
def separators(view: View) -> Outcome:
    for frame in view.frames:
        if any(separator in frame.text for separator in _SEPARATORS):
            return "U+2028, U+2029 or U+0085 stands raw in the data; some readers end the line there"
    return None


@each("chat.stream.identity", *STREAMS, expects="stream")
def identity(view: View) -> Outcome:
    found = view.header_text("content-encoding")
    if found in {"", "identity"}:
        return None
    return f"the stream is compressed ({found}), which was not asked for"


@check("chat.stream.no-buffering", "chat.stream", expects="stream")
def no_buffering(view: View) -> Outcome:
    found = view.header_text("x-accel-buffering")
    return None if found == "no" else f"`x-accel-buffering` is {shown(found)}"


@each("chat.stream.null-content", *TEXT_STREAMS, expects="stream")
def null_content(view: View) -> Outcome:
    nulls = any("content" in delta and delta["content"] is None for _, delta in view.deltas)
    return "a delta has `content: null`: clients that add up text break" if nulls else None


@each("chat.stream.usage-on-choice", "chat.stream", "chat.tools.parallel", expects="stream")
def usage_on_choice(view: View) -> Outcome:
    """Neither of these asks for usage."""
    for chunk in view.chunks:
        if isinstance(chunk.get("usage"), dict) and chunk.get("choices"):
            return "a chunk with choices carries usage that was not asked for"
    return None


@each("chat.stream.call-content", "chat.tools.stream", "chat.tools.parallel", expects="stream")
def call_content(view: View) -> Outcome:
    empty = any(delta.get("content") == "" for _, delta in view.deltas)
    if empty and not view.streamed_text():
        return 'a turn of calls has `content: ""`, where the whole answer has null'
    return None
