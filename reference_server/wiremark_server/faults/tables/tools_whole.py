"""Tool calls of whole answers."""

from __future__ import annotations

from typing import Any

from wiremark_server.faults.change import (
    ask_with,
    ask_without,
    body,
    both,
    equals,
    has,
    lacks,
    put,
    role,
)
from wiremark_server.faults.edit import Ask, Body
from wiremark_server.faults.fault import Fault, named

_fault = named("chat.tools")
_CALLS = "/choices/*/message/tool_calls"
_MARKUP = '<tool_call>\n{"name": "get_weather", "arguments": {}}\n</tool_call>'


def _named(ask: Ask) -> bool:
    """A function that is offered is named by `tool_choice`."""
    choice = ask.document.get("tool_choice")
    offered = [tool["function"]["name"] for tool in ask.document.get("tools") or () if "function" in tool]
    return isinstance(choice, dict) and choice.get("function", {}).get("name") in offered


_FORCED = both(_named, lacks("stream"))
_LOOP = role("tool")


def _whole(pointer: str, value: Any) -> Body:
    return body(put(f"{_CALLS}/*{pointer}", value), where=_FORCED)


def _twice(document: Any) -> Any:
    """The one call of the answer comes twice, under one id."""
    calls = document["choices"][0]["message"]["tool_calls"]
    calls.append(calls[0])
    return document


def _as_text(document: Any) -> Any:
    message = document["choices"][0]["message"]
    message["tool_calls"] = None
    message["content"] = _MARKUP
    document["choices"][0]["finish_reason"] = "stop"
    return document


TABLE: tuple[Fault, ...] = (
    _fault(
        "choice-ignored",
        "semantics",
        "A named `tool_choice` is taken for `none`.",
        ask_with(_FORCED, tool_choice="none"),
        catches=("chat.tools.forced.called",),
        bug="tool-choice-ignored",
    ),
    _fault(
        "other-function",
        "semantics",
        "Another function is called than the one named.",
        _whole("/function/name", "get_time"),
        catches=("chat.tools.forced.called",),
    ),
    _fault(
        "finish-stop",
        "semantics",
        "An answer that calls a tool ends with `stop`.",
        body(put("/choices/*/finish_reason", "stop"), where=_FORCED),
        catches=("chat.tools.forced.finish-reason",),
        bug="finish-reason-stop-with-tool-calls",
    ),
    _fault(
        "id-empty",
        "shape",
        "The id of a call is empty.",
        _whole("/id", ""),
        catches=("chat.tools.call.id",),
        allows=("chat.tools.round-trip.accepted",),
    ),
    _fault(
        "type-other",
        "shape",
        "The type of a call is `tool`.",
        _whole("/type", "tool"),
        catches=("chat.tools.call.type",),
        allows=("chat.tools.round-trip.accepted",),
    ),
    _fault(
        "arguments-object",
        "shape",
        "The arguments of a call are an object.",
        _whole("/function/arguments", {"city": "Paris"}),
        catches=("chat.tools.call.arguments-string",),
        allows=("chat.tools.round-trip.accepted",),
    ),
    _fault(
        "arguments-empty",
        "semantics",
        "A call has empty arguments.",
        _whole("/function/arguments", ""),
        catches=("chat.tools.call.arguments-json",),
        bug="tool-arguments-empty-string",
    ),
    _fault(
        "arguments-cut",
        "semantics",
        "The arguments of a call are cut off.",
        _whole("/function/arguments", '{"city": "Par'),
        catches=("chat.tools.call.arguments-json",),
    ),
    _fault(
        "arguments-encoded-twice",
        "semantics",
        "The arguments of a call are encoded twice.",
        _whole("/function/arguments", '"{\\"city\\": \\"Paris\\"}"'),
        catches=("chat.tools.call.arguments-json",),
    ),
    _fault(
        "arguments-invented",
        "semantics",
        "The arguments of a call are not those that the function has.",
        _whole("/function/arguments", '{"place": "Paris"}'),
        catches=("chat.tools.call.arguments-schema",),
    ),
    _fault(
        "ids-same",
        "semantics",
        "Two calls of one answer have the same id.",
        body(_twice, where=_FORCED),
        catches=("chat.tools.call.ids-unique",),
        allows=("chat.tools.round-trip.accepted",),
    ),
    _fault(
        "markup-beside",
        "semantics",
        "A call stands in the content too.",
        body(put("/choices/*/message/content", _MARKUP), where=_FORCED),
        catches=("chat.tools.no-markup",),
    ),
    _fault(
        "markup-instead",
        "semantics",
        "A call stands in the content only.",
        body(_as_text, where=_FORCED),
        catches=("chat.tools.forced.called", "chat.tools.no-markup"),
        allows=("chat.schema",),
    ),
    _fault(
        "none-called",
        "semantics",
        "`tool_choice: none` is taken for `required`.",
        ask_with(equals("tool_choice", "none"), tool_choice="required"),
        catches=("chat.tools.none.no-call",),
        bug="tool-choice-ignored",
    ),
    _fault(
        "result-unanswered",
        "semantics",
        "After the result of a tool comes an empty message.",
        body(put("/choices/*/message/content", ""), where=_LOOP),
        catches=("chat.tools.round-trip.answer",),
    ),
    _fault(
        "text-only-dropped",
        "semantics",
        "Tools for a model without tools are dropped without a word.",
        ask_without("tools", where=both(has("tools"), equals("max_tokens", 16))),
        catches=("chat.tools.text-only-refused", "contract.errors.tools-not-supported"),
    ),
)
