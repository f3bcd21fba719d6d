"""The shape of a whole answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.gemini import ANSWERS
from wiremark_conformance.evidence import View
from wiremark_conformance.gemini import FINISH_REASONS, answer, without_nulls
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.shapes import schema_violations
from wiremark_conformance.values import is_text, members, shown

RESPONSE = "gemini/generate.response"
_SNAKE = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
_FREE_FORM = frozenset({"args", "response"})  # what stands below these is the client's own

accepted("gemini.accepted", "gemini.plain")
accepted("gemini.v1.accepted", "gemini.v1")


@each("gemini.status", *ANSWERS)
def status(view: View) -> Outcome:
    return None if view.status == 200 else f"answered {view.status_line}; google-genai takes only 200"


@each("gemini.content-type", *ANSWERS)
def content_type(view: View) -> Outcome:
    found = view.header("content-type")
    return None if view.media_type == "application/json" else f"the content-type is {shown(found)}"


@each("gemini.no-error", *ANSWERS)
def no_error(view: View) -> Outcome:
    return f"status {view.status} and `error` {shown(view.error)}" if view.error else None


@each("gemini.candidates", *ANSWERS)
def candidates(view: View) -> Outcome:
    found = view.object.get("candidates")
    if isinstance(found, list) and found and all(isinstance(one, dict) for one in found):
        return None
    return f"`candidates` is {shown(found)}"


@check("gemini.parts", "gemini.plain")
def parts(view: View) -> Outcome:
    content = answer(view).candidates[0].get("content")
    found = members(content).get("parts")
    if isinstance(found, list) and found and all(isinstance(part, dict) for part in found):
        return None
    return f"`content` is {shown(content)}, without parts"


@each("gemini.role", *ANSWERS)
def role(view: View) -> Outcome:
    contents = [one["content"] for one in answer(view).candidates if isinstance(one.get("content"), dict)]
    wrong = [content.get("role") for content in contents if content.get("role") != "model"]
    return f"`content.role` is {shown(wrong[0])}" if wrong else None


@check("gemini.text", "gemini.plain")
def text(view: View) -> Outcome:
    said = answer(view)
    if said.finish() != "STOP":
        raise NotTestable("the answer did not end with STOP")
    return None if said.text() else "the answer ended with STOP and its parts have no text"


@each("gemini.finish-reason", *ANSWERS)
def finish_reason(view: View) -> Outcome:
    wrong = [one.get("finishReason") for one in answer(view).candidates if not known(one.get("finishReason"))]
    return f"`finishReason` is {shown(wrong[0])}" if wrong else None


def known(reason: Any) -> bool:
    """One of the published words, in capitals."""
    return isinstance(reason, str) and reason in FINISH_REASONS


@each("gemini.types", *ANSWERS, "gemini.logprobs")
def types(view: View) -> Outcome:
    found = schema_violations(RESPONSE, without_nulls(view.object))
    return "; ".join(str(violation) for violation in found[:3]) or None


@each("gemini.camel-case", *ANSWERS)
def camel_case(view: View) -> Outcome:
    return snake_key(view.object)


def snake_key(document: Any) -> Outcome:
    """A key with an underscore, which clients read as absent."""
    found = next((key for key in _keys(document) if _SNAKE.fullmatch(key)), None)
    return (
        f"the key {found!r} has an underscore; clients look for camel case and find nothing"
        if found
        else None
    )


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield key
            if key not in _FREE_FORM:
                yield from _keys(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from _keys(entry)


@each("gemini.model-version", *ANSWERS)
def model_version(view: View) -> Outcome:
    found = view.object.get("modelVersion")
    return None if is_text(found) else f"`modelVersion` is {shown(found)}"


@each("gemini.response-id", *ANSWERS)
def response_id(view: View) -> Outcome:
    found = view.object.get("responseId")
    return None if is_text(found) else f"`responseId` is {shown(found)}"


@check("gemini.response-id.unique", "gemini.plain", "gemini.candidates")
def response_id_unique(one: View, other: View) -> Outcome:
    first, second = one.object.get("responseId"), other.object.get("responseId")
    if not is_text(first) or not is_text(second):
        raise NotTestable("an answer has no responseId")
    return None if first != second else f"two answers have the `responseId` {shown(first)}"


@check("gemini.request-id", "gemini.plain")
def request_id(view: View) -> Outcome:
    """The contract's own header, else the id in the body."""
    header = view.target.contract.raw["headers"]["request_id"]
    if header is None:
        raise NotTestable("the contract names no header of a request id")
    return None if is_text(view.header(header)) else f"`{header}` is {shown(view.header(header))}"
