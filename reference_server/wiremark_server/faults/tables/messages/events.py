"""Streamed messages: edits of their events, by the event's name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from wiremark_server.faults.change import lacks
from wiremark_server.faults.edit import Events
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.tables.messages.words import CONTRACT, MESSAGES
from wiremark_server.faults.typed import TypedStream

_named = named("messages.stream")
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


_STREAM = TypedStream(MESSAGES)
STREAMS = _STREAM.on()
events, changed, gone, after = _STREAM.events, _STREAM.changed, _STREAM.gone, _STREAM.after


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
