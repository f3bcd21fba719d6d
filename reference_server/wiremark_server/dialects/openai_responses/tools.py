"""Tools and the choice among them, as a Responses request has them: flat, the name beside the type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_server.dialects import openai_tools
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Tool, ToolChoice

_KINDS = frozenset({"function", "custom"})


def read_tools(entries: Sequence[Mapping[str, Any]]) -> tuple[Tool, ...]:
    openai_tools.check_number(entries)
    tools: dict[str, Tool] = {}
    for position, entry in enumerate(entries):
        param = f"tools[{position}]"
        if entry["type"] not in _KINDS:
            raise problem.invalid_request(
                f"Unsupported value for '{param}.type': this server hosts no {entry['type']!r}; "
                "only 'function' and 'custom' tools.",
                f"{param}.type",
            )
        if entry["name"] in tools:
            raise problem.invalid_request(
                f"Invalid value for '{param}.name': tool names must be unique.", f"{param}.name"
            )
        read = openai_tools.function if entry["type"] == "function" else _custom
        tools[entry["name"]] = read(entry, param)
    return tuple(tools.values())


def _custom(entry: Mapping[str, Any], param: str) -> Tool:
    form = entry.get("format") or {"type": "text"}
    return openai_tools.custom(entry, form if form["type"] == "grammar" else None, f"{param}.format")


def read_choice(choice: str | Mapping[str, Any] | None, tools: tuple[Tool, ...]) -> ToolChoice:
    if choice is None or choice == "auto":
        return ToolChoice("auto" if tools else "none")
    if choice == "none":
        return ToolChoice("none")
    if not tools:
        raise problem.invalid_request(
            "Invalid value for 'tool_choice': it needs 'tools' to choose from.", "tool_choice"
        )
    if isinstance(choice, str):
        return ToolChoice("required")
    known = frozenset((tool.name, tool.free) for tool in tools)
    if choice["type"] in _KINDS:
        return ToolChoice("required", (_known_name(choice, known, "tool_choice.name"),))
    if choice["type"] == "allowed_tools":
        names = tuple(
            _known_name(entry, known, f"tool_choice.tools[{position}].name")
            for position, entry in enumerate(choice["tools"])
        )
        return ToolChoice(choice["mode"], names)
    raise problem.invalid_request(
        f"Unsupported value for 'tool_choice.type': this server hosts no {choice['type']!r}.",
        "tool_choice.type",
    )


def _known_name(entry: Mapping[str, Any], known: frozenset[tuple[str, bool]], param: str) -> str:
    name = entry.get("name")
    if not isinstance(name, str) or (name, entry.get("type") == "custom") not in known:
        raise problem.invalid_request(
            f"Invalid value for '{param}': 'tools' has no {entry.get('type')} {name!r}.", param
        )
    return name


def echoed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A tool as the answer repeats it, with the defaults that were applied."""
    if entry["type"] == "function":
        defaults: dict[str, Any] = {"description": None, "parameters": None, "strict": False}
    else:
        defaults = {"description": None, "format": {"type": "text"}}
    return {**defaults, **{name: value for name, value in entry.items() if value is not None}}
