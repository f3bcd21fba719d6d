"""One timer for a moment that is put off again and again: it is set anew only when it has run out."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

_NEVER = math.inf


class Deadline:
    """Calls `passed` when the loop's time has come to where it was set last; lifted, it never does.

    To put it off costs no timer. The one that is running finds out when it rings.
    """

    __slots__ = ("_at", "_loop", "_passed", "_rings", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self._loop = loop
        self._passed = passed
        self._at = self._rings = _NEVER
        self._timer: asyncio.TimerHandle | None = None

    def set(self, at: float) -> None:
        """at: in seconds of the loop's clock"""
        self._at = at
        if at < self._rings:
            self.stop()
            self._at = self._rings = at
            self._timer = self._loop.call_at(at, self._ring)

    def lift(self) -> None:
        """There is none until it is set again."""
        self._at = _NEVER

    def stop(self) -> None:
        """Let go of the timer."""
        self._at = self._rings = _NEVER
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer, self._rings = None, _NEVER
        if self._loop.time() >= self._at:
            self._passed()
        elif self._at < _NEVER:
            self.set(self._at)
