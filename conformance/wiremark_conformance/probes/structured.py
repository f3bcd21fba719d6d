"""Probes of structured output, of tools with rich schemas, and of what both share."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.probes.chat import CITY_SCHEMA
from wiremark_conformance.probes.table import Probe, chat
from wiremark_conformance.probes.tools import OWN_CALL, QUESTION, TOOL, TOOLS, TWICE

CUT_BUDGET = 3  # tokens; no document of the schema is as short
# What Structured Outputs supports, in one schema: references, unions, null, enumerations, nested arrays.
RICH_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "trip": {"$ref": "#/$defs/trip"},
        "note": {"type": ["string", "null"]},
        "rating": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "grid": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    },
    "required": ["trip", "note", "rating", "grid"],
    "additionalProperties": False,
    "$defs": {
        "trip": {
            "type": "object",
            "properties": {
                "city": {"type": "string", "enum": ["Paris", "Oslo"]},
                "means": {"anyOf": [{"const": "train"}, {"const": "ship"}]},
                "stops": {"type": "array", "items": {"$ref": "#/$defs/stop"}},
            },
            "required": ["city", "means", "stops"],
            "additionalProperties": False,
        },
        "stop": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["name", "days"],
            "additionalProperties": False,
        },
    },
}
_TRIP = [{"role": "user", "content": "Plan a trip to Paris or Oslo with one stop. Answer in JSON; be brief."}]
BOOK = "book_trip"
_BOOK_TOOL = {
    "type": "function",
    "function": {"name": BOOK, "description": "Book a trip", "parameters": RICH_SCHEMA, "strict": True},
}
PING = "ping"
_PING_TOOL = {"type": "function", "function": {"name": PING, "description": "Check that the line works"}}
_CITY_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "weather", "strict": True, "schema": CITY_SCHEMA},
}
_RICH_FORMAT = {"type": "json_schema", "json_schema": {"name": "trip", "strict": True, "schema": RICH_SCHEMA}}
_BROKEN_FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "broken", "strict": True, "schema": {"type": "wiremark"}},
}
_BUDGET = 512  # tokens


def _body(**body: Any) -> Any:
    return lambda context: chat(context, {"max_tokens": _BUDGET, **body})


def _named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def _two_calls() -> list[dict[str, Any]]:
    """History with two calls whose results come in the other order, one of them in parts."""
    first = OWN_CALL["tool_calls"][0]
    second = {**first, "id": "call_wiremark2", "function": {"name": TOOL, "arguments": '{"city": "Oslo"}'}}
    parts = [{"type": "text", "text": "It rains."}]
    return [
        *QUESTION,
        {**OWN_CALL, "tool_calls": [first, second]},
        {"role": "tool", "tool_call_id": second["id"], "content": parts},
        {"role": "tool", "tool_call_id": first["id"], "content": "The sky is clear."},
    ]


_ALLOWED = {
    "type": "allowed_tools",
    "allowed_tools": {"mode": "required", "tools": [_named(PING)]},
}

TABLE = (
    Probe(
        "chat.json-schema.rich",
        _body(messages=_TRIP, response_format=_RICH_FORMAT),
        capability="chat.json-schema",
    ),
    Probe(
        "chat.json-schema.stream",
        _body(messages=_TRIP, response_format=_CITY_FORMAT, stream=True),
        capability="chat.json-schema",
    ),
    Probe(
        "chat.json-schema.cut",
        _body(messages=_TRIP, response_format=_CITY_FORMAT, max_tokens=CUT_BUDGET),
        capability="chat.json-schema",
    ),
    Probe(
        "errors.json-schema",
        _body(messages=_TRIP, response_format=_BROKEN_FORMAT),
        capability="chat.json-schema",
    ),
    Probe(
        "chat.json.wordless",
        _body(
            messages=[{"role": "user", "content": "Is it sunny?"}], response_format={"type": "json_object"}
        ),
        capability="chat.json",
    ),
    Probe(
        "chat.tools.with-format",
        _body(messages=QUESTION, tools=TOOLS, tool_choice="required", response_format=_CITY_FORMAT),
        capability="chat.tools.forced",
    ),
    Probe(
        "chat.tools.rich",
        _body(messages=_TRIP, tools=[_BOOK_TOOL], tool_choice=_named(BOOK)),
        capability="chat.tools.forced",
    ),
    Probe(
        "chat.tools.no-arguments",
        _body(
            messages=[{"role": "user", "content": "Ping."}],
            tools=[_PING_TOOL],
            tool_choice=_named(PING),
            stream=True,
        ),
        capability="chat.tools.forced",
    ),
    Probe(
        "chat.tools.allowed",
        _body(messages=QUESTION, tools=[*TOOLS, _PING_TOOL], tool_choice=_ALLOWED),
        capability="chat.tools.forced",
    ),
    Probe(
        "chat.tools.single",
        _body(messages=TWICE, tools=TOOLS, tool_choice="required", parallel_tool_calls=False),
        capability="chat.tools.parallel",
    ),
    Probe("chat.tools.empty", _body(messages=QUESTION, tools=[]), capability="chat.tools"),
    Probe(
        "chat.tools.functions",
        _body(messages=QUESTION, functions=[TOOLS[0]["function"]], function_call={"name": TOOL}),
        capability="chat.tools",
    ),
    Probe("chat.tools.history", _body(messages=_two_calls(), tools=TOOLS), capability="chat.tools"),
    Probe(
        "errors.missing-result",
        _body(messages=[*QUESTION, OWN_CALL, {"role": "user", "content": "Well?"}], tools=TOOLS),
        capability="chat.tools",
    ),
    Probe(
        "errors.unknown-result",
        _body(
            messages=[*QUESTION, {"role": "tool", "tool_call_id": "call_none", "content": "?"}], tools=TOOLS
        ),
        capability="chat.tools",
    ),
)
