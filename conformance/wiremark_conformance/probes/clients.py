"""Probes of requests as clients write them: options spelled out as null, tools from generated schemas,
texts in parts, histories of calls, streams that are asked for wrongly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance.probes.chat import plain_body
from wiremark_conformance.probes.models import ORIGIN
from wiremark_conformance.probes.table import Drafter, Probe, chat
from wiremark_conformance.probes.tools import OWN_CALL, QUESTION, TOOL, TOOLS

# Nullable in the published schema, and spelled out by clients whose types know no absence.
NULL_OPTIONS = (
    "max_completion_tokens",
    "max_tokens",
    "stream",
    "stream_options",
    "logprobs",
    "top_logprobs",
    "tools",
    "parallel_tool_calls",
    "reasoning_effort",
    "service_tier",
    "metadata",
    "store",
    "user",
)
# What generators of schemas write beside the types, none of it under `strict`.
KEYWORDS: Mapping[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "title": "Arguments",
    "properties": {
        "city": {
            "type": "string",
            "title": "City",
            "pattern": "^[A-Z].*$",
            "minLength": 1,
            "maxLength": 80,
            "examples": ["Paris"],
        },
        "day": {"type": "string", "format": "date", "default": "2026-01-31"},
        "hours": {"type": "integer", "minimum": 1, "maximum": 48, "exclusiveMaximum": 49},
        "units": {"oneOf": [{"const": "celsius"}, {"const": "kelvin"}]},
        "place": {"allOf": [{"type": "object", "properties": {"zip": {"type": "string"}}}]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 0, "uniqueItems": True},
        "notes": {"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": True},
    },
    "required": ["city"],
    "additionalProperties": False,
}
_RESULT = {"role": "tool", "tool_call_id": OWN_CALL["tool_calls"][0]["id"], "content": "Clear, 21 degrees."}
_PARTED = [
    {"role": "system", "content": [{"type": "text", "text": "You are brief."}]},
    {"role": "user", "content": "Say hello."},
    {"role": "assistant", "content": [{"type": "text", "text": "Hello."}]},
    {"role": "user", "content": "Once more."},
]


def _ask(**body: Any) -> Drafter:
    return lambda context: chat(context, {"max_tokens": 64, **body})


def _tool(**function: Any) -> list[dict[str, Any]]:
    return [{"type": "function", "function": {"name": TOOL, **function}}]


def _history(**content: Any) -> list[dict[str, Any]]:
    """A call and its result; what stands as the content beside the call."""
    call = {name: value for name, value in OWN_CALL.items() if name != "content"}
    return [*QUESTION, {**call, **content}, _RESULT]


def _from_page(**more: Any) -> Drafter:
    return lambda context: chat(context, plain_body(**more), headers=(("origin", ORIGIN),))


_TOOLS = "chat.tools"
TABLE = (
    Probe(
        "chat.nulls.options",
        lambda c: chat(c, {**plain_body(), **dict.fromkeys(NULL_OPTIONS)}),
        capability="chat",
    ),
    Probe("chat.content-parts.roles", _ask(messages=_PARTED), capability="chat"),
    Probe("chat.tools.auto", _ask(messages=QUESTION, tools=TOOLS, tool_choice="auto"), capability=_TOOLS),
    Probe("chat.tools.bare", _ask(messages=QUESTION, tools=_tool()), capability=_TOOLS),
    Probe(
        "chat.tools.keywords", _ask(messages=QUESTION, tools=_tool(parameters=KEYWORDS)), capability=_TOOLS
    ),
    Probe("chat.tools.history.without", _ask(messages=_history(), tools=TOOLS), capability=_TOOLS),
    Probe("chat.tools.history.empty", _ask(messages=_history(content=""), tools=TOOLS), capability=_TOOLS),
    Probe("errors.empty-messages.stream", _ask(messages=[], stream=True), capability="errors"),
    Probe("cors.chat", _from_page(), capability="cors.allow"),
    Probe("cors.stream", _from_page(stream=True), capability="cors.allow"),
)
