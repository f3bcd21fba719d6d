"""Messages request documents → what is asked of the engine, or the problem with them.

The schema has been checked before; here are the rules that a schema cannot say. Optional parameters that do
not change the meaning of an answer (`metadata`, `cache_control`, `temperature`, …) and unknown ones are
ignored; those that would change it and are not supported are refused, never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_server.dialects.anthropic_messages import turns, version
from wiremark_server.dialects.anthropic_messages.blocks import BlockReader
from wiremark_server.dialects.format import HeaderOf
from wiremark_server.dialects.signature import Signatures
from wiremark_server.dialects.validation import RequestSchema, check_integers, check_schema
from wiremark_server.domain import problem
from wiremark_server.domain.asked import Asked
from wiremark_server.domain.generation import Generation, OutputFormat, Tool, ToolChoice

_SCHEMA = RequestSchema("anthropic/messages.request")
_INTEGERS = ("max_tokens", "top_k")
_MAX_TOOLS = 128
_LEAST_THINKING = 1024  # tokens
_UNSUPPORTED = {
    "container": "this server runs no code",
    "mcp_servers": "this server calls no other servers",
}


def decode(document: Mapping[str, Any], request_id: str, header: HeaderOf, signatures: Signatures) -> Asked:
    """Raise ProblemError (400) with the JSON path of what is wrong."""
    spoken = version.read(header(version.HEADER))
    _SCHEMA.check(dict(document))
    return _decode(document, request_id, spoken, signatures)


def decode_count(
    document: Mapping[str, Any], request_id: str, header: HeaderOf, signatures: Signatures
) -> Asked:
    """The same for the counting of tokens, which has no budget."""
    spoken = version.read(header(version.HEADER))
    _SCHEMA.check({"max_tokens": 0, **document})
    return _decode(document, request_id, spoken, signatures)


def _decode(
    document: Mapping[str, Any], request_id: str, spoken: version.Version, signatures: Signatures
) -> Asked:
    version.check_parameters(document, spoken)
    for name, reason in _UNSUPPORTED.items():
        if document.get(name):
            raise problem.invalid_request(f"Unsupported parameter: '{name}'; {reason}.", name)
    check_integers(document, _INTEGERS)
    conversation = turns.read(document, BlockReader(spoken, signatures))
    tools = _tools(document.get("tools") or ())
    choice = document.get("tool_choice") or {}
    thinking = document.get("thinking") or {}
    _check_thinking(thinking, document, continues=conversation.continues)
    output_param, output = _output(document)
    generation = Generation(
        request_id=request_id,
        model=document["model"],
        turns=conversation.turns,
        tools=tools,
        tool_choice=_tool_choice(choice, tools),
        parallel_tool_calls=not choice.get("disable_parallel_tool_use"),
        output=output,
        max_tokens=document.get("max_tokens"),
        stop=_stop(document.get("stop_sequences") or ()),
        reasoning=_thinks(thinking),
        continues=conversation.continues,
    )
    return Asked(
        generation=generation,
        stream=bool(document.get("stream")),
        include_usage=True,
        image_param=conversation.image_param,
        tool_bearing=bool(tools)
        or any(turn.role == "tool" or turn.tool_calls for turn in conversation.turns),
        output_param=output_param,
        reasoning_param="thinking" if thinking.get("type") == "enabled" else None,
        hide_reasoning=thinking.get("display") == "omitted",
    )


def _stop(sequences: Sequence[str]) -> tuple[str, ...]:
    for position, sequence in enumerate(sequences):
        if not sequence.strip():
            param = f"stop_sequences[{position}]"
            raise problem.invalid_request(
                f"Invalid value for '{param}': a stop sequence needs more than white space.", param
            )
    return tuple(sequences)


# -- thinking ---------------------------------------------------------------------------------------------


def _thinks(thinking: Mapping[str, Any]) -> bool:
    return thinking.get("type") in {"enabled", "adaptive"}


def _check_thinking(thinking: Mapping[str, Any], document: Mapping[str, Any], *, continues: bool) -> None:
    if thinking.get("type") == "between_tools":
        raise problem.invalid_request(
            "Unsupported value for 'thinking.type': this server thinks before it answers, not between tools.",
            "thinking.type",
        )
    if not _thinks(thinking):
        return
    budget, limit = thinking.get("budget_tokens"), document.get("max_tokens")
    if budget is not None and budget < _LEAST_THINKING:
        param = "thinking.budget_tokens"
        raise problem.invalid_request(
            f"Invalid value for '{param}': expected at least {_LEAST_THINKING}.", param
        )
    if budget is not None and limit is not None and budget >= limit:
        raise problem.invalid_request(
            "Invalid value for 'max_tokens': it must be greater than 'thinking.budget_tokens', a part of it.",
            "max_tokens",
        )
    if (document.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        raise problem.invalid_request(
            "Invalid value for 'tool_choice': with thinking it cannot force a tool; use 'auto' or 'none'.",
            "tool_choice",
        )
    if document.get("top_k") is not None or document.get("temperature") not in {None, 1}:
        name = "top_k" if document.get("top_k") is not None else "temperature"
        raise problem.invalid_request(f"Unsupported parameter: '{name}' cannot be set with thinking.", name)
    if continues:
        raise problem.invalid_request(
            "Invalid value for 'messages': with thinking the final message cannot be the assistant's.",
            "messages",
        )


# -- tools and output -------------------------------------------------------------------------------------


def _tools(entries: Sequence[Mapping[str, Any]]) -> tuple[Tool, ...]:
    if len(entries) > _MAX_TOOLS:
        raise problem.invalid_request(
            f"Invalid value for 'tools': expected at most {_MAX_TOOLS} items.", "tools"
        )
    tools: dict[str, Tool] = {}
    for position, entry in enumerate(entries):
        param = f"tools[{position}]"
        if entry.get("type") not in {None, "custom"}:
            raise problem.invalid_request(
                f"Unsupported value for '{param}.type': only 'custom' tools; this server has none.",
                f"{param}.type",
            )
        if entry["name"] in tools:
            raise problem.invalid_request(
                f"Invalid value for '{param}.name': tool names must be unique.", f"{param}.name"
            )
        check_schema(entry["input_schema"], f"{param}.input_schema", strict=bool(entry.get("strict")))
        tools[entry["name"]] = Tool(entry["name"], entry.get("description") or "", entry["input_schema"])
    return tuple(tools.values())


def _tool_choice(choice: Mapping[str, Any], tools: tuple[Tool, ...]) -> ToolChoice:
    kind = choice.get("type", "auto")
    if kind == "none" or (kind == "auto" and not tools):
        return ToolChoice("none")
    if kind == "auto":
        return ToolChoice("auto")
    if not tools:
        raise problem.invalid_request(
            "Invalid value for 'tool_choice': it needs 'tools' to choose from.", "tool_choice"
        )
    if kind == "any":
        return ToolChoice("required")
    if all(tool.name != choice["name"] for tool in tools):
        raise problem.invalid_request(
            f"Invalid value for 'tool_choice.name': 'tools' has no tool {choice['name']!r}.",
            "tool_choice.name",
        )
    return ToolChoice("required", (choice["name"],))


def _output(document: Mapping[str, Any]) -> tuple[str, OutputFormat]:
    """What the text is held to, and the path of it; `output_format` is an older name of the same."""
    form = (document.get("output_config") or {}).get("format")
    param = "output_config.format"
    if form is None:
        form, param = document.get("output_format"), "output_format"
    if form is None:
        return param, OutputFormat()
    check_schema(form["schema"], f"{param}.schema", strict=False)
    return param, OutputFormat("json_schema", form["schema"])
