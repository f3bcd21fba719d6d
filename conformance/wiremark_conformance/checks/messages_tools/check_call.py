"""Calls, whole and streamed: who is called, with what, and how the turn ends."""

from __future__ import annotations

import re

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.messages import ANSWERS
from wiremark_conformance.checks.messages_tools import CALLING, FORCED
from wiremark_conformance.evidence import View
from wiremark_conformance.messages import Answer, answer
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.messages_tools import CUT
from wiremark_conformance.probes.tools import PARAMETERS, TOOL
from wiremark_conformance.values import is_text, shown

_STREAMED = ("messages.tools.stream", "messages.tools.parallel")
_ID = re.compile(r"[A-Za-z0-9_-]+")

accepted("messages.tools.forced.accepted", "messages.tools.forced")
accepted("messages.tools.any.accepted", "messages.tools.stream")
accepted("messages.tools.none.accepted", "messages.tools.none")
accepted("messages.tools.auto", "messages.tools.auto")
accepted("messages.tools.keywords", "messages.tools.keywords")
accepted("messages.tools.parallel.accepted", "messages.tools.parallel")


def called(view: View) -> Outcome:
    """No call, although one was forced."""
    said = answer(view)
    return None if said.of("tool_use") else Silent(f"no tool is called; the text is {shown(said.text)}")


check("messages.tools.forced.called", "messages.tools.forced")(called)
check("messages.tools.any.called", "messages.tools.stream")(called)


@each("messages.tools.id", *CALLING)
def tool_id(view: View) -> Outcome:
    for call in answer(view).calls:
        found = call.value.get("id")
        if not isinstance(found, str) or not _ID.fullmatch(found):
            return f"the `id` of a call is {shown(found)}"
    return None


@each("messages.tools.name", *CALLING)
def name(view: View) -> Outcome:
    for call in answer(view).calls:
        if call.value.get("name") != TOOL:
            return f"the `name` of a call is {shown(call.value.get('name'))}, not {TOOL!r}"
    return None


@check("messages.tools.input", "messages.tools.forced")
def tool_input(view: View) -> Outcome:
    for call in answer(view).calls:
        if not isinstance(call.value.get("input"), dict):
            return f"the `input` of a call is {shown(call.value.get('input'))}, not an object"
    return None


@each("messages.tools.input-schema", *FORCED)
def input_schema(view: View) -> Outcome:
    """By hand, for the schema is small and ours."""
    for call in answer(view).calls:
        found = call.value.get("input")
        if not isinstance(found, dict):
            raise NotTestable("the input is no object")
        if found.keys() != PARAMETERS["properties"].keys() or not is_text(found["city"]):
            return f"the input {shown(found)} is not valid against the schema of the tool"
    return None


@each("messages.tools.ids-unique", *CALLING)
def ids_unique(view: View) -> Outcome:
    ids = [shown(call.value.get("id")) for call in answer(view).calls]
    return f"two calls have the id {ids[0]}" if len(set(ids)) < len(ids) else None


@each("messages.tools.stop-reason", *CALLING)
def stop_reason(view: View) -> Outcome:
    said = answer(view)
    if not said.calls or said.stop_reason in ("max_tokens", "model_context_window_exceeded"):
        raise NotTestable("the answer was cut off")
    return None if said.stop_reason == "tool_use" else f"a call ends with {shown(said.stop_reason)}"


@each("messages.tools.stop-reason-only", *ANSWERS, "messages.tools.none")
def stop_reason_only(view: View) -> Outcome:
    said = answer(view)
    if said.stop_reason == "tool_use" and not said.of("tool_use"):
        return "the stop reason is `tool_use`, and no tool is called"
    return None


@check("messages.tools.none.no-call", "messages.tools.none")
def no_call(view: View) -> Outcome:
    return Silent("a tool is called all the same") if answer(view).of("tool_use") else None


@check("messages.tools.single", "messages.tools.single")
def single(view: View) -> Outcome:
    found = len(answer(view).of("tool_use"))
    return Silent(f"{found} tools are called in one answer") if found > 1 else None


# -- streams --------------------------------------------------------------------------------------------


@each("messages.tools.stream.input", *_STREAMED, expects="stream")
def stream_input(view: View) -> Outcome:
    """What the pieces add up to; a call without pieces has the input of its start."""
    said = answer(view)
    if said.stop_reason == "max_tokens":
        raise NotTestable("the answer was cut off")
    for call in said.calls:
        if not isinstance(call.value.get("input"), dict):
            return f"the pieces of an input add up to {shown(call.json)}, which is no JSON object"
    return None


@each("messages.tools.stream.start-input", *_STREAMED, expects="stream")
def start_input(view: View) -> Outcome:
    for call in answer(view).calls:
        if call.start.get("input"):
            return (
                f"a call begins with the input {shown(call.start['input'])}; clients add up the pieces alone"
            )
    return None


def _broken_off(said: Answer) -> bool:
    return said.count("output_tokens") >= CUT and not any(
        isinstance(call.value.get("input"), dict) and call.value["input"] for call in said.of("tool_use")
    )


@check("messages.tools.stream.cut", "messages.tools.cut", expects="stream")
def cut(view: View) -> Outcome:
    said = answer(view)
    if not _broken_off(said):
        raise NotTestable("the call was not cut off")
    if said.stop_reason == "max_tokens":
        return None
    return f"a call that the budget cut off ends with {shown(said.stop_reason)}"
