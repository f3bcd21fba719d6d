"""Edits of streams whose events say in their data what they are, by that type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from wiremark_server.faults.edit import Events, FrameStep, On, Where, everywhere
from wiremark_server.faults.frames import Frame


def event(kind: str, **values: Any) -> Frame:
    """An event of this type, named so too."""
    return Frame(value={"type": kind, **values}, fields=f"event: {kind}\n".encode())


def kind(frame: Frame) -> str:
    return str(frame.value.get("type")) if isinstance(frame.value, dict) else ""


@dataclass(frozen=True, slots=True)
class TypedStream:
    """The streams of one operation."""

    operation: str

    def on(self, where: Where = everywhere) -> On:
        return On(self.operation, "stream", where)

    def events(
        self, change: Callable[[Frame, int], Iterable[Frame]], *kinds: str, where: Where = everywhere
    ) -> Events:
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

        return Events(start, self.on(where))

    def changed(self, change: Callable[[Any], Any], *kinds: str, where: Where = everywhere) -> Events:
        """The data of events changed."""

        def apply(frame: Frame, _: int) -> Iterable[Frame]:
            return (frame.with_value(change(frame.value)) if isinstance(frame.value, dict) else frame,)

        return self.events(apply, *kinds, where=where)

    def gone(self, *kinds: str, where: Where = everywhere) -> Events:
        return self.events(lambda *_: (), *kinds, where=where)

    def after(self, kind: str, *new: Frame) -> Events:
        return self.events(lambda frame, _: (frame, *new), kind)
