"""Probes of tool calls in the Responses format. The choice is forced wherever it is not the question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.clients import KEYWORDS
from wiremark_conformance.probes.responses import create
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext
from wiremark_conformance.probes.tools import PARAMETERS, QUESTION, TOOL
from wiremark_conformance.responses import items

OTHER_TOOL = "get_time"
CUSTOM = "write_note"
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "name": TOOL,
        "description": "The weather in a city",
        "parameters": PARAMETERS,
        "strict": True,
    }
]
BOTH: list[dict[str, Any]] = [
    *TOOLS,
    {
        "type": "function",
        "name": OTHER_TOOL,
        "description": "The time of day in a city",
        "parameters": PARAMETERS,
        "strict": True,
    },
]
CUSTOM_TOOLS: list[dict[str, Any]] = [
    {"type": "custom", "name": CUSTOM, "description": "Writes a note, given as plain text"}
]
_TWICE = "TWICE: what is the weather in Paris, and what is it in Oslo? Call both."
_GENERATED = {"type": "function", "name": TOOL, "parameters": KEYWORDS, "strict": False}
_NAMED = {"type": "function", "name": TOOL}
_ALLOWED = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": OTHER_TOOL}]}
_BUDGET = 256  # tokens
# Stands in for the endpoint's own call where it made none, so that the round trip can be judged alone.
_OWN_CALL = {
    "type": "function_call",
    "call_id": "call_wiremark1",
    "name": TOOL,
    "arguments": '{"city": "Paris"}',
}
RESULT = '{"sky": "clear", "celsius": 21}'


def outputs(called: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A result for each call among items."""
    return [
        {"type": f"{item['type']}_output", "call_id": item["call_id"], "output": RESULT}
        for item in called
        if item.get("type") in ("function_call", "custom_tool_call") and isinstance(item.get("call_id"), str)
    ]


def _round_trip(context: ProbeContext) -> Draft:
    view = Evidence(context.target, context.exchanges).view("responses.tools.forced")
    try:
        called = list(items(view)) if view is not None and view.succeeded else []
    except NotTestable:
        called = []
    if not outputs(called):
        called = [_OWN_CALL]
    return create(context, {"input": [*QUESTION, *called, *outputs(called)], "tools": TOOLS})


def _custom_round_trip(context: ProbeContext) -> Draft:
    view = Evidence(context.target, context.exchanges).view("responses.tools.custom")
    called = list(items(view, "custom_tool_call")) if view is not None and view.succeeded else []
    if not outputs(called):
        raise NotTestable("there is no call of a custom tool to answer")
    return create(context, {"input": [*QUESTION, *called, *outputs(called)], "tools": CUSTOM_TOOLS})


def _ask(**more: Any) -> Drafter:
    body = {"input": QUESTION, "tools": TOOLS, "max_output_tokens": _BUDGET, **more}
    return lambda context: create(context, body)


_FORCED = "responses.tools.forced"
TABLE = (
    Probe(_FORCED, _ask(tool_choice=_NAMED), capability=_FORCED),
    Probe("responses.tools.stream", _ask(tool_choice="required", stream=True), capability=_FORCED),
    Probe("responses.tools.allowed", _ask(tools=BOTH, tool_choice=_ALLOWED), capability=_FORCED),
    Probe("responses.tools.none", _ask(tool_choice="none"), capability="responses.tools"),
    Probe("responses.tools.auto", _ask(tool_choice="auto"), capability="responses.tools"),
    Probe("responses.tools.keywords", _ask(tools=[_GENERATED]), capability="responses.tools"),
    Probe("responses.tools.round-trip", _round_trip, needs=(_FORCED,), capability="responses.tools"),
    Probe(
        "responses.tools.parallel",
        _ask(input=_TWICE, tool_choice="required", parallel_tool_calls=True, stream=True),
        capability="responses.tools.parallel",
    ),
    Probe(
        "responses.tools.custom",
        _ask(tools=CUSTOM_TOOLS, tool_choice="required"),
        capability="responses.custom-tools",
    ),
    Probe(
        "responses.tools.custom.stream",
        _ask(tools=CUSTOM_TOOLS, tool_choice="required", stream=True),
        capability="responses.custom-tools",
    ),
    Probe(
        "responses.tools.custom.round-trip",
        _custom_round_trip,
        needs=("responses.tools.custom",),
        capability="responses.custom-tools",
    ),
)
