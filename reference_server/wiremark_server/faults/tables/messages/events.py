"""Streamed messages: edits of their events, by the event's name."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from wiremark_server.faults.change import (
    lacks,
)
from wiremark_server.faults.edit import (
    Events,
    FrameStep,
    On,
    Where,
    everywhere,
)
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.tables.messages.words import CONTRACT, MESSAGES

_named = named("messages.stream")
STREAMS = On(MESSAGES, "stream")
TEXT = lacks("tools", "thinking")
# What one wrong event may break beside the rule that is about it.
NEAR = (
    "messages.stream.*",
    "messages.tools.*",
    "messages.thinking.*",
    "messages.stop.*",
    "messages.max-tokens.*",
    "messages.same-model",
    "messages.no-empty-text",
    "messages.usage.counted",
    "billing.messages.stream.*",
)


def streamed(*args: Any, allows: tuple[str, ...] = NEAR, **kinds: Any) -> Fault:
    """A fault of this dialect's contract."""
    return dataclasses.replace(_named(*args, allows=allows, **kinds), contract=CONTRACT)


def event(kind: str, **values: Any) -> Frame:
    return Frame(value={"type": kind, **values}, fields=f"event: {kind}\n".encode())


def kind(frame: Frame) -> str:
    return str(frame.value.get("type")) if isinstance(frame.value, dict) else ""


def events(change: Callable[[Frame, int], Iterable[Frame]], *kinds: str, where: Where = everywhere) -> Events:
    """Other frames in the place of events of these kinds; the number counts those of one kind."""

    def start() -> FrameStep:
        seen: Counter[str] = Counter()

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            name = kind(frame)
            seen[name] += 1
            return change(frame, seen[name] - 1) if not kinds or name in kinds else (frame,)

        return step

    return Events(start, On(MESSAGES, "stream", where))


def changed(change: Callable[[Any], Any], *kinds: str, where: Where = everywhere) -> Events:
    """The data of events changed."""
    return events(lambda frame, _: (frame.with_value(change(frame.value)),), *kinds, where=where)


def gone(*kinds: str, where: Where = everywhere) -> Events:
    return events(lambda *_: (), *kinds, where=where)


def after(kind: str, *new: Frame) -> Events:
    return events(lambda frame, _: (frame, *new), kind)


def deltas(kind: str, change: Callable[[Any], Any]) -> Events:
    """The deltas of one type changed."""

    def apply(value: Any) -> Any:
        return change(value) if value["delta"]["type"] == kind else value

    return changed(apply, "content_block_delta")


def without(kind: str) -> Events:
    """No deltas of one type."""

    def keep(frame: Frame, _: int) -> Iterable[Frame]:
        return () if frame.value["delta"]["type"] == kind else (frame,)

    return events(keep, "content_block_delta")
