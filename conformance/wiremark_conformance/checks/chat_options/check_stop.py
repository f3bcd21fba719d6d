"""`stop`: the text ends before the sequence."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.chat import STOP
from wiremark_conformance.values import shown

accepted("chat.stop.accepted", "chat.stop")


@check("chat.stop.absent", "chat.stop")
def absent(view: View) -> Outcome:
    if STOP not in view.content:
        return None
    return Silent(f"the stop sequence {STOP!r} stands in the answer {shown(view.content)}")


@check("chat.stop.finish-reason", "chat.stop")
def finish_reason(view: View) -> Outcome:
    reason = view.choices[0].get("finish_reason")
    if reason == "length":
        raise NotTestable("the answer was cut off before the stop sequence came")
    return None if reason == "stop" else f"`finish_reason` is {shown(reason)}"


@check("chat.stop.stream", "chat.stop.stream", expects="stream")
def stream(view: View) -> Outcome:
    """As a string, and over the borders of chunks."""
    text = view.streamed_text()
    if not text:
        raise NotTestable("the stream has no text")
    return Silent(f"the stop sequence {STOP!r} stands in {shown(text)}") if STOP in text else None
