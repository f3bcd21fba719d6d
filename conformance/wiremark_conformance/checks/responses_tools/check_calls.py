"""Calls of tools, whole and streamed, and what comes back."""

from __future__ import annotations

from collections import Counter

from jsonschema import Draft202012Validator
from wiremark_schemas.explain import violations

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.evidence import View, parse_json
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.responses_tools import CUSTOM, OTHER_TOOL
from wiremark_conformance.probes.tools import PARAMETERS, TOOL
from wiremark_conformance.responses import CALLS, calls, items, response, told
from wiremark_conformance.values import is_text, listed, shown

accepted("responses.tools.accepted", "responses.tools.forced")
accepted("responses.tools.auto", "responses.tools.auto")
accepted("responses.tools.keywords", "responses.tools.keywords")
accepted("responses.tools.round-trip", "responses.tools.round-trip")
accepted("responses.tools.custom.accepted", "responses.tools.custom")
accepted("responses.tools.custom.round-trip", "responses.tools.custom.round-trip")

_FUNCTIONS = ("responses.tools.forced", "responses.tools.stream", "responses.tools.parallel")
_CUSTOM = ("responses.tools.custom", "responses.tools.custom.stream")


def _whole(view: View) -> None:
    if response(view).get("status") == "incomplete":
        raise NotTestable("the answer was cut off before it was complete")


@each("responses.tools.called", *_FUNCTIONS)
def called(view: View) -> Outcome:
    _whole(view)
    names = [item.get("name") for item in items(view, "function_call")]
    if TOOL in names:
        return None
    kinds = [item.get("type") for item in items(view)]
    return Silent(
        f"`tool_choice` forced a call of {TOOL}; the output has {shown(kinds)}, calls {shown(names)}"
    )


@each("responses.tools.fields", *_FUNCTIONS)
def fields(view: View) -> Outcome:
    for call in calls(view):
        for name in ("id", "call_id", "name"):
            if not is_text(call.get(name)):
                return f"`{name}` of a call is {shown(call.get(name))}"
        if not isinstance(call.get("arguments"), str):
            return f"`arguments` of a call is {shown(call.get('arguments'))}, not text"
    return None


@each("responses.tools.own-id", *_FUNCTIONS)
def own_id(view: View) -> Outcome:
    for call in calls(view):
        if is_text(call.get("id")) and call.get("id") == call.get("call_id"):
            return f"the item's `id` is its `call_id`, {shown(call['id'])}"
    return None


@each("responses.tools.call-ids", *_FUNCTIONS)
def call_ids(view: View) -> Outcome:
    counts = Counter(call["call_id"] for call in calls(view) if is_text(call.get("call_id")))
    twice = [name for name, number in counts.items() if number > 1]
    return f"{counts[twice[0]]} calls have the call_id {shown(twice[0])}" if twice else None


@each("responses.tools.arguments", *_FUNCTIONS)
def arguments(view: View) -> Outcome:
    _whole(view)
    for call in calls(view):
        if not isinstance(call.get("arguments"), str):
            raise NotTestable("the arguments are not text")
        value, defect = parse_json(call["arguments"])
        if defect or not isinstance(value, dict):
            return f"`arguments` is not a JSON object: {shown(call['arguments'])}"
    return None


@each("responses.tools.strict", *_FUNCTIONS)
def strict(view: View) -> Outcome:
    _whole(view)
    for call in calls(view):
        value, defect = parse_json(str(call.get("arguments")))
        if defect:
            raise NotTestable("the arguments are not JSON")
        found = violations(Draft202012Validator(PARAMETERS), value)
        if found:
            return Silent(f"`strict` arguments break their schema: {found[0]}")
    return None


@check("responses.tools.none", "responses.tools.none")
def none(view: View) -> Outcome:
    return "a tool is called, although `tool_choice` is none" if items(view, "function_call") else None


@check("responses.tools.allowed", "responses.tools.allowed")
def allowed(view: View) -> Outcome:
    others = [call.get("name") for call in calls(view) if call.get("name") != OTHER_TOOL]
    return Silent(f"{shown(others[0])} is called, which is not among the allowed tools") if others else None


@check("responses.tools.echoed", "responses.tools.forced")
def echoed(view: View) -> Outcome:
    tools = view.object.get("tools")
    names = [tool.get("name") for tool in listed(tools) if isinstance(tool, dict)]
    return None if names == [TOOL] else f"`tools` is {shown(tools)}, not what was offered"


@check("responses.tools.choice-echoed", "responses.tools.none")
def choice_echoed(view: View) -> Outcome:
    found = view.object.get("tool_choice")
    return None if found == "none" else f"`tool_choice` was none and is {shown(found)} in the response"


@check("responses.tools.several", "responses.tools.parallel", expects="stream")
def several(view: View) -> Outcome:
    """A model may call once; of several calls each has a place of its own."""
    found = calls(view)
    if len(found) < 2:
        raise NotTestable("the model made one call only")
    names = Counter(str(call.get("id")) for call in found)
    twice = [name for name, number in names.items() if number > 1]
    return f"two calls share the item id {shown(twice[0])}" if twice else None


def _streamed_whole(view: View, kind: str, family: str) -> Outcome:
    key = CALLS[kind]
    final = [str(call.get(key)) for call in calls(view, kind)]
    said = [one.joined for one in told(view, family)]
    if [text for text in said if text] == [text for text in final if text]:
        return None
    return f"the deltas say {shown(said)}, the calls in the end {shown(final)}"


@each("responses.tools.stream.deltas", "responses.tools.stream", "responses.tools.parallel", expects="stream")
def deltas(view: View) -> Outcome:
    return _streamed_whole(view, "function_call", "response.function_call_arguments")


@each("responses.tools.stream.done", "responses.tools.stream", "responses.tools.parallel", expects="stream")
def done(view: View) -> Outcome:
    ended = [one for one in told(view, "response.function_call_arguments") if one.whole is not None]
    made = len(calls(view))
    if len(ended) >= made:
        return None
    return f"{made} call(s), and {len(ended)} `response.function_call_arguments.done`"


# -- custom tools -----------------------------------------------------------------------------------------


@each("responses.tools.custom.called", *_CUSTOM)
def custom_called(view: View) -> Outcome:
    _whole(view)
    found = [item for item in items(view, "custom_tool_call") if item.get("name") == CUSTOM]
    return None if found else Silent("`tool_choice` is required, and no custom tool is called")


@each("responses.tools.custom.fields", *_CUSTOM)
def custom_fields(view: View) -> Outcome:
    for call in calls(view, "custom_tool_call"):
        for name in ("call_id", "name"):
            if not is_text(call.get(name)):
                return f"`{name}` of a call is {shown(call.get(name))}"
        if not isinstance(call.get("input"), str):
            return f"`input` of a call is {shown(call.get('input'))}, not text"
    return None


@check("responses.tools.custom.deltas", "responses.tools.custom.stream", expects="stream")
def custom_deltas(view: View) -> Outcome:
    return _streamed_whole(view, "custom_tool_call", "response.custom_tool_call_input")
