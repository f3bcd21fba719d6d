"""What a request may ask of an answer: a budget, a form, log probabilities, images, reasoning."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from wiremark_schemas.explain import violations

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.evidence import View, parse_json
from wiremark_conformance.order import at
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.chat import CITY_SCHEMA
from wiremark_conformance.probes.responses import LEAST_BUDGET
from wiremark_conformance.responses import count, items, parts, response, text
from wiremark_conformance.values import is_text, members, shown

accepted("responses.max-tokens.accepted", "responses.max-tokens")
accepted("responses.json.accepted", "responses.json")
accepted("responses.json-schema.accepted", "responses.json-schema")
accepted("responses.logprobs.accepted", "responses.logprobs")
accepted("responses.vision.accepted", "responses.vision")
accepted("responses.reasoning.accepted", "responses.reasoning")
accepted("responses.reasoning.echo-back", "responses.reasoning.echo-back")

_CUT = ("responses.max-tokens", "responses.max-tokens.stream")
_THOUGHT = ("responses.reasoning", "responses.reasoning.stream")


@each("responses.max-tokens.bound", *_CUT)
def bound(view: View) -> Outcome:
    made = count(view, "output_tokens")
    if made > LEAST_BUDGET:
        return Silent(f"{made} output tokens, where at most {LEAST_BUDGET} were asked for")
    return None


@each("responses.max-tokens.incomplete", *_CUT)
def incomplete(view: View) -> Outcome:
    document = response(view)
    if count(view, "output_tokens") < LEAST_BUDGET and document.get("status") != "incomplete":
        raise NotTestable("the model stopped before its budget was used up")
    status, reason = document.get("status"), at("/incomplete_details/reason", dict(document))
    if status == "incomplete" and reason == "max_output_tokens":
        return None
    return f"the answer was cut off; `status` is {shown(status)}, the reason {shown(reason)}"


# -- text.format ------------------------------------------------------------------------------------------


def _parsed(view: View) -> tuple[Any, str]:
    """The text as JSON, and why it is none; answers that were cut off or refused are not judged."""
    if response(view).get("status") == "incomplete":
        raise NotTestable("the answer was cut off before it was complete")
    if any(part.get("type") == "refusal" for part in parts(response(view))):
        raise NotTestable("the model refused")
    return parse_json(text(view))


@check("responses.json.object", "responses.json")
def json_object(view: View) -> Outcome:
    value, defect = _parsed(view)
    if defect:
        return Silent(f"the text is not JSON ({defect}): {shown(text(view))}")
    return None if isinstance(value, dict) else f"the text is {shown(value)}, not an object"


@check("responses.json-schema.valid", "responses.json-schema")
def valid(view: View) -> Outcome:
    value, defect = _parsed(view)
    if defect:
        return Silent(f"the text is not JSON ({defect}): {shown(text(view))}")
    found = violations(Draft202012Validator(CITY_SCHEMA), value)
    return Silent("; ".join(str(violation) for violation in found[:3])) if found else None


@check("responses.json-schema.echoed", "responses.json-schema")
def form_echoed(view: View) -> Outcome:
    found = at("/text/format", dict(view.object))
    name = members(found).get("name")
    if isinstance(found, dict) and found.get("type") == "json_schema" and name == "weather":
        return None
    return f"`text.format` is {shown(found)}, not the form that was asked for"


# -- log probabilities ------------------------------------------------------------------------------------


def _tokens(view: View) -> list[Any]:
    listed = [part.get("logprobs") for part in parts(response(view)) if part.get("type") == "output_text"]
    return [token for tokens in listed if isinstance(tokens, list) for token in tokens]


@check("responses.logprobs.present", "responses.logprobs")
def logprobs_present(view: View) -> Outcome:
    return None if _tokens(view) else Silent("no text has `logprobs`, although they were asked for")


@check("responses.logprobs.form", "responses.logprobs")
def logprobs_form(view: View) -> Outcome:
    for token in _tokens(view):
        number = members(token).get("logprob")
        if not isinstance(number, int | float) or isinstance(number, bool) or number > 0:
            return f"a token's `logprob` is {shown(number)}"
        if not isinstance(token.get("token"), str):
            return f"a token is called {shown(token.get('token'))}"
    return None


# -- reasoning --------------------------------------------------------------------------------------------


def _thoughts(view: View) -> list[Any]:
    found = items(view, "reasoning")
    if not found:
        raise NotTestable("the answer has no reasoning")
    return found


@each("responses.reasoning.item", *_THOUGHT)
def reasoning_item(view: View) -> Outcome:
    for item in _thoughts(view):
        summary = item.get("summary")
        if not is_text(item.get("id")):
            return f"`id` of a reasoning item is {shown(item.get('id'))}"
        if not isinstance(summary, list):
            return f"`summary` of a reasoning item is {shown(summary)}"
        for part in summary:
            if not isinstance(part, dict) or part.get("type") != "summary_text":
                return f"a part of a summary is {shown(part)}"
    return None


@each("responses.reasoning.first", *_THOUGHT)
def reasoning_first(view: View) -> Outcome:
    kinds = [item.get("type") for item in items(view)]
    _thoughts(view)
    led = [kind for kind in kinds[kinds.index("reasoning") :] if kind != "reasoning"]
    return None if led or len(set(kinds)) == 1 else "the reasoning comes after what it led to"


@each("responses.reasoning.sealed", *_THOUGHT)
def reasoning_sealed(view: View) -> Outcome:
    if any(is_text(item.get("encrypted_content")) for item in _thoughts(view)):
        return None
    return Silent("no reasoning item has `encrypted_content`, although it was asked for")


@each("responses.reasoning.counted", *_THOUGHT)
def reasoning_counted(view: View) -> Outcome:
    _thoughts(view)
    number = at("/usage/output_tokens_details/reasoning_tokens", dict(response(view)))
    return None if number else f"`reasoning_tokens` is {shown(number)}, although there is reasoning"
