"""A response that is made while nobody waits for it: its events as they come, for whoever follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

_END = b"\n\n"


class Running:
    """stop: set by whoever wants the work to end early

    kept: events are remembered, to be followed from any of them on
    """

    def __init__(self, *, kept: bool) -> None:
        self.stop = asyncio.Event()
        self.kept = kept
        self._events: list[bytes] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(work)
        self._task.add_done_callback(lambda _: self._news.set())

    async def stopped(self) -> None:
        """Return when someone wants the work to end."""
        await self.stop.wait()

    @property
    def done(self) -> bool:
        return self._task is None or self._task.done()

    def add(self, frames: bytes) -> None:
        """The next events, encoded; each ends with a blank line."""
        if self.kept:
            self._events += [event + _END for event in frames.split(_END) if event]
        self._news.set()

    async def cancel(self) -> None:
        """Stop the work and wait until it has stopped. Idempotent."""
        self.stop.set()
        if self._task is not None:
            await asyncio.wait({self._task})

    async def follow(self, after: int) -> AsyncGenerator[bytes, None]:
        """The events from number `after` + 1 on, as soon as there are any, to the end."""
        position = after + 1
        while True:
            news = self._news
            ready = b"".join(self._events[position:])
            if ready:
                position = len(self._events)
                yield ready
            elif self.done:
                return
            else:
                if news.is_set():
                    self._news = news = asyncio.Event()
                    if self.done or len(self._events) > position:
                        continue
                await news.wait()
