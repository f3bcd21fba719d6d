"""Calls and their results as history."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.checks.messages.check_requests import taken_or_refused
from wiremark_conformance.evidence import View
from wiremark_conformance.messages import answer
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.values import shown

accepted("messages.tools.round-trip.accepted", "messages.tools.round-trip")
accepted("messages.tools.result-blocks", "messages.tools.result-blocks")
accepted("messages.tools.result-absent", "messages.tools.result-absent")

check("messages.tools.server-tool", "messages.tools.server-tool", expects="refusal")(taken_or_refused)


@check("messages.tools.round-trip.answer", "messages.tools.round-trip")
def answered(view: View) -> Outcome:
    said = answer(view)
    if said.text or said.of("tool_use"):
        return None
    return f"after the result the answer has neither text nor call: {shown([b.type for b in said.blocks])}"


def bad_request(view: View) -> Outcome:
    """Anything but 400, of what the caller did wrong."""
    return None if view.status == 400 else f"answered {view.status_line}{view.error_text}, not 400"


check("messages.tools.no-result", "messages.tools.no-result", expects="refusal")(bad_request)
check("messages.tools.unknown-choice", "messages.tools.unknown-choice", expects="refusal")(bad_request)


@check("messages.tools.text-only", "messages.tools.text-only", expects="refusal")
def text_only(view: View) -> Outcome:
    if view.declined:
        return None
    return f"tools for a model without tools were answered {view.status_line}{view.error_text}"
