"""Streams: what stands in their chunks."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from typing import Any

from wiremark_server.faults.change import (
    CHAT,
    dropped,
    first,
    frames,
    kind,
    lacks,
    of,
    put,
    rearranged,
    repeated,
    take,
    values,
)
from wiremark_server.faults.edit import Events, FrameStep, On
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame

_fault = named("chat.stream")
_STREAMS = On(CHAT, "stream")
_PLAIN = lacks("tools", "n", "max_completion_tokens")  # streams of text alone


def _varying(name: str, value: Callable[[int], Any]) -> Events:
    """Another value of a key in every chunk."""

    def start() -> FrameStep:
        numbers = itertools.count()

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            if isinstance(frame.value, dict):
                frame.value[name] = value(next(numbers))
            return (frame,)

        return step

    return Events(start, _STREAMS)


def _cumulative() -> Events:
    """Each delta repeats the text so far."""

    def start() -> FrameStep:
        said = [""]

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            if kind(frame) == "content":
                delta = frame.value["choices"][0]["delta"]
                said[0] += delta["content"]
                delta["content"] = said[0]
            return (frame,)

        return step

    return Events(start, On(CHAT, "stream", lacks("tools", "n")))


def _delta(**entries: Any) -> Callable[[Any], Any]:
    def change(document: Any) -> Any:
        document["choices"][0]["delta"].update(entries)
        return document

    return change


def _finish_first(held: list[Frame]) -> Iterable[Frame]:
    """The finish reason overtakes the last words."""
    finish = [f for f in held if kind(f) == "finish"]
    words = [f for f in held if kind(f) == "content"]
    rest = [f for f in held if f not in finish and f not in words[-1:]]
    position = next((i for i, f in enumerate(rest) if kind(f) in ("usage", "done")), len(rest))
    return [*rest[:position], *finish, *words[-1:], *rest[position:]]


def _has_text(frame: Frame, _: int) -> bool:
    """Whatever else the event has."""
    choices = frame.value.get("choices") if isinstance(frame.value, dict) else None
    return bool(choices and choices[0]["delta"].get("content"))


def _renamed(document: Any, old: str, new: str) -> Any:
    delta = document["choices"][0]["delta"]
    delta[new] = delta.pop(old)
    return document


def _without_accents(document: Any) -> Any:
    """A character of several bytes as what stands in the place of each of them when it is cut in two."""
    delta = document["choices"][0]["delta"]
    delta["content"] = re.sub(r"[^\x00-\x7f]", "\ufffd\ufffd", delta["content"])
    return document


TABLE: tuple[Fault, ...] = (
    _fault(
        "id-varies",
        "stream",
        "Every chunk has an id of its own.",
        _varying("id", lambda n: f"chatcmpl-{n}"),
        catches=("chat.stream.id-constant",),
        bug="response-id-not-unique",
    ),
    _fault(
        "created-varies",
        "stream",
        "Every chunk has a time of its own.",
        _varying("created", lambda n: 1764547200 + n),
        catches=("chat.stream.created-constant",),
    ),
    _fault(
        "model-varies",
        "stream",
        "The model's name changes from chunk to chunk.",
        _varying("model", lambda n: f"m-{n % 2}"),
        catches=("chat.stream.model-constant",),
    ),
    _fault(
        "leading-choices-empty",
        "stream",
        "A stream begins with a chunk without choices.",
        frames(first("role"), lambda f: (f.with_value({**f.value, "choices": []}), f)),
        catches=("chat.stream.leading-choices",),
        bug="choices-null-or-empty",
    ),
    _fault(
        "index-one",
        "stream",
        "The only choice of a stream has the index 1.",
        values(
            lambda f, _: kind(f) != "usage" and f.value is not None,
            put("/choices/*/index", 1),
            where=lacks("n"),
        ),
        catches=("chat.stream.index-zero",),
        allows=("chat.stream.text",),
    ),
    _fault(
        "role-missing",
        "stream",
        "No delta has a role.",
        values(of("role"), take("/choices/*/delta/role")),
        catches=("chat.stream.role", "chat.tools.stream.role", "chat.n.stream.role"),
        bug="stream-role-missing",
    ),
    _fault(
        "role-other",
        "stream",
        "The role of a delta is `model`.",
        values(of("role"), put("/choices/*/delta/role", "model")),
        catches=("chat.stream.role", "chat.tools.stream.role", "chat.n.stream.role"),
    ),
    _fault(
        "role-late",
        "stream",
        "The role comes after the first words.",
        rearranged(lambda held: [held[1], held[0], *held[2:]], where=lacks("n")),
        catches=("chat.stream.role", "chat.tools.stream.role"),
        bug="stream-role-missing",
    ),
    _fault(
        "role-repeated",
        "stream",
        "Every delta carries the role.",
        values(of("content"), _delta(role="assistant")),
        catches=("chat.stream.role-once",),
        allows=("chat.n.stream.role",),
        bug="stream-role-repeated",
    ),
    _fault(
        "tools-role-repeated",
        "stream",
        "Every delta of a call carries the role.",
        values(of("call", "arguments"), _delta(role="assistant")),
        catches=("chat.tools.stream.role",),
        bug="stream-role-repeated",
    ),
    _fault(
        "text-missing",
        "stream",
        "A stream of text carries no text.",
        dropped(of("content")),
        catches=("chat.stream.text",),
        bug="stream-delta-null-content",
    ),
    _fault(
        "text-elsewhere",
        "stream",
        "The words stand under `text`.",
        values(_has_text, lambda d: _renamed(d, "content", "text")),
        catches=("chat.stream.text",),
    ),
    _fault(
        "text-cumulative",
        "stream",
        "Each delta repeats the text so far.",
        _cumulative(),
        catches=("chat.stream.fragments",),
        bug="stream-content-duplicated",
    ),
    _fault(
        "character-lost",
        "semantics",
        "A character made of several tokens is sent as U+FFFD.",
        values(_has_text, _without_accents),
        catches=("chat.stream.whole-characters",),
        allows=("chat.seed.*", "formats.*"),
        bug="stream-utf8-split",
    ),
    _fault(
        "constant-string",
        "stream",
        "Each delta names a constant.",
        values(of("content"), _delta(channel="final")),
        catches=("chat.stream.constant-strings",),
    ),
    _fault(
        "lists-unindexed",
        "stream",
        "Each delta has a list without indexes.",
        values(of("content"), _delta(annotations=[{"type": "note"}])),
        catches=("chat.stream.lists-indexed",),
    ),
    _fault(
        "finish-missing",
        "stream",
        "No choice of a stream has a finish reason.",
        values(of("finish"), put("/choices/*/finish_reason", None)),
        catches=("chat.stream.finish", "chat.n.stream.finish", "chat.tools.stream.finish-reason"),
    ),
    _fault(
        "finish-twice",
        "stream",
        "The last chunk of a choice comes twice.",
        repeated(of("finish")),
        catches=("chat.stream.finish-once", "chat.n.stream.finish"),
    ),
    _fault(
        "finish-every",
        "stream",
        "Every chunk has the finish reason.",
        values(of("content"), put("/choices/*/finish_reason", "stop"), where=_PLAIN),
        catches=("chat.stream.finish-once", "chat.stream.after-finish"),
    ),
    _fault(
        "finish-invented",
        "stream",
        "A stream ends with `eos`.",
        values(of("finish"), put("/choices/*/finish_reason", "eos"), where=_PLAIN),
        catches=("chat.stream.finish-enum",),
    ),
    _fault(
        "finish-empty",
        "stream",
        "The finish reason is an empty text.",
        values(of("finish"), put("/choices/*/finish_reason", ""), where=_PLAIN),
        catches=("chat.stream.finish",),
    ),
    _fault(
        "after-finish",
        "stream",
        "The finish reason overtakes the last words.",
        rearranged(_finish_first, where=_PLAIN),
        catches=("chat.stream.after-finish",),
    ),
)
