"""Chat streams: how the same answer may be put into other events."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from wiremark_server.faults.change import (
    CHAT,
    Change,
    every,
    first,
    frames,
    has,
    kind,
    lacks,
    of,
    put,
    rearranged,
    take,
    values,
)
from wiremark_server.faults.edit import Events
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.variants.writing import NULLABLE, OPEN, OPTIONAL, named

_variant = named("stream")
_ONE = lacks("n", "logprobs")
_TEXT = lacks("n", "tools", "logprobs")
_DELTA = "/choices/*/delta"
_SIZES = "Nothing says how much of the text an event holds."


def _with_delta(frame: Frame, delta: dict[str, Any]) -> Frame:
    """The same chunk with another delta."""
    value = copy.deepcopy(frame.value)
    value["choices"][0]["delta"] = delta
    return frame.with_value(value)


def _text(frame: Frame) -> str:
    return str(frame.value["choices"][0]["delta"]["content"])


def _characters(frame: Frame) -> Iterable[Frame]:
    return [_with_delta(frame, {"content": character}) for character in _text(frame)]


def _in_one_piece(held: list[Frame]) -> Iterator[Frame]:
    """All text in the event of its first piece."""
    pieces = [frame for frame in held if kind(frame) == "content"]
    for frame in held:
        if kind(frame) != "content":
            yield frame
        elif frame is pieces[0]:
            yield _with_delta(frame, {"content": "".join(map(_text, pieces))})


def _role_with_text(held: list[Frame]) -> Iterator[Frame]:
    """No event of its own for the role, if text follows."""
    roles = [frame for frame in held if kind(frame) == "role"]
    texts = [frame for frame in held if kind(frame) == "content"]
    for frame in held:
        if roles and texts and frame is texts[0]:
            yield _with_delta(frame, {"role": "assistant", "content": _text(frame)})
        elif not (texts and frame in roles):
            yield frame


def _finish_with_text(held: list[Frame]) -> Iterator[Frame]:
    """The last piece of text has the finish reason."""
    texts = [frame for frame in held if kind(frame) == "content"]
    ends = [frame for frame in held if kind(frame) == "finish"]
    for frame in held:
        if texts and ends and frame is ends[0]:
            yield _with_delta(frame, {"content": _text(texts[-1])})
        elif not (texts and ends and frame is texts[-1]):
            yield frame


def _choice_by_choice(held: list[Frame]) -> list[Frame]:
    """Of several choices one is told to its end before the next begins."""
    last = len(held)

    def place(frame: Frame) -> int:
        choices = frame.value.get("choices") if isinstance(frame.value, dict) else None
        return choices[0]["index"] if choices else last

    return sorted(held, key=place)


def _counted(held: list[Frame]) -> Iterator[Frame]:
    """Every event has the usage so far."""
    usage = next((f.value["usage"] for f in held if kind(f) == "usage"), None)
    done = 0
    for frame in held:
        if usage and isinstance(frame.value, dict) and frame.value.get("choices"):
            done += kind(frame) == "content"
            so_far = {"completion_tokens": done, "total_tokens": usage["prompt_tokens"] + done}
            yield frame.with_value({**frame.value, "usage": {**usage, **so_far}})
        else:
            yield frame


def _empty(delta: Callable[[], dict[str, Any]]) -> Callable[[Frame], Iterable[Frame]]:
    return lambda frame: (_with_delta(frame, delta()), frame)


def _unless_text(change: Change) -> Change:
    """Another variant may have put text there."""
    return lambda document: document if document["choices"][0]["delta"].get("content") else change(document)


def _chunks(*changes: Callable[[Any], Any]) -> tuple[Events, ...]:
    return tuple(values(every, change) for change in changes)


TABLE = (
    _variant(
        "characters",
        "Every character of the text is an event.",
        _SIZES,
        frames(of("content"), _characters, CHAT, _ONE),
    ),
    _variant("one-piece", "The whole text is one event.", _SIZES, rearranged(_in_one_piece, _ONE)),
    _variant(
        "empty-deltas",
        "There are events with an empty delta between the others.",
        "A delta holds what is new, which may be nothing.",
        frames(of("content"), _empty(dict), CHAT, _ONE),
    ),
    _variant(
        "empty-content",
        "There are events whose text is empty.",
        _SIZES,
        frames(first("content"), _empty(lambda: {"content": ""}), CHAT, _ONE),
    ),
    _variant(
        "role-with-text",
        "The role comes with the first piece of text.",
        "The first event of a choice has its role; nothing says that it has nothing else.",
        rearranged(_role_with_text, _TEXT),
    ),
    _variant(
        "role-without-content",
        "The event of the role has no `content`.",
        OPTIONAL,
        values(of("role"), _unless_text(take(f"{_DELTA}/content")), where=_ONE),
    ),
    _variant(
        "finish-with-text",
        "The last piece of text has the finish reason.",
        "Nothing says that an event with a finish reason has an empty delta.",
        rearranged(_finish_with_text, _TEXT),
    ),
    _variant(
        "finish-content-empty",
        "The event of the finish reason has an empty text.",
        _SIZES,
        values(of("finish"), _unless_text(put(f"{_DELTA}/content", "")), where=_TEXT),
    ),
    _variant(
        "choice-by-choice",
        "Of several choices one is told to its end before the next begins.",
        "Nothing says how the events of choices interleave.",
        rearranged(_choice_by_choice, has("n")),
    ),
    _variant(
        "usage-so-far",
        "Where the usage was asked for, every event has what was used so far.",
        "Several engines do when asked to include usage; the last one counts.",
        rearranged(_counted, _TEXT),
    ),
    _variant(
        "no-usage-null",
        "Events have no `usage` but the last.",
        OPTIONAL,
        *_chunks(lambda d: d if d.get("usage") else take("/usage")(d)),
    ),
    _variant(
        "more-members",
        "Events have members that no schema names.",
        OPEN,
        *_chunks(put("/served_by", "example"), put("/x_timing", {"ms": 1.25})),
    ),
    _variant(
        "more-in-choices",
        "Choices of events have members that no schema names.",
        OPEN,
        *_chunks(put("/choices/*/native_finish_reason", None), put("/choices/*/stop_reason", None)),
    ),
    _variant(
        "obfuscation",
        "Events have padding against the guessing of lengths.",
        "The published schema has `obfuscation`.",
        *_chunks(put("/obfuscation", "aB3xYz")),
    ),
    _variant(
        "no-fingerprint", "`system_fingerprint` is left out.", OPTIONAL, *_chunks(take("/system_fingerprint"))
    ),
    _variant(
        "fingerprint-null",
        "`system_fingerprint` is null.",
        NULLABLE,
        *_chunks(put("/system_fingerprint", None)),
    ),
    _variant("no-tier", "`service_tier` is left out.", OPTIONAL, *_chunks(take("/service_tier"))),
    _variant(
        "no-logprobs",
        "Choices have no `logprobs`.",
        OPTIONAL,
        values(every, take("/choices/*/logprobs"), where=lacks("logprobs")),
    ),
    _variant("no-refusal", "Deltas have no `refusal`.", OPTIONAL, *_chunks(take(f"{_DELTA}/refusal"))),
    _variant(
        "nulls",
        "Deltas have null for everything that they do not add.",
        NULLABLE,
        values(of("content"), put(f"{_DELTA}/refusal", None), where=_ONE),
        values(of("content"), put(f"{_DELTA}/tool_calls", None), where=_TEXT),
        values(of("content"), put(f"{_DELTA}/function_call", None), where=_TEXT),
    ),
    _variant(
        "reasoning-null",
        "Deltas have a `reasoning_content` of null, as servers of other models have.",
        OPEN,
        values(of("content", "role"), put(f"{_DELTA}/reasoning_content", None)),
    ),
)
