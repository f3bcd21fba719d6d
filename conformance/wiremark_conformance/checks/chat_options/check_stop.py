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
