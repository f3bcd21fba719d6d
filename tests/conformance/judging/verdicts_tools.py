"""Calls of tools in chat: what exactly is a finding, what is none, and what cannot be told."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.probes.custom_tools import NOTE

from tests.conformance.judging.good_openai import chunk
from tests.conformance.judging.spoiling import (
    Change,
    answered_as,
    choice,
    declined,
    ending,
    message,
    stream,
    together,
    usage,
)


def _call(*fragments: dict[str, Any], reason: str = "tool_calls") -> Change:
    """A streamed call in these fragments."""
    return stream(
        "chat.tools.stream",
        chunk({"role": "assistant", "content": None}),
        *(chunk({"tool_calls": [one]}) for one in fragments),
        chunk({}, reason),
        "[DONE]",
    )


def _whole(*calls: dict[str, Any], reason: str = "tool_calls") -> Change:
    return together(
        message("chat.tools.forced", tool_calls=list(calls)),
        choice("chat.tools.forced", finish_reason=reason),
    )


def _function(name: str = "get_weather", arguments: str = '{"city": "Paris"}') -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


_CALL = {"id": "call_1", "type": "function", "function": _function()}


_OPENING = {"index": 0, "id": "call_1", "type": "function", "function": _function(arguments="{}")}


_MORE = {"index": 0, "function": {"arguments": ""}}


def _functions(**said: Any) -> Change:
    """An answer to the older `functions`."""
    return together(
        answered_as("chat.tools.functions", "chat.plain"), message("chat.tools.functions", **said)
    )


def _bare(arguments: str) -> Change:
    """The call of a function without parameters."""
    told = {**_OPENING, "function": _function(arguments=arguments)}
    return stream("chat.tools.no-arguments", chunk({"tool_calls": [told]}), chunk({}, "tool_calls"), "[DONE]")


def _note(opening: dict[str, Any], later: dict[str, Any]) -> Change:
    """A streamed call of the custom tool, with these members otherwise."""
    first = {"index": 0, "id": "call_1", "type": "custom", "custom": {"name": NOTE, "input": ""}, **opening}
    more = {"index": 0, "custom": {"input": "x"}, **later}
    return stream(
        "chat.tools.custom.stream",
        *(chunk({"tool_calls": [one]}) for one in (first, more)),
        chunk({}, "tool_calls"),
        "[DONE]",
    )


_MOST = 8192  # tokens of an answer of the model under test


def _capped(tokens: int) -> Change:
    return together(
        answered_as("context.max-tokens", "chat.plain"),
        usage("context.max-tokens", completion_tokens=tokens, total_tokens=tokens + 20),
    )


TABLE: list[tuple[str, Change, str]] = [
    # chat-tools
    ("chat.tools.forced.called", _whole(reason="length"), "untestable"),
    ("chat.tools.forced.called", together(_whole(reason="stop")), "finding"),
    (
        "chat.tools.forced.called",
        together(
            message("chat.tools.forced", tool_calls="x"), choice("chat.tools.forced", finish_reason="stop")
        ),
        "finding",
    ),
    ("chat.tools.forced.called", _whole({**_CALL, "function": None}), "finding"),
    (
        "chat.tools.call.arguments-json",
        _whole({**_CALL, "function": _function(arguments='{"ci')}, reason="length"),
        "untestable",
    ),
    ("chat.tools.call.ids-unique", _whole(_CALL, {**_CALL, "id": "call_2"}), "pass"),
    ("chat.tools.call.ids-unique", _whole(_CALL, _CALL), "finding"),
    (
        "chat.tools.round-trip.answer",
        together(
            message("chat.tools.round-trip", content=""),
            choice("chat.tools.round-trip", finish_reason="length"),
        ),
        "untestable",
    ),
    (
        "chat.tools.round-trip.answer",
        message("chat.tools.round-trip", content="", tool_calls=[_CALL]),
        "pass",
    ),
    ("chat.tools.round-trip.answer", message("chat.tools.round-trip", content="", refusal="No."), "pass"),
    ("chat.tools.round-trip.answer", message("chat.tools.round-trip", content=""), "finding"),
    ("chat.tools.stream.called", _call(reason="length"), "untestable"),
    ("chat.tools.stream.called", _call(reason="stop"), "finding"),
    ("chat.tools.stream.finish-reason", ending("chat.tools.stream", "length"), "untestable"),
    ("chat.tools.stream.finish-reason", ending("chat.tools.stream", "stop"), "finding"),
    ("chat.tools.stream.arguments-json", _call(_OPENING, {**_MORE, "function": "x"}), "pass"),
    ("chat.tools.stream.identity-once", _call(_OPENING, {**_MORE, "id": "call_1"}), "finding"),
    ("chat.tools.stream.identity-once", _call(_OPENING, {**_MORE, "id": "call_2"}), "pass"),
    ("chat.tools.stream.identity-once", _call(_OPENING, {**_MORE, "function": _function()}), "finding"),
    (
        "chat.tools.stream.identity-once",
        _call(
            _OPENING,
            {**_MORE, "id": "call_2"},
            {**_OPENING, "index": 1, "id": "call_3"},
            {**_MORE, "index": 1, "id": "call_3"},
        ),
        "finding",
    ),
    ("chat.tools.functions", declined("chat.tools.functions"), "pass"),
    ("chat.tools.functions", declined("chat.tools.functions", 500), "finding"),
    ("chat.tools.functions", _functions(function_call=_function()), "pass"),
    ("chat.tools.functions", _functions(tool_calls=[_CALL]), "pass"),
    ("chat.tools.functions", _functions(function_call=_function("other")), "finding"),
    ("chat.tools.functions", _functions(function_call="get_weather"), "finding"),
    ("chat.tools.functions", _functions(), "finding"),
    ("chat.tools.no-arguments", _bare("{}"), "pass"),
    ("chat.tools.no-arguments", _bare("[]"), "finding"),
    ("chat.tools.no-arguments", _bare(""), "finding"),
    ("chat.tools.custom.stream", _note({}, {}), "pass"),
    ("chat.tools.custom.stream", _note({"type": "function"}, {}), "finding"),
    ("chat.tools.custom.stream", _note({"id": ""}, {}), "finding"),
    ("chat.tools.custom.stream", _note({"custom": {"name": "other", "input": ""}}, {}), "finding"),
    ("chat.tools.custom.stream", _note({}, {"type": "custom"}), "finding"),
    ("chat.tools.custom.stream", _note({}, {"id": "call_1"}), "finding"),
    ("context.max-tokens.bounded", _capped(_MOST), "pass"),
    ("chat.tools.custom.stream", _note({}, {}), "pass"),
    ("chat.tools.custom.stream", _note({"type": "function"}, {}), "finding"),
    ("chat.tools.custom.stream", _note({"id": ""}, {}), "finding"),
    ("chat.tools.custom.stream", _note({"custom": {"name": "other", "input": ""}}, {}), "finding"),
    ("chat.tools.custom.stream", _note({}, {"type": "custom"}), "finding"),
    ("chat.tools.custom.stream", _note({}, {"id": "call_1"}), "finding"),
    ("context.max-tokens.bounded", _capped(_MOST + 1), "finding"),
]
