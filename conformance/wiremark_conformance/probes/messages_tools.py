"""Probes of tool calls in the Messages format."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.evidence import Evidence
from wiremark_conformance.messages import answer
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.clients import KEYWORDS
from wiremark_conformance.probes.messages import messages, own_message
from wiremark_conformance.probes.table import Draft, Drafter, Probe, ProbeContext, model_where
from wiremark_conformance.probes.tools import PARAMETERS, QUESTION, TOOL

TOOLS: list[dict[str, Any]] = [
    {"name": TOOL, "description": "The weather in a city", "input_schema": PARAMETERS}
]
CUT = 4  # tokens: fewer than a call needs
_NAMED = {"type": "tool", "name": TOOL}
ANY = {"type": "any"}
_TWICE = [
    {"role": "user", "content": "TWICE: what is the weather in Paris, and what is it in Oslo? Call both."}
]
_GENERATED = {"name": TOOL, "input_schema": KEYWORDS, "cache_control": {"type": "ephemeral"}}
_SERVER_TOOL = {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}

# Stands in for the endpoint's own call where it made none, so that the round trip can be judged alone.
_OWN_ID = "toolu_wiremark1"
_OWN_CALL = {"type": "tool_use", "id": _OWN_ID, "name": TOOL, "input": {"city": "Paris"}}


def _ask(**more: Any) -> Drafter:
    return lambda context: messages(
        context, {"messages": QUESTION, "tools": TOOLS, "max_tokens": 256, **more}
    )


def _called(context: ProbeContext) -> tuple[dict[str, Any], list[str]]:
    """The endpoint's message that calls a tool, or ours; and the ids that want a result."""
    view = Evidence(context.target, context.exchanges).view("messages.tools.forced")
    try:
        if view is not None and view.succeeded:
            ids = [call.value.get("id") for call in answer(view).calls]
            if all(isinstance(call_id, str) for call_id in ids):
                return own_message(context, "messages.tools.forced"), [str(call_id) for call_id in ids]
    except NotTestable:
        pass
    return {"role": "assistant", "content": [_OWN_CALL]}, [_OWN_ID]


def _with_results(**result: Any) -> Drafter:
    """The round trip, its results as given."""

    def draft(context: ProbeContext) -> Draft:
        message, ids = _called(context)
        results = [{"type": "tool_result", "tool_use_id": call_id, **result} for call_id in ids]
        history = [*QUESTION, message, {"role": "user", "content": results}]
        return messages(context, {"messages": history, "tools": TOOLS, "max_tokens": 64})

    return draft


def _without_result(context: ProbeContext) -> Draft:
    history = [
        *QUESTION,
        {"role": "assistant", "content": [_OWN_CALL]},
        {"role": "user", "content": "And now?"},
    ]
    return messages(context, {"messages": history, "tools": TOOLS, "max_tokens": 16})


def _on_text_model(context: ProbeContext) -> Draft:
    model = model_where(context, "without tools", lambda model: "tools" not in model.capabilities)
    return messages(context, {"model": model, "messages": QUESTION, "tools": TOOLS, "max_tokens": 16})


_FORCED, _TOOLS = "messages.tools.forced", "messages.tools"
_STREAM = {"stream": True}

TABLE = (
    Probe("messages.tools.forced", _ask(tool_choice=_NAMED), capability=_FORCED),
    Probe("messages.tools.stream", _ask(tool_choice=ANY, **_STREAM), capability=_FORCED),
    Probe("messages.tools.cut", _ask(tool_choice=_NAMED, max_tokens=CUT, **_STREAM), capability=_FORCED),
    Probe("messages.tools.none", _ask(tool_choice={"type": "none"}), capability=_TOOLS),
    Probe("messages.tools.auto", _ask(tool_choice={"type": "auto"}), capability=_TOOLS),
    Probe("messages.tools.keywords", _ask(tools=[_GENERATED]), capability=_TOOLS),
    Probe(
        "messages.tools.round-trip",
        _with_results(content='{"sky": "clear", "celsius": 21}'),
        needs=("messages.tools.forced",),
        capability=_TOOLS,
    ),
    Probe(
        "messages.tools.result-blocks",
        _with_results(content=[{"type": "text", "text": "the service is down"}], is_error=True),
        needs=("messages.tools.forced",),
        capability=_TOOLS,
    ),
    Probe(
        "messages.tools.result-absent",
        _with_results(),
        needs=("messages.tools.forced",),
        capability=_TOOLS,
    ),
    Probe("messages.tools.no-result", _without_result, capability=_TOOLS),
    Probe("messages.tools.server-tool", _ask(tools=[_SERVER_TOOL]), capability=_TOOLS),
    Probe(
        "messages.tools.unknown-choice",
        _ask(tool_choice={"type": "tool", "name": "no_such_tool"}, max_tokens=16),
        capability=_FORCED,
    ),
    Probe("messages.tools.text-only", _on_text_model, needs=("models.list",), capability=_TOOLS),
    Probe(
        "messages.tools.parallel",
        _ask(messages=_TWICE, tool_choice=ANY, **_STREAM),
        capability="messages.tools.parallel",
    ),
    Probe(
        "messages.tools.single",
        _ask(messages=_TWICE, tool_choice={**ANY, "disable_parallel_tool_use": True}),
        capability="messages.tools.parallel",
    ),
)
