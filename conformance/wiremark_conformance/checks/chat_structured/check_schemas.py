"""Structured output with rich schemas, in streams, cut off, and beside tools."""

from __future__ import annotations

from jsonschema import Draft202012Validator
from wiremark_schemas.explain import violations

from wiremark_conformance.checking import accepted, check, refused, tolerated
from wiremark_conformance.evidence import View, parse_json
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.chat import CITY_SCHEMA
from wiremark_conformance.probes.structured import RICH_SCHEMA
from wiremark_conformance.values import shown

accepted("chat.json-schema.rich", "chat.json-schema.rich")
refused("chat.json-schema.broken-refused", "errors.json-schema")
tolerated("chat.json.wordless", "chat.json.wordless")
_RICH = Draft202012Validator(RICH_SCHEMA)
_CITY = Draft202012Validator(CITY_SCHEMA)


def _judge(text: str, validator: Draft202012Validator, finish_reason: object) -> Outcome:
    if finish_reason in ("length", "content_filter"):
        raise NotTestable("the answer was cut off before it was complete")
    value, defect = parse_json(text)
    if defect:
        return Silent(f"the content is not JSON ({defect}): {shown(text)}")
    found = violations(validator, value)
    return Silent("; ".join(str(violation) for violation in found[:3])) if found else None


@check("chat.json-schema.rich-valid", "chat.json-schema.rich")
def rich_valid(view: View) -> Outcome:
    if view.message.get("refusal"):
        raise NotTestable("the model refused")
    return _judge(view.content, _RICH, view.choices[0].get("finish_reason"))


@check("chat.json-schema.stream-valid", "chat.json-schema.stream", expects="stream")
def stream_valid(view: View) -> Outcome:
    if view.streamed_text(key="refusal"):
        raise NotTestable("the model refused")
    reasons = view.finish_reasons.get(0)
    return _judge(view.streamed_text(), _CITY, reasons[0] if reasons else None)


@check("chat.json-schema.cut", "chat.json-schema.cut")
def cut(view: View) -> Outcome:
    reason = view.choices[0].get("finish_reason")
    _, defect = parse_json(view.content)
    if not defect and view.content:
        raise NotTestable("the whole document fits the budget")
    if not view.content.lstrip().startswith("{"):
        raise NotTestable("the content does not begin as a document")
    return None if reason == "length" else f"half a document ends with {shown(reason)}, not with `length`"
