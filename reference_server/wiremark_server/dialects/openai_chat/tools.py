"""Tools, the choice among them and calls as chat has them: what a tool is stands under its type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from wiremark_server.dialects import openai_tools
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Tool, ToolCall, ToolChoice

ARGUMENTS: Mapping[str, str] = {"function": "arguments", "custom": "input"}
"""Type of a tool → under which key a call of it has what it is called with."""
_AUTO, _NONE = ToolChoice("auto"), ToolChoice("none")
STANDARD_KINDS: Mapping[str, str] = MappingProxyType({})


def type_of(tool: Tool) -> str:
    return "custom" if tool.free else "function"


def kinds(tools: Sequence[Tool]) -> Mapping[str, str]:
    """The type of each tool that is no function, by name."""
    return {tool.name: "custom" for tool in tools if tool.free} if tools else STANDARD_KINDS


def read_tools(entries: Sequence[Mapping[str, Any]]) -> tuple[Tool, ...]:
    openai_tools.check_number(entries)
    return tuple(
        _READERS[entry["type"]](entry[entry["type"]], f"tools[{position}].{entry['type']}")
        for position, entry in enumerate(entries)
    )


def _custom(entry: Mapping[str, Any], param: str) -> Tool:
    form = entry.get("format") or {"type": "text"}
    grammar = form["grammar"] if form["type"] == "grammar" else None
    return openai_tools.custom(entry, grammar, f"{param}.format.grammar")


_READERS = {"function": openai_tools.function, "custom": _custom}


def read_choice(choice: str | Mapping[str, Any] | None, tools: tuple[Tool, ...]) -> ToolChoice:
    if choice is None or choice == "auto":
        return _AUTO if tools else _NONE
    if choice == "none":
        return _NONE
    if not tools:
        raise problem.invalid_request(
            "'tool_choice' is only allowed when 'tools' are specified.", "tool_choice"
        )
    if isinstance(choice, str):
        return ToolChoice("required")
    known = frozenset((type_of(tool), tool.name) for tool in tools)
    if choice["type"] != "allowed_tools":
        return ToolChoice("required", (_known_name(choice, known, "tool_choice"),))
    allowed = choice["allowed_tools"]
    names = tuple(
        _known_name(entry, known, f"tool_choice.allowed_tools.tools[{position}]")
        for position, entry in enumerate(allowed["tools"])
    )
    return ToolChoice(allowed["mode"], names)


def _known_name(entry: Mapping[str, Any], known: frozenset[tuple[str, str]], param: str) -> str:
    kind = "custom" if entry.get("type") == "custom" else "function"
    named = entry.get(kind)
    name = named.get("name") if isinstance(named, dict) else None
    if not isinstance(name, str) or (kind, name) not in known:
        where = f"{param}.{kind}.name"
        raise problem.invalid_request(f"Invalid value for '{where}': 'tools' has no {kind} {name!r}.", where)
    return name


def read_calls(entries: Sequence[Mapping[str, Any]]) -> tuple[ToolCall, ...]:
    """The calls of an earlier message of the assistant."""
    return tuple(
        ToolCall(entry["id"], entry[kind]["name"], entry[kind][ARGUMENTS[kind]])
        for entry in entries
        for kind in (entry["type"],)
    )


def call(kind: str, call_id: str, name: str, told: str) -> dict[str, Any]:
    """A call as an answer has it; `told` is what the tool is called with."""
    return {"id": call_id, "type": kind, kind: {"name": name, ARGUMENTS[kind]: told}}
