"""The event stream as bytes: what every reader of server-sent events must be able to read."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.chat_stream import STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import shown

accepted("chat.stream.accepted", "chat.stream")


@each("chat.stream.events", *STREAMS)
def events(view: View) -> Outcome:
    if view.is_stream:
        return None
    kind = (
        "one JSON body"
        if not view.json_defect
        else f"{shown(view.exchange.body[:60].decode('utf-8', 'replace'))}"
    )
    return f"`stream: true` was answered with {kind}; SDKs then see a stream without events"


@each("chat.stream.content-type", *STREAMS, expects="stream")
def content_type(view: View) -> Outcome:
    found = view.header("content-type")
    return None if view.media_type == "text/event-stream" else f"the content-type is {shown(found)}"


@check("chat.stream.cache-control", "chat.stream", expects="stream")
def cache_control(view: View) -> Outcome:
    found = view.header_text("cache-control")
    return None if "no-cache" in found or "no-store" in found else f"cache-control is {found!r}"


@each("chat.stream.complete", *STREAMS, expects="stream")
def complete(view: View) -> Outcome:
    return view.exchange.failure.message if view.exchange.failure else None


@each("chat.stream.data-json", *STREAMS, expects="stream")
def data_json(view: View) -> Outcome:
    for frame in view.before_done:
        if frame.defect:
            return f"the data {shown(frame.text)} is not JSON: {frame.defect}"
        if not isinstance(frame.value, dict):
            return f"the data {shown(frame.text)} is not an object"
    return None


@each("chat.stream.no-empty-events", *STREAMS, expects="stream")
def no_empty_events(view: View) -> Outcome:
    """openai-python dispatches every block that holds any field at all, and parses its data."""
    for event in view.stream.events:
        if event.fields and not event.data:
            return f"the event {shown(event.raw.decode('utf-8', 'replace'))} has no data"
    return None


@each("chat.stream.last-event-ended", *STREAMS, expects="stream")
def last_event_ended(view: View) -> Outcome:
    if view.exchange.failure is not None:
        raise NotTestable("the body was cut off")
    rest = view.stream.leftover
    # Comments and blank lines at the end are nobody's data.
    if not any(line and not line.startswith(b":") for line in rest.splitlines()):
        return None
    return f"the body ends within the event {shown(rest[-80:].decode('utf-8', 'replace'))}"


@each("chat.stream.no-bom", *STREAMS, expects="stream")
def no_bom(view: View) -> Outcome:
    return "the stream begins with a byte order mark" if view.stream.bom else None


@each("chat.stream.utf8", *STREAMS, expects="stream")
def utf8(view: View) -> Outcome:
    wrong = [event for event in view.stream.events if not event.valid_utf8]
    return f"the event {shown(repr(wrong[0].raw[:80]))} is not UTF-8" if wrong else None


@each("chat.stream.space", *STREAMS, expects="stream")
def space(view: View) -> Outcome:
    wrong = any(n == "data" and not spaced for event in view.stream.events for n, _, spaced in event.fields)
    return "`data:` without a space: readers that test for `data: ` drop the event" if wrong else None


@each("chat.stream.single-line", *STREAMS, expects="stream")
def single_line(view: View) -> Outcome:
    wrong = any(sum(n == "data" for n, _, _ in event.fields) > 1 for event in view.stream.events)
    return "an event has several data lines" if wrong else None


@each("chat.stream.no-id", *STREAMS, expects="stream")
def no_id(view: View) -> Outcome:
    wrong = any(name == "id" for event in view.stream.events for name, _, _ in event.fields)
    return "events have an `id` field; a stray blank line after one crashes openai-python" if wrong else None


# What every stream of named events must hold too: the last part of the requirement's name, and the check.
FRAMING = (
    ("content-type", content_type),
    ("complete", complete),
    ("last-event-ended", last_event_ended),
    ("no-bom", no_bom),
    ("utf8", utf8),
    ("space", space),
    ("single-line", single_line),
    ("no-empty-events", no_empty_events),
)
