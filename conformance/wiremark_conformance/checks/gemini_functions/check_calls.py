"""Calls: that they are made, whole, as declared; and the conversation with their results."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from wiremark_conformance.checking import accepted, check, each, refused
from wiremark_conformance.checks.gemini_functions import CALLED
from wiremark_conformance.evidence import View
from wiremark_conformance.gemini import answer, parts
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.gemini_functions import OTHER, RESULT
from wiremark_conformance.probes.tools import PARAMETERS, TOOL
from wiremark_conformance.values import is_text, shown

_OPEN = Draft202012Validator({**PARAMETERS, "additionalProperties": True})

for _requirement, _probe in (
    ("gemini.functions.accepted", "gemini.functions.auto"),
    ("gemini.functions.validated.accepted", "gemini.functions.validated"),
    ("gemini.functions.none.accepted", "gemini.functions.none"),
    ("gemini.functions.forced.accepted", "gemini.functions.forced"),
    ("gemini.functions.allowed.accepted", "gemini.functions.allowed"),
    ("gemini.functions.standard-schema", "gemini.functions.standard-schema"),
    ("gemini.functions.lower-types", "gemini.functions.lower-types"),
    ("gemini.functions.stream.accepted", "gemini.functions.stream"),
    ("gemini.functions.parallel.accepted", "gemini.functions.parallel"),
    ("gemini.functions.round-trip.accepted", "gemini.functions.round-trip"),
    ("gemini.functions.function-role", "gemini.functions.function-role"),
    ("gemini.functions.signed.accepted", "gemini.functions.signed"),
):
    accepted(_requirement, _probe)
refused("gemini.functions.text-response", "gemini.functions.text-response")
refused("gemini.functions.unknown-name", "gemini.functions.unknown-name")
refused("gemini.functions.text-only-refused", "gemini.functions.text-only")


def _has_call(view: View) -> bool:
    return any("functionCall" in part for part in answer(view).parts())


@each("gemini.functions.forced.called", "gemini.functions.forced", "gemini.functions.stream")
def called(view: View) -> Outcome:
    return None if _has_call(view) else Silent("the mode ANY was answered without a call")


@check("gemini.functions.none.honoured", "gemini.functions.none")
def none(view: View) -> Outcome:
    return Silent("the mode NONE was answered with a call") if _has_call(view) else None


@check("gemini.functions.allowed.honoured", "gemini.functions.allowed")
def allowed(view: View) -> Outcome:
    found = [call.get("name") for call in answer(view).calls]
    wrong = [name for name in found if name != OTHER]
    return Silent(f"{shown(wrong[0])} is called, only {OTHER!r} was allowed") if wrong else None


@each("gemini.functions.call.name", *CALLED)
def call_name(view: View) -> Outcome:
    wrong = [call.get("name") for call in answer(view).calls if call.get("name") != TOOL]
    return f"the call is of {shown(wrong[0])}, declared is {TOOL!r}" if wrong else None


@each("gemini.functions.call.args", *CALLED)
def call_args(view: View) -> Outcome:
    wrong = [call.get("args") for call in answer(view).calls if not isinstance(call.get("args"), dict)]
    return f"`args` is {shown(wrong[0])}, not an object; google-genai raises" if wrong else None


@each("gemini.functions.call.valid", *CALLED)
def call_valid(view: View) -> Outcome:
    for call in answer(view).calls:
        if not isinstance(call.get("args"), dict):
            raise NotTestable("`args` is not an object")
        error = next(_OPEN.iter_errors(call["args"]), None)
        if error is not None:
            return f"the arguments {shown(call['args'])} break the declared schema: {error.message}"
    return None


@each("gemini.functions.call.whole", *CALLED)
def call_whole(view: View) -> Outcome:
    """Pieces come only where `streamFunctionCallArguments` asked for them."""
    wrong = [call for call in answer(view).calls if "partialArgs" in call or call.get("willContinue")]
    return f"a call comes in pieces, which nobody asked for: {shown(wrong[0])}" if wrong else None


@each("gemini.functions.call.id", *CALLED)
def call_id(view: View) -> Outcome:
    found = [call["id"] for call in answer(view).calls if call.get("id") is not None]
    wrong = [one for one in found if not is_text(one)]
    if wrong:
        return f"`id` of a call is {shown(wrong[0])}"
    return None if len(set(found)) == len(found) else f"two calls have one id: {shown(found)}"


@each("gemini.functions.finish-reason", *CALLED)
def finish_reason(view: View) -> Outcome:
    said = answer(view)
    if not said.calls or said.finish() == "MAX_TOKENS":
        raise NotTestable("the call was cut off")
    return (
        None if said.finish() == "STOP" else f"an answer that calls has `finishReason` {shown(said.finish())}"
    )


@check("gemini.functions.parallel.called", "gemini.functions.parallel")
def parallel(view: View) -> Outcome:
    """Calls that are not several are legal; several stand in one content."""
    calls = [sum("functionCall" in part for part in parts(one)) for one in answer(view).candidates]
    if sum(calls) < 2:
        raise NotTestable("the model made one call only")
    calling = sum(count > 0 for count in calls)
    return None if calling == 1 else f"the calls are spread over {calling} candidates"


@check("gemini.functions.round-trip.answer", "gemini.functions.round-trip")
def round_trip(view: View) -> Outcome:
    said = answer(view)
    if said.text() or _has_call(view):
        return None
    return f"the result {shown(RESULT)} was answered with nothing"


@check("gemini.functions.signature", "gemini.functions.thinking")
def signature(view: View) -> Outcome:
    """Only the first of parallel calls has one."""
    parts: list[Any] = [part for part in answer(view).parts() if "functionCall" in part]
    if not parts:
        raise NotTestable("the answer calls no function")
    return (
        None
        if is_text(parts[0].get("thoughtSignature"))
        else "a call after thoughts has no `thoughtSignature`"
    )
