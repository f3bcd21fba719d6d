"""The stream as bytes: stricter than other formats, since google-genai reads nothing but data lines."""

from __future__ import annotations

from wiremark_conformance import readers
from wiremark_conformance.checking import accepted, each
from wiremark_conformance.checks.chat_stream import check_framing
from wiremark_conformance.checks.gemini_stream import STREAMS
from wiremark_conformance.evidence import DONE, View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.values import shown

accepted("gemini.stream.accepted", "gemini.stream")
accepted("gemini.stream.v1.accepted", "gemini.stream.v1")
each("gemini.stream.events", *STREAMS)(check_framing.events)
for _name, _function in (
    ("content-type", check_framing.content_type),
    ("complete", check_framing.complete),
    ("data-json", check_framing.data_json),
    ("last-event-ended", check_framing.last_event_ended),
    ("no-bom", check_framing.no_bom),
    ("utf8", check_framing.utf8),
    ("space", check_framing.space),
    ("single-line", check_framing.single_line),
):
    each(f"gemini.stream.{_name}", *STREAMS, expects="stream")(_function)


@each("gemini.stream.only-data", *STREAMS, expects="stream")
def only_data(view: View) -> Outcome:
    """Any other line is taken for a piece of JSON, and breaks it."""
    for event in view.stream.events:
        if event.comments:
            return f"the comment {shown(event.comments[0])} stands in the stream; google-genai breaks on it"
        for name, _, _ in event.fields:
            if name != "data":
                return f"a line of {name!r} stands in the stream; google-genai breaks on it"
    return None


@each("gemini.stream.no-done", *STREAMS, expects="stream")
def no_done(view: View) -> Outcome:
    wrong = [event.data for event in view.stream.events if (event.data or "").strip() == DONE]
    return f"the stream ends with {DONE}, which is not JSON; both SDKs break on it" if wrong else None


@each("gemini.stream.google-genai", *STREAMS, expects="stream")
def google_genai(view: View) -> Outcome:
    """The reader of google-genai for Python, on these very bytes."""
    found = readers.broken(view.exchange.parts, ("google-genai",))
    return found[0] if found else None
