"""JSON, log probabilities, thoughts and filters."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from jsonschema import Draft202012Validator

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.evidence import View, parse_json
from wiremark_conformance.gemini import answer
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.chat import CITY_SCHEMA
from wiremark_conformance.probes.gemini import FAMILIES, TOP_LOGPROBS
from wiremark_conformance.values import is_text, members, shown

_SCHEMAS = ("gemini.json-schema", "gemini.json-schema.standard")
_CITY = Draft202012Validator(CITY_SCHEMA)

for _requirement, _probe in (
    ("gemini.json.accepted", "gemini.json"),
    ("gemini.json-schema.accepted", "gemini.json-schema"),
    ("gemini.json-schema.standard-accepted", "gemini.json-schema.standard"),
    ("gemini.logprobs.accepted", "gemini.logprobs"),
    ("gemini.thoughts.accepted", "gemini.thoughts"),
):
    accepted(_requirement, _probe)


def _document(view: View) -> tuple[Any, str]:
    """The JSON value of the text, or why it is none; an answer that was cut off has none to give."""
    said = answer(view)
    if said.finish() != "STOP":
        raise NotTestable(f"the answer ended with {shown(said.finish())}")
    return parse_json(said.text())


@each("gemini.json.document", "gemini.json", *_SCHEMAS)
def document(view: View) -> Outcome:
    _, defect = _document(view)
    return Silent(f"the text {shown(answer(view).text())} is not JSON: {defect}") if defect else None


@each("gemini.json-schema.valid", *_SCHEMAS)
def valid(view: View) -> Outcome:
    found, defect = _document(view)
    if defect:
        raise NotTestable("the text is not JSON")
    error = next(_CITY.iter_errors(found), None)
    return Silent(f"the document {shown(found)} breaks the schema: {error.message}") if error else None


@check("gemini.enum.word", "gemini.enum", expects="refusal")
def word(view: View) -> Outcome:
    if view.declined:
        return None
    if not view.succeeded:
        return f"answered {view.status_line}{view.error_text}"
    said = answer(view)
    if said.finish() != "STOP":
        raise NotTestable(f"the answer ended with {shown(said.finish())}")
    found = said.text()
    return None if found in FAMILIES else Silent(f"the text {shown(found)} is none of {', '.join(FAMILIES)}")


# -- log probabilities --------------------------------------------------------------------------------------


def _chosen(view: View) -> list[Any]:
    found = answer(view).candidates[0].get("logprobsResult")
    chosen = members(found).get("chosenCandidates")
    if not isinstance(chosen, list) or not chosen:
        raise NotTestable("there are no log probabilities")
    return chosen


@check("gemini.logprobs.present", "gemini.logprobs")
def logprobs_present(view: View) -> Outcome:
    found = answer(view).candidates[0].get("logprobsResult")
    chosen = members(found).get("chosenCandidates")
    return None if chosen else Silent(f"`logprobsResult` is {shown(found)}")


@check("gemini.logprobs.values", "gemini.logprobs")
def logprobs_values(view: View) -> Outcome:
    for entry in _chosen(view):
        value: Any = members(entry).get("logProbability")
        number = isinstance(value, int | float) and not isinstance(value, bool) and value <= 1e-6
        if not number or not isinstance(entry.get("token"), str):
            return f"an entry of `chosenCandidates` is {shown(entry)}"
    return None


@check("gemini.logprobs.top", "gemini.logprobs")
def logprobs_top(view: View) -> Outcome:
    result = answer(view).candidates[0].get("logprobsResult")
    found = members(result).get("topCandidates")
    chosen = _chosen(view)
    if not isinstance(found, list) or len(found) != len(chosen):
        return f"`topCandidates` is {shown(found)}, not one entry for each of {len(chosen)} tokens"
    for entry in found:
        others = members(entry).get("candidates")
        if not isinstance(others, list) or len(others) > TOP_LOGPROBS:
            return f"an entry of `topCandidates` is {shown(entry)}, {TOP_LOGPROBS} were asked for"
    return None


# -- thoughts -----------------------------------------------------------------------------------------------


@check("gemini.thoughts.parts", "gemini.thoughts")
def thought_parts(view: View) -> Outcome:
    return None if answer(view).thoughts else Silent("no part is a thought, although thoughts were asked for")


@check("gemini.thoughts.apart", "gemini.thoughts")
def thoughts_apart(view: View) -> Outcome:
    """Clients show the parts that are no thoughts."""
    said = answer(view)
    if said.finish() != "STOP":
        raise NotTestable("the answer did not end with STOP")
    return None if said.text() else "every part is a thought, so clients show nothing"


@check("gemini.thoughts.counted", "gemini.thoughts")
def thoughts_counted(view: View) -> Outcome:
    said = answer(view)
    if not said.thoughts:
        raise NotTestable("the answer shows no thoughts")
    found = said.usage.get("thoughtsTokenCount")
    return None if found else f"the model thought, and `thoughtsTokenCount` is {shown(found)}"


@each("gemini.thoughts.unasked", "gemini.plain", "gemini.thoughts.unseen")
def thoughts_unasked(view: View) -> Outcome:
    found = answer(view).thoughts
    return f"a thought is shown that was not asked for: {shown(found[0])}" if found else None


@each("gemini.thoughts.signature", "gemini.thoughts", "gemini.functions.thinking")
def signature(view: View) -> Outcome:
    for part in answer(view).parts():
        found = part.get("thoughtSignature")
        if "thoughtSignature" in part and not _is_base64(found):
            return f"`thoughtSignature` is {shown(found)}, which google-genai cannot decode"
    return None


def _is_base64(text: Any) -> bool:
    if not is_text(text):
        return False
    try:
        base64.b64decode(text.translate(str.maketrans("-_", "+/")) + "==")
    except (binascii.Error, ValueError):
        return False
    return all(c.isalnum() or c in "+/-_=" for c in text) and text.isascii()


# -- filters ------------------------------------------------------------------------------------------------


@check("gemini.safety.prompt", "gemini.safety.prompt")
def blocked_prompt(view: View) -> Outcome:
    return _blocked_by(view.object)


@check("gemini.safety.stream", "gemini.safety.stream", expects="stream")
def blocked_stream(view: View) -> Outcome:
    found = [_blocked_by(chunk) for chunk in view.chunks]
    return None if None in found else "no chunk says why the prompt was blocked"


def _blocked_by(document: Any) -> Outcome:
    feedback = document.get("promptFeedback")
    reason = members(feedback).get("blockReason")
    return None if is_text(reason) else f"`promptFeedback` of a prompt that is blocked is {shown(feedback)}"


@check("gemini.safety.no-candidates", "gemini.safety.prompt")
def no_candidates(view: View) -> Outcome:
    found = view.object.get("candidates")
    return None if "candidates" not in view.object else f"a blocked prompt has `candidates` {shown(found)}"


@check("gemini.safety.answer", "gemini.safety.answer")
def blocked_answer(view: View) -> Outcome:
    found = answer(view).finish()
    if found in ("SAFETY", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "RECITATION"):
        return None
    return f"an answer that is blocked has `finishReason` {shown(found)}"
