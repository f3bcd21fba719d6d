"""Tool calls: identities, pieces and texts that differ between engines."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any

from wiremark_server.faults.change import (
    CHAT,
    body,
    both,
    frames,
    has,
    kind,
    lacks,
    of,
    put,
    rearranged,
    values,
)
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.variants.writing import OPEN, OPTIONAL, named

_variant = named("tools")
_ONE = both(has("tools"), lacks("n"))
_CALLS = "/choices/*/message/tool_calls/*"
_PIECES = "/choices/*/delta/tool_calls/*"
_ANY_SIZE = "Nothing says how much of the arguments an event holds."


def _entry(frame: Frame) -> Any:
    return frame.value["choices"][0]["delta"]["tool_calls"][0]


def _with_arguments(frame: Frame, text: str) -> Frame:
    value = copy.deepcopy(frame.value)
    value["choices"][0]["delta"]["tool_calls"][0].setdefault("function", {})["arguments"] = text
    return frame.with_value(value)


def _characters(frame: Frame) -> Iterable[Frame]:
    return [_with_arguments(frame, character) for character in _entry(frame)["function"]["arguments"]]


def _in_one_piece(held: list[Frame]) -> Iterator[Frame]:
    """Each call whole in the event that names it."""
    texts: dict[int, str] = {}
    for frame in held:
        if kind(frame) in ("call", "arguments"):
            entry = _entry(frame)
            more = (entry.get("function") or {}).get("arguments") or ""
            texts[entry["index"]] = texts.get(entry["index"], "") + more
    for frame in held:
        if kind(frame) == "call":
            yield _with_arguments(frame, texts[_entry(frame)["index"]])
        elif kind(frame) != "arguments":
            yield frame


def _interleaved(held: list[Frame]) -> list[Frame]:
    """All calls are named before the first arguments come."""
    names = [frame for frame in held if kind(frame) == "call"]
    pieces = [frame for frame in held if kind(frame) == "arguments"]
    if not names:
        return held
    at = held.index(names[0])
    rest = [frame for frame in held[at:] if frame not in names and frame not in pieces]
    return [*held[:at], *names, *pieces, *rest]


def _typed(document: Any) -> Any:
    document["choices"][0]["delta"]["tool_calls"][0]["type"] = "function"
    return document


def _spaced(arguments: Any) -> Any:
    try:
        return json.dumps(json.loads(arguments), indent=2, ensure_ascii=True)
    except (TypeError, ValueError):
        return arguments


TABLE = (
    _variant(
        "characters",
        "Every character of the arguments is an event.",
        _ANY_SIZE,
        frames(of("arguments"), _characters, CHAT, _ONE),
    ),
    _variant(
        "one-piece",
        "A streamed call is whole in its first event.",
        _ANY_SIZE,
        rearranged(_in_one_piece, _ONE),
    ),
    _variant(
        "named-first",
        "Parallel calls are all named before their arguments come.",
        "Pieces belong together by their index, in any order of calls.",
        rearranged(_interleaved, _ONE),
    ),
    _variant(
        "type-repeated",
        "Every piece of a call has its type.",
        "Clients keep the first, and the published schema has it in every piece.",
        values(of("arguments"), _typed, where=_ONE),
    ),
    _variant(
        "spaced",
        "Arguments are laid out over several lines.",
        "Arguments are JSON as the model wrote it.",
        body(put(f"{_CALLS}/function/arguments", _spaced, absent_too=False)),
    ),
    _variant(
        "content-empty",
        "Beside calls the text is empty rather than null.",
        "The published schema lets it be either.",
        body(put("/choices/*/message/content", lambda t: t or ""), where=has("tools")),
    ),
    _variant(
        "text-beside",
        "The model says something before it calls.",
        "An answer may have both text and calls.",
        body(put("/choices/*/message/content", lambda t: t or "I shall look."), where=has("tools")),
    ),
    _variant(
        "more-in-calls",
        "Calls have members that no schema names.",
        OPEN,
        body(put(f"{_CALLS}/index", 0, absent_too=True), where=has("tools")),
    ),
    _variant(
        "more-in-pieces",
        "Pieces of calls have members that no schema names.",
        OPEN,
        values(of("call"), put(f"{_PIECES}/x_state", "begun"), where=_ONE),
    ),
    _variant(
        "no-arguments-at-first",
        "The event that names a call has no `arguments`.",
        OPTIONAL,
        values(of("call"), lambda d: _without_empty(d), where=_ONE),
    ),
)


def _without_empty(document: Any) -> Any:
    function = document["choices"][0]["delta"]["tool_calls"][0]["function"]
    if not function.get("arguments"):
        function.pop("arguments", None)
    return document
