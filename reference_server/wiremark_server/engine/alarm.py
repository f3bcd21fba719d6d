"""One timer that never rings early.

An event loop may wake a little before or after the time asked for (uvloop counts whole milliseconds).
Late is a fact to live with; early would make an engine look faster than it claims to be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from wiremark_server.clock import Clock

_EXACT = 1e-6  # seconds; below any timer's resolution


class Alarm:
    """Calls `ring` once at or after the earliest time set. Times are the clock's monotonic seconds."""

    def __init__(self, clock: Clock, ring: Callable[[], None]) -> None:
        self._clock = clock
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0

    def set(self, due: float) -> None:
        """Ring at `due`, or at the time already set when that is earlier."""
        if self._handle is not None:
            if self._due <= due:
                return
            self._handle.cancel()
        self._due = due
        self._wait(due - self._clock.monotonic())

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _wait(self, seconds: float) -> None:
        self._handle = asyncio.get_running_loop().call_later(max(seconds, 0.0), self._fire)

    def _fire(self) -> None:
        left = self._due - self._clock.monotonic()
        if left > _EXACT:
            self._wait(left)
            return
        self._handle = None
        self._ring()
