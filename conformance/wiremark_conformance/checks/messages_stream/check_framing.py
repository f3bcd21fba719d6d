"""The event stream as bytes: what chat streams must hold too, and that every event has its name."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.chat_stream import check_framing as framing
from wiremark_conformance.checks.messages_stream import STREAMS
from wiremark_conformance.evidence import DONE, View
from wiremark_conformance.messages import events
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import is_text, members, shown

accepted("messages.stream.accepted", "messages.stream")

each("messages.stream.events", *STREAMS)(framing.events)
check("messages.stream.cache-control", "messages.stream", expects="stream")(framing.cache_control)
for _name, _function in framing.FRAMING:
    each(f"messages.stream.{_name}", *STREAMS, expects="stream")(_function)


@each("messages.stream.data-json", *STREAMS, expects="stream")
def data_json(view: View) -> Outcome:
    for frame in view.frames:
        if frame.defect:
            return f"the data {shown(frame.text)} is not JSON: {frame.defect}"
        if not frame.is_done and not isinstance(frame.value, dict):
            return f"the data {shown(frame.text)} is not an object"
    return None


@each("messages.stream.named", *STREAMS, expects="stream")
def named(view: View) -> Outcome:
    """SDKs skip an event without a name, and say nothing."""
    for frame in view.frames:
        if not frame.is_done and not frame.event.event:
            return f"the event {shown(frame.text)} has no name; SDKs skip it without a word"
    return None


@each("messages.stream.type", *STREAMS, expects="stream")
def type_in_data(view: View) -> Outcome:
    wrong = [event for event in events(view) if not is_text(event.get("type"))]
    return f"the `type` of an event's data is {shown(wrong[0].get('type'))}" if wrong else None


@each("messages.stream.name-agrees", *STREAMS, expects="stream")
def name_agrees(view: View) -> Outcome:
    for frame in view.frames:
        told = frame.value.get("type") if isinstance(frame.value, dict) else None
        if is_text(told) and frame.event.event and frame.event.event != told:
            return f"the event {shown(frame.event.event)} has data of the type {shown(told)}"
    return None


def _done(view: View) -> list[str | None]:
    return [frame.event.event for frame in view.frames if frame.is_done]


@each("messages.stream.no-done", *STREAMS, expects="stream")
def no_done(view: View) -> Outcome:
    return f"the stream has `data: {DONE}`, which is another format's end" if _done(view) else None


@each("messages.stream.no-named-done", *STREAMS, expects="stream")
def no_named_done(view: View) -> Outcome:
    named_done = [name for name in _done(view) if name]
    return f"the event {shown(named_done[0])} has the data {DONE}; SDKs break on it" if named_done else None


def _error_frames(view: View) -> list[tuple[str | None, object]]:
    """Name and data of everything that tells of a failure, in whatever form."""
    if not view.is_stream:
        raise NotTestable("the body is not an event stream")
    return [
        (frame.event.event, frame.value)
        for frame in view.frames
        if isinstance(frame.value, dict)
        and (frame.event.event == "error" or frame.value.get("type") == "error" or frame.error)
    ]


@each("messages.stream.error-frames", *STREAMS)
def error_frames(view: View) -> Outcome:
    for name, value in _error_frames(view):
        error = members(value).get("error")
        if name != "error":
            return f"a failure is told as {shown(value)} without `event: error`; SDKs skip it"
        if not isinstance(value, dict) or value.get("type") != "error" or not isinstance(error, dict):
            return f"a failure is told as {shown(value)}, not as `type: error` with an `error`"
        if not is_text(error.get("type")) or not is_text(error.get("message")):
            return f"the `error` of a failure is {shown(error)}"
    return None


@each("messages.stream.error-ends", *STREAMS)
def error_ends(view: View) -> Outcome:
    """A stream that failed must not look finished."""
    if not _error_frames(view):
        return None
    kinds = [frame.event.event for frame in view.frames]
    after = kinds[kinds.index("error") :] if "error" in kinds else []
    return "`message_stop` comes after the error" if "message_stop" in after else None
