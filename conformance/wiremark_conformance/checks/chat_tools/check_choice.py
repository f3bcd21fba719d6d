"""Which tools are called, and with which arguments, where the choice is not free."""

from __future__ import annotations

from jsonschema import Draft202012Validator
from wiremark_schemas.explain import violations

from wiremark_conformance.checking import accepted, check, refused
from wiremark_conformance.evidence import View, parse_json
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.structured import PING, RICH_SCHEMA
from wiremark_conformance.probes.tools import TOOL
from wiremark_conformance.values import members, shown

accepted("chat.tools.rich.accepted", "chat.tools.rich")
accepted("chat.tools.empty", "chat.tools.empty")
accepted("chat.tools.history", "chat.tools.history")
accepted("chat.tools.history-without-content", "chat.tools.history.without")
accepted("chat.tools.history-empty-content", "chat.tools.history.empty")
accepted("chat.tools.auto", "chat.tools.auto")
accepted("chat.tools.bare", "chat.tools.bare")
accepted("chat.tools.keywords", "chat.tools.keywords")
refused("chat.tools.missing-result", "errors.missing-result")
refused("chat.tools.unknown-result", "errors.unknown-result")
_RICH = Draft202012Validator(RICH_SCHEMA)


@check("chat.tools.rich.valid", "chat.tools.rich")
def rich_valid(view: View) -> Outcome:
    function = view.tool_calls[0].get("function")
    arguments = members(function).get("arguments")
    if not isinstance(arguments, str):
        raise NotTestable("the arguments of the call are no string")
    value, defect = parse_json(arguments)
    if defect:
        return f"the arguments are not JSON ({defect}): {shown(arguments)}"
    found = violations(_RICH, value)
    return "; ".join(str(violation) for violation in found[:3]) if found else None


@check("chat.tools.no-arguments", "chat.tools.no-arguments", expects="stream")
def no_arguments(view: View) -> Outcome:
    arguments = view.calls[0].arguments
    value, defect = parse_json(arguments)
    if not defect and isinstance(value, dict):
        return None
    return f"the arguments of a call without parameters are {shown(arguments)}, not the JSON of an object"


def _names(view: View) -> list[object]:
    functions = [call.get("function") for call in view.tool_calls]
    return [members(function).get("name") for function in functions]


@check("chat.tools.allowed", "chat.tools.allowed")
def allowed(view: View) -> Outcome:
    if not view.message.get("tool_calls"):
        return Silent("with `allowed_tools` of mode `required` no tool is called")
    others = [name for name in _names(view) if name != PING]
    return Silent(f"only {PING!r} is allowed, and {shown(others[0])} is called") if others else None


@check("chat.tools.single", "chat.tools.single")
def single(view: View) -> Outcome:
    count = len(view.tool_calls)
    return Silent(f"with `parallel_tool_calls: false` there are {count} calls") if count > 1 else None


def _declined(view: View) -> bool:
    return view.declined


@check("chat.tools.functions", "chat.tools.functions", expects="refusal")
def functions(view: View) -> Outcome:
    if _declined(view):
        return None
    if not view.succeeded:
        return f"answered {view.status_line}{view.error_text}"
    found = view.message.get("function_call")
    if view.message.get("tool_calls") or (isinstance(found, dict) and found.get("name") == TOOL):
        return None
    return Silent("the older `functions` with a forced `function_call` are neither called nor refused")


@check("chat.tools.with-format", "chat.tools.with-format")
def with_format(view: View) -> Outcome:
    if view.message.get("tool_calls"):
        return None
    return Silent("with `tools` and `response_format` together the forced call is not made")
