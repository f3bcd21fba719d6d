"""`response_format`."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from wiremark_schemas.explain import violations

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View, parse_json
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.chat import CITY_SCHEMA
from wiremark_conformance.values import shown

accepted("chat.json.accepted", "chat.json")
accepted("chat.json-schema.accepted", "chat.json-schema")


def _parsed(view: View) -> tuple[Any, str]:
    """The content as JSON, and why it is none; answers that were cut off or refused are not judged."""
    if view.choices[0].get("finish_reason") in ("length", "content_filter"):
        raise NotTestable("the answer was cut off before it was complete")
    if view.message.get("refusal"):
        raise NotTestable("the model refused")
    return parse_json(view.content)


@check("chat.json.object", "chat.json")
def json_object(view: View) -> Outcome:
    value, defect = _parsed(view)
    if defect:
        return Silent(f"the content is not JSON ({defect}): {shown(view.content)}")
    return None if isinstance(value, dict) else f"the content is {shown(value)}, not an object"


@check("chat.json-schema.document", "chat.json-schema")
def document(view: View) -> Outcome:
    _, defect = _parsed(view)
    return Silent(f"the content is not JSON ({defect}): {shown(view.content)}") if defect else None


@check("chat.json-schema.valid", "chat.json-schema")
def valid(view: View) -> Outcome:
    value, defect = _parsed(view)
    if defect:
        raise NotTestable("the content is not JSON")
    found = violations(Draft202012Validator(CITY_SCHEMA), value)
    return Silent("; ".join(str(violation) for violation in found[:3])) if found else None
