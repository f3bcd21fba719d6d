"""What ends an answer early: the budget, a stop sequence; and what it goes on from."""

from __future__ import annotations

import json
import re

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.evidence import View
from wiremark_conformance.messages import answer
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.chat import CITY_SCHEMA, SMALL_BUDGET, STOP
from wiremark_conformance.probes.messages import PREFILL
from wiremark_conformance.values import shown

_BUDGETED = ("messages.max-tokens", "messages.max-tokens.stream")
_STOPPED = ("messages.stop", "messages.stop.stream")
_JUST_BEFORE = re.compile(r"(^|\D)6\W*$")  # counting, right before the stop sequence

accepted("messages.max-tokens.accepted", "messages.max-tokens")
accepted("messages.stop.accepted", "messages.stop")
accepted("messages.zero-tokens.accepted", "messages.zero-tokens")
accepted("messages.prefill.accepted", "messages.prefill")
accepted("messages.json.accepted", "messages.json")


@each("messages.max-tokens.bound", *_BUDGETED)
def bound(view: View) -> Outcome:
    used = answer(view).count("output_tokens")
    return f"{used} output tokens for a budget of {SMALL_BUDGET}" if used > SMALL_BUDGET else None


@each("messages.max-tokens.reason", *_BUDGETED)
def reason(view: View) -> Outcome:
    said = answer(view)
    if said.count("output_tokens") != SMALL_BUDGET:
        raise NotTestable("the answer did not end where its budget did")
    return None if said.stop_reason == "max_tokens" else f"cut off with {shown(said.stop_reason)}"


@each("messages.stop.obeyed", *_STOPPED)
def obeyed(view: View) -> Outcome:
    text = answer(view).text
    return Silent(f"the text goes on after {STOP!r}: {shown(text)}") if STOP in text else None


@each("messages.stop.reason", *_STOPPED)
def stop_reason(view: View) -> Outcome:
    said = answer(view)
    if not _JUST_BEFORE.search(said.text):
        raise NotTestable("the text did not come to the stop sequence")
    if said.stop_reason == "stop_sequence":
        return None
    return f"stopped before {STOP!r}, with the stop reason {shown(said.stop_reason)}"


@each("messages.stop.sequence", *_STOPPED)
def stop_sequence(view: View) -> Outcome:
    said = answer(view)
    if said.stop_reason != "stop_sequence":
        raise NotTestable(f"the stop reason is {shown(said.stop_reason)}")
    return None if said.stop_sequence == STOP else f"`stop_sequence` is {shown(said.stop_sequence)}"


@check("messages.zero-tokens.nothing", "messages.zero-tokens")
def nothing(view: View) -> Outcome:
    used = answer(view).count("output_tokens")
    return f"{used} output tokens for a budget of none" if used else None


@check("messages.prefill.continued", "messages.prefill")
def continued(view: View) -> Outcome:
    text = answer(view).text
    return f"the answer repeats what it should go on from: {shown(text)}" if PREFILL in text else None


@check("messages.json.valid", "messages.json")
def valid(view: View) -> Outcome:
    """By hand, for the schema is small and ours."""
    said = answer(view)
    if said.stop_reason != "end_turn":
        raise NotTestable(f"the answer ended with {shown(said.stop_reason)}")
    try:
        value = json.loads(said.text)
    except ValueError:
        return Silent(f"the text is not JSON: {shown(said.text)}")
    properties = CITY_SCHEMA["properties"]
    good = (
        isinstance(value, dict)
        and value.keys() == properties.keys()
        and value["city"] in properties["city"]["enum"]
        and isinstance(value["sunny"], bool)
    )
    return None if good else Silent(f"the text is not valid against the schema: {shown(said.text)}")
