"""The loop around a call: its result is sent back, and no call where none is wanted."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, refused
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.values import shown

accepted("chat.tools.none.accepted", "chat.tools.none")
accepted("chat.tools.round-trip.accepted", "chat.tools.round-trip")
refused("chat.tools.text-only-refused", "chat.tools.text-only")


@check("chat.tools.none.no-call", "chat.tools.none")
def no_call(view: View) -> Outcome:
    calls = view.message.get("tool_calls")
    return Silent(f"with `tool_choice: none` came `tool_calls` {shown(calls)}") if calls else None


@check("chat.tools.round-trip.answer", "chat.tools.round-trip")
def answer(view: View) -> Outcome:
    if view.choices[0].get("finish_reason") == "length":
        raise NotTestable("the answer was cut off")
    says = any(view.message.get(key) for key in ("content", "tool_calls", "refusal"))
    if view.message.get("role") == "assistant" and says:
        return None
    return f"after the result of the tool came {shown(dict(view.message))}"
