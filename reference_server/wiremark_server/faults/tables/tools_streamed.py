"""Tool calls of streams."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from wiremark_server.faults.change import (
    CHAT,
    ask_with,
    both,
    dropped,
    first,
    has,
    kind,
    lacks,
    of,
    put,
    rearranged,
    values,
)
from wiremark_server.faults.edit import Events, FrameStep, On
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame

_fault = named("chat.tools")
_MARKUP = '<tool_call>\n{"name": "get_weather", "arguments": {}}\n</tool_call>'
_STREAMED = both(has("tools", "stream"), lacks("parallel_tool_calls"))
_PARALLEL = has("parallel_tool_calls")


def _pieces(change: Callable[[Any, bool], Any], where: Any = _STREAMED) -> Events:
    """Change every piece of a call; the flag says whether it is the first one of its call."""

    def apply(document: Any) -> Any:
        for choice in document["choices"]:
            for piece in choice["delta"].get("tool_calls") or ():
                change(piece, "name" in piece.get("function", {}))
        return document

    return values(of("call", "arguments"), apply, where=where)


def _set(piece: Any, opening: bool, *, only: bool | None, pointer: str, value: Any) -> None:
    if only is None or only == opening:
        put(pointer, value)(piece)


def _first_pieces(pointer: str, value: Any, where: Any = has("tools")) -> Events:  # noqa: B008 - a value
    return _pieces(
        lambda piece, opening: _set(piece, opening, only=True, pointer=pointer, value=value), where
    )


def _later_pieces(pointer: str, value: Any, where: Any = has("tools")) -> Events:  # noqa: B008 - a value
    return _pieces(
        lambda piece, opening: _set(piece, opening, only=False, pointer=pointer, value=value), where
    )


def _all_pieces(pointer: str, value: Any, where: Any = has("tools")) -> Events:  # noqa: B008 - a value
    return _pieces(
        lambda piece, opening: _set(piece, opening, only=None, pointer=pointer, value=value), where
    )


def _identity_repeated(*names: str) -> Events:
    """Later pieces carry what the first one of their call said."""

    def start() -> FrameStep:
        known: dict[int, Any] = {}

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            if kind(frame) in ("call", "arguments"):
                for piece in frame.value["choices"][0]["delta"]["tool_calls"]:
                    opening = known.setdefault(piece["index"], piece)
                    for name in names:
                        if name == "name":
                            piece["function"]["name"] = opening["function"]["name"]
                        else:
                            piece[name] = opening[name]
            return (frame,)

        return step

    return Events(start, On(CHAT, "stream", has("tools")))


def _numbered_pieces() -> Events:
    """Every piece has an index of its own, as if it were a call."""

    def start() -> FrameStep:
        numbers = itertools.count()

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            if kind(frame) in ("call", "arguments"):
                for piece in frame.value["choices"][0]["delta"]["tool_calls"]:
                    piece["index"] = next(numbers)
            return (frame,)

        return step

    return Events(start, On(CHAT, "stream", _STREAMED))


def _one_id() -> Events:
    return _first_pieces("/id", "call_same", _PARALLEL)


def _descending(held: list[Frame]) -> Iterable[Frame]:
    """The calls appear with the last one first."""
    pieces = [f for f in held if kind(f) in ("call", "arguments")]
    last = max((f.value["choices"][0]["delta"]["tool_calls"][0]["index"] for f in pieces), default=0)
    for frame in pieces:
        for piece in frame.value["choices"][0]["delta"]["tool_calls"]:
            piece["index"] = last - piece["index"]
    return held


def _without_last(held: list[Frame], name: str) -> Iterable[Frame]:
    last = max((i for i, frame in enumerate(held) if kind(frame) == name), default=len(held))
    return [*held[:last], *held[last + 1 :]]


def _all_again(held: list[Frame]) -> Iterable[Frame]:
    """As some servers do at the end of a call: the whole arguments once more."""
    out: list[Frame] = []
    said = ""
    for frame in held:
        if kind(frame) in ("call", "arguments"):
            said += frame.value["choices"][0]["delta"]["tool_calls"][0]["function"].get("arguments", "")
        if kind(frame) == "finish":
            piece = {"index": 0, "function": {"arguments": said}}
            choice = {**frame.value["choices"][0], "delta": {"tool_calls": [piece]}, "finish_reason": None}
            out.append(frame.with_value({**frame.value, "choices": [choice]}))
        out.append(frame)
    return out


TABLE: tuple[Fault, ...] = (
    _fault(
        "stream.choice-ignored",
        "semantics",
        "`tool_choice: required` is taken for `none` in streams.",
        ask_with(_STREAMED, tool_choice="none"),
        catches=("chat.tools.stream.called",),
        bug="tool-choice-ignored",
    ),
    _fault(
        "stream.lost",
        "stream",
        "The calls of a stream are lost.",
        dropped(of("call", "arguments"), where=_STREAMED),
        catches=("chat.tools.stream.called",),
        bug="stream-tool-calls-lost-or-differ",
    ),
    _fault(
        "stream.index-missing",
        "shape",
        "The pieces of a call have no index.",
        _pieces(lambda piece, _: piece.pop("index"), has("tools")),
        catches=("chat.tools.stream.index",),
        bug="stream-tool-index-missing",
    ),
    _fault(
        "stream.index-null",
        "shape",
        "The index of a call is null.",
        _all_pieces("/index", None),
        catches=("chat.tools.stream.index",),
        bug="stream-tool-index-missing",
    ),
    _fault(
        "stream.index-one",
        "semantics",
        "The indexes of calls count from 1.",
        _all_pieces("/index", lambda n: n + 1),
        catches=("chat.tools.stream.index-order", "chat.tools.parallel.indexes"),
        bug="stream-tool-index-wrong",
    ),
    _fault(
        "stream.index-per-piece",
        "semantics",
        "Every piece of a call has an index of its own.",
        _numbered_pieces(),
        catches=("chat.tools.stream.id", "chat.tools.stream.name", "chat.tools.stream.arguments-json"),
        allows=("chat.tools.stream.type",),
        bug="stream-tool-index-wrong",
    ),
    _fault(
        "stream.index-shared",
        "semantics",
        "Parallel calls share the index 0.",
        _all_pieces("/index", 0),
        catches=("chat.tools.stream.index-shared", "chat.tools.parallel.indexes"),
        allows=("chat.tools.parallel.arguments-json",),
        bug="stream-tool-index-wrong",
    ),
    _fault(
        "stream.index-descending",
        "semantics",
        "Parallel calls appear with the last one first.",
        rearranged(_descending, where=_PARALLEL),
        catches=("chat.tools.parallel.indexes",),
        bug="stream-tool-index-wrong",
    ),
    _fault(
        "stream.id-missing",
        "shape",
        "A streamed call has no id.",
        _pieces(lambda piece, _: piece.pop("id", None), has("tools")),
        catches=("chat.tools.stream.id",),
    ),
    _fault(
        "stream.id-empty",
        "shape",
        "The id of a streamed call is empty.",
        _first_pieces("/id", ""),
        catches=("chat.tools.stream.id",),
    ),
    _fault(
        "stream.type-missing",
        "shape",
        "A streamed call has no type.",
        _pieces(lambda piece, _: piece.pop("type", None), has("tools")),
        catches=("chat.tools.stream.type",),
    ),
    _fault(
        "stream.type-other",
        "shape",
        "The type of a streamed call is `tool`.",
        _first_pieces("/type", "tool"),
        catches=("chat.tools.stream.type",),
    ),
    _fault(
        "stream.name-missing",
        "shape",
        "A streamed call names no function.",
        _pieces(lambda piece, _: piece["function"].pop("name", None), has("tools")),
        catches=("chat.tools.stream.name",),
    ),
    _fault(
        "stream.name-unknown",
        "semantics",
        "A streamed call names a function that was not offered.",
        _first_pieces("/function/name", "get_time"),
        catches=("chat.tools.stream.name",),
    ),
    _fault(
        "stream.id-repeated",
        "stream",
        "Every piece of a call carries its id.",
        _identity_repeated("id"),
        catches=("chat.tools.stream.identity-once",),
        bug="stream-tool-identity-repeated",
    ),
    _fault(
        "stream.name-repeated",
        "stream",
        "Every piece of a call carries its name.",
        _identity_repeated("name"),
        catches=("chat.tools.stream.identity-once",),
        bug="stream-tool-identity-repeated",
    ),
    _fault(
        "stream.type-null",
        "shape",
        "Later pieces of a call have `type: null`.",
        _later_pieces("/type", None),
        catches=("chat.tools.stream.null-type",),
    ),
    _fault(
        "stream.fragments-object",
        "shape",
        "Streamed arguments are an object.",
        _later_pieces("/function/arguments", {"city": "Paris"}),
        catches=("chat.tools.stream.fragments",),
    ),
    _fault(
        "stream.arguments-lost",
        "stream",
        "The last piece of the arguments is lost.",
        rearranged(lambda held: _without_last(held, "arguments"), where=_STREAMED),
        catches=("chat.tools.stream.arguments-json",),
        bug="stream-tool-calls-lost-or-differ",
    ),
    _fault(
        "stream.arguments-twice",
        "stream",
        "The arguments come in pieces, then as a whole.",
        rearranged(lambda held: _all_again(held), where=_STREAMED),
        catches=("chat.tools.stream.arguments-json",),
        bug="stream-tool-calls-lost-or-differ",
    ),
    _fault(
        "stream.finish-stop",
        "semantics",
        "A stream that calls a tool ends with `stop`.",
        values(of("finish"), put("/choices/*/finish_reason", "stop"), where=_STREAMED),
        catches=("chat.tools.stream.finish-reason",),
        bug="finish-reason-stop-with-tool-calls",
    ),
    _fault(
        "stream.markup",
        "semantics",
        "A streamed call stands in the content too.",
        values(first("role"), put("/choices/*/delta/content", _MARKUP), where=has("tools")),
        catches=("chat.tools.stream.no-markup",),
    ),
    _fault(
        "parallel.ids-same",
        "semantics",
        "Parallel calls have the same id.",
        _one_id(),
        catches=("chat.tools.parallel.ids-unique",),
    ),
    _fault(
        "parallel.arguments-lost",
        "stream",
        "The last piece of the arguments of a parallel call is lost.",
        rearranged(lambda held: _without_last(held, "arguments"), where=_PARALLEL),
        catches=("chat.tools.parallel.arguments-json",),
        bug="stream-tool-calls-lost-or-differ",
    ),
    _fault(
        "parallel.calls-object",
        "shape",
        "The calls of a delta are an object, not an array.",
        values(
            of("call", "arguments"),
            put("/choices/*/delta/tool_calls", lambda calls: calls[0]),
            where=has("tools"),
        ),
        catches=("chat.tools.stream.called",),
        bug="stream-tool-calls-not-array",
    ),
)
