"""Tool calls of a whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from wiremark_schemas.explain import violations

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View, parse_json
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.tools import PARAMETERS, TOOL
from wiremark_conformance.values import is_text, members, shown

accepted("chat.tools.forced.accepted", "chat.tools.forced")

# How models write a call before a parser has made a `tool_calls` of it.
_MARKUP = ("<tool_call>", "<|tool_call", "[TOOL_CALLS]", "<function=", "<|python_tag|>", f'"name": "{TOOL}"')


def _function(call: Mapping[str, Any]) -> Mapping[str, Any]:
    function = call.get("function")
    if not isinstance(function, dict):
        raise NotTestable("the call has no `function` object")
    return function


def _arguments(view: View) -> list[str]:
    found = [_function(call).get("arguments") for call in view.tool_calls]
    texts = [text for text in found if isinstance(text, str)]
    if len(texts) < len(found):
        raise NotTestable("the arguments are not a string")
    return texts


def not_one_object(arguments: str) -> str:
    """Why the text is not the JSON of one object; "" when it is."""
    value, defect = parse_json(arguments)
    if defect:
        return f"the arguments {shown(arguments)} are not JSON: {defect}"
    return "" if isinstance(value, dict) else f"the arguments are {shown(value)}, not an object"


def markup(text: str) -> Outcome:
    """The mark of a tool call in a text."""
    found = [mark for mark in _MARKUP if mark in text]
    return f"the content has {found[0]!r}: {shown(text)}" if found else None


@check("chat.tools.forced.called", "chat.tools.forced")
def called(view: View) -> Outcome:
    calls = view.message.get("tool_calls")
    if not isinstance(calls, list) or not calls:
        if view.choices[0].get("finish_reason") == "length":
            raise NotTestable("the answer was cut off before it could call")
        return Silent(f"`tool_calls` is {shown(calls)}, although `tool_choice` named a function")
    functions = [call.get("function") for call in view.tool_calls]
    names = [members(function).get("name") for function in functions]
    return (
        None
        if all(name == TOOL for name in names)
        else f"{TOOL!r} was to be called; called is {shown(names)}"
    )


@check("chat.tools.forced.finish-reason", "chat.tools.forced")
def finish_reason(view: View) -> Outcome:
    if not view.tool_calls:
        raise NotTestable("no tool is called")
    found = view.choices[0].get("finish_reason")
    return None if found == "tool_calls" else f"`finish_reason` is {shown(found)}"


@check("chat.tools.call.id", "chat.tools.forced")
def call_id(view: View) -> Outcome:
    wrong = [call for call in view.tool_calls if not is_text(call.get("id"))]
    return f"the id is {shown(wrong[0].get('id'))}" if wrong else None


@check("chat.tools.call.type", "chat.tools.forced")
def call_type(view: View) -> Outcome:
    wrong = [call for call in view.tool_calls if call.get("type") != "function"]
    return f"the type is {shown(wrong[0].get('type'))}" if wrong else None


@check("chat.tools.call.arguments-string", "chat.tools.forced")
def arguments_string(view: View) -> Outcome:
    found = [_function(call).get("arguments") for call in view.tool_calls]
    wrong = [value for value in found if not isinstance(value, str)]
    return f"`arguments` is {shown(wrong[0])}" if wrong else None


@check("chat.tools.call.arguments-json", "chat.tools.forced")
def arguments_json(view: View) -> Outcome:
    if view.choices[0].get("finish_reason") == "length":
        raise NotTestable("the answer was cut off")
    return next((wrong for text in _arguments(view) if (wrong := not_one_object(text))), None)


@check("chat.tools.call.arguments-schema", "chat.tools.forced")
def arguments_schema(view: View) -> Outcome:
    for text in _arguments(view):
        if not_one_object(text):
            raise NotTestable("the arguments are not one JSON object")
        found = violations(Draft202012Validator(PARAMETERS), parse_json(text)[0])
        if found:
            return f"arguments {shown(text)}: {found[0]}"
    return None


@check("chat.tools.call.ids-unique", "chat.tools.forced")
def ids_unique(view: View) -> Outcome:
    ids = [shown(call.get("id")) for call in view.tool_calls]
    return None if len(set(ids)) == len(ids) else f"the ids are {', '.join(ids)}"


@check("chat.tools.no-markup", "chat.tools.forced")
def no_markup(view: View) -> Outcome:
    return markup(view.content)
