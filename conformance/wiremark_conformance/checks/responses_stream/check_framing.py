"""The event stream as bytes: what chat streams must hold too, and that names agree with data."""

from __future__ import annotations

from wiremark_schemas import streams

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.chat_stream import check_framing as framing
from wiremark_conformance.checks.responses_stream import STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.responses import events, of_type
from wiremark_conformance.values import is_text, shown

accepted("responses.stream.accepted", "responses.stream")
each("responses.stream.events", *STREAMS)(framing.events)
each("responses.stream.data-json", *STREAMS, expects="stream")(framing.data_json)
check("responses.stream.cache-control", "responses.stream", expects="stream")(framing.cache_control)
for _name, _function in framing.FRAMING:
    each(f"responses.stream.{_name}", *STREAMS, expects="stream")(_function)


@each("responses.stream.type", *STREAMS, expects="stream")
def typed(view: View) -> Outcome:
    for event in events(view):
        if not is_text(event.get("type")):
            return f"an event has the `type` {shown(event.get('type'))}: {shown(event)}"
    return None


@each("responses.stream.name-agrees", *STREAMS, expects="stream")
def name_agrees(view: View) -> Outcome:
    for frame in view.before_done:
        name = frame.event.event
        kind = frame.value.get("type") if isinstance(frame.value, dict) else None
        if name is not None and is_text(kind) and name != kind:
            return f"the event {shown(kind)} is named {shown(name)}"
    return None


@each("responses.stream.known-events", *STREAMS, expects="stream")
def known_events(view: View) -> Outcome:
    known = streams.load("openai.responses").events
    for event in events(view):
        kind = event.get("type")
        if is_text(kind) and kind not in known:
            return f"there is no event {shown(kind)}; openai-node's stream helper throws"
    return None


@each("responses.stream.sequence", *STREAMS, expects="stream")
def sequence(view: View) -> Outcome:
    for position, event in enumerate(events(view)):
        number = event.get("sequence_number")
        if isinstance(number, bool) or number != position:
            return f"`sequence_number` of event {position + 1} is {shown(number)}, not {position}"
    return None


@each("responses.stream.done-last", *STREAMS, expects="stream")
def done_last(view: View) -> Outcome:
    after = len(view.frames) - len(view.before_done) - 1
    return f"{after} event(s) follow [DONE]" if after > 0 else None


@each("responses.stream.error-form", *STREAMS, expects="any")
def error_form(view: View) -> Outcome:
    """Only a stream that broke has something to look at."""
    for event in of_type(view, "error") if view.is_stream else ():
        nested = event.get("error")
        if not is_text(event.get("message")):
            return f"the error event has no `message` of its own, as published: {shown(event)}"
        if not isinstance(nested, dict):
            return "the error event has no nested `error`; openai-python does not raise it"
    return None
