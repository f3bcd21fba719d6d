"""Probes of tool calls. The choice is forced wherever the question is not the choice itself."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.evidence import Evidence, View
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, chat, model_where

TOOL = "get_weather"
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Name of the city"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = [
    {
        "type": "function",
        "function": {"name": TOOL, "description": "The weather in a city", "parameters": PARAMETERS},
    }
]
QUESTION: list[dict[str, Any]] = [{"role": "user", "content": "What is the weather in Paris?"}]
TWICE = [
    {"role": "user", "content": "TWICE: what is the weather in Paris, and what is it in Oslo? Call both."}
]
_NAMED = {"type": "function", "function": {"name": TOOL}}
_BUDGET = 256  # tokens: room for a call by a model that thinks first

# Stands in for the endpoint's own call where it made none, so that the round trip can be judged alone.
OWN_CALL: dict[str, Any] = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call_wiremark1",
            "type": "function",
            "function": {"name": TOOL, "arguments": '{"city": "Paris"}'},
        }
    ],
}


def _called(view: View | None) -> dict[str, Any]:
    """The endpoint's message that calls a tool, or ours."""
    if view is None or not view.succeeded:
        return OWN_CALL
    try:
        usable = all(isinstance(call.get("id"), str) for call in view.tool_calls)
    except NotTestable:
        return OWN_CALL
    return dict(view.message) if usable else OWN_CALL


def _round_trip(context: ProbeContext) -> Draft:
    message = _called(Evidence(context.target, context.exchanges).view("chat.tools.forced"))
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": '{"sky": "clear", "celsius": 21}'}
        for call in message["tool_calls"]
    ]
    body = {"messages": [*QUESTION, message, *results], "tools": TOOLS, "max_tokens": 64}
    return chat(context, body)


def _on_text_model(context: ProbeContext) -> Draft:
    model = model_where(context, "without tools", lambda model: "tools" not in model.capabilities)
    return chat(context, {"model": model, "messages": QUESTION, "tools": TOOLS, "max_tokens": 16})


def _ask(**more: Any) -> Any:
    return lambda context: chat(
        context, {"messages": QUESTION, "tools": TOOLS, "max_tokens": _BUDGET, **more}
    )


TABLE = (
    Probe("chat.tools.forced", _ask(tool_choice=_NAMED), capability="chat.tools.forced"),
    Probe(
        "chat.tools.stream",
        _ask(tool_choice="required", stream=True, stream_options={"include_usage": True}),
        capability="chat.tools.forced",
    ),
    Probe("chat.tools.none", _ask(tool_choice="none"), capability="chat.tools"),
    Probe("chat.tools.round-trip", _round_trip, needs=("chat.tools.forced",), capability="chat.tools"),
    Probe(
        "chat.tools.parallel",
        _ask(messages=TWICE, tool_choice="required", parallel_tool_calls=True, stream=True),
        capability="chat.tools.parallel",
    ),
    Probe("chat.tools.text-only", _on_text_model, needs=("models.list",), capability="chat.tools"),
)
