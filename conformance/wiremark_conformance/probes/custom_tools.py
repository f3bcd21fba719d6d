"""Probes of custom tools in chat: they take a text, free or held to a grammar, in place of a JSON object."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, chat

NOTE = "take_note"
CODE = "set_code"
CODE_PATTERN = "[A-F]{3}-[0-9]{4}"
_NOTE_TOOL = {"type": "custom", "custom": {"name": NOTE, "description": "Write down a note"}}
_GRAMMAR = {"type": "grammar", "grammar": {"syntax": "regex", "definition": CODE_PATTERN}}
_CODE_TOOL = {
    "type": "custom",
    "custom": {"name": CODE, "description": "Set a door's code, such as ABC-1234", "format": _GRAMMAR},
}
_RAIN = [{"role": "user", "content": "Note that it rains."}]
_DOOR = [{"role": "user", "content": "Set the code of the door to one of your choice."}]
_BUDGET = 256  # tokens: room for a call by a model that thinks first


def custom_calls(message: Any) -> list[dict[str, Any]]:
    """The calls of custom tools in a message, those that can be answered."""
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    return [
        call
        for call in (calls if isinstance(calls, list) else ())
        if isinstance(call, dict) and isinstance(call.get("custom"), dict) and isinstance(call.get("id"), str)
    ]


def _forced(name: str, **body: Any) -> Any:
    choice = {"type": "custom", "custom": {"name": name}}
    return lambda context: chat(context, {"max_tokens": _BUDGET, "tool_choice": choice, **body})


def _round_trip(context: ProbeContext) -> Draft:
    view = Evidence(context.target, context.exchanges).view("chat.tools.custom")
    message = dict(view.message) if view is not None and view.succeeded else {}
    called = custom_calls(message)
    if not called:
        raise NotTestable("there is no call of a custom tool to answer")
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "Noted."} for call in called]
    body = {"messages": [*_RAIN, message, *results], "tools": [_NOTE_TOOL], "max_tokens": 64}
    return chat(context, body)


_CUSTOM = "chat.custom-tools"
TABLE = (
    Probe("chat.tools.custom", _forced(NOTE, messages=_RAIN, tools=[_NOTE_TOOL]), capability="chat.tools"),
    Probe(
        "chat.tools.custom.stream",
        _forced(NOTE, messages=_RAIN, tools=[_NOTE_TOOL], stream=True),
        capability=_CUSTOM,
    ),
    Probe(
        "chat.tools.custom.grammar",
        _forced(CODE, messages=_DOOR, tools=[_CODE_TOOL]),
        capability=_CUSTOM,
    ),
    Probe("chat.tools.custom.round-trip", _round_trip, needs=("chat.tools.custom",), capability=_CUSTOM),
)
