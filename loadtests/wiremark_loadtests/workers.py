"""What master and workers know of each other beyond Locust's own messages. Pure.

Clocks of hosts disagree, so a master puts right what a worker's clock said; and a master that is gone takes
what it was told with it, so a worker keeps that until it has heard from it again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from wiremark_loadtests.bill.receipts import Receipt

_TOLERATED_MS = 500  # a message may take so long: no reason to think of clocks


class Clocks:
    """How far the clocks of workers are behind the master's, as their messages show.

    A message's way only makes a worker look further behind, so the smallest difference is the best.
    """

    def __init__(self) -> None:
        self._behind: dict[str, int] = {}

    def heard(self, worker: str, told_ms: int, now_ms: int) -> int:
        """Milliseconds to add to what the worker's clock said; 0 when it may well be right."""
        behind = min(now_ms - told_ms, self._behind.get(worker, now_ms - told_ms))
        self._behind[worker] = behind
        return behind if abs(behind) > _TOLERATED_MS else 0


class Unconfirmed:
    """Receipts that were handed to a master, until a later sign of life says that it has them."""

    def __init__(self) -> None:
        self._parts: deque[tuple[float, list[Receipt]]] = deque()

    def add(self, at: float, receipts: Iterable[Receipt]) -> None:
        """`at`: seconds on the clock that `alive` uses"""
        self._parts.append((at, list(receipts)))

    def alive(self, at: float) -> None:
        """The master answered something that was sent at that time or later."""
        while self._parts and self._parts[0][0] < at:
            self._parts.popleft()

    def take(self) -> list[Receipt]:
        """Whatever nobody has confirmed."""
        taken = [receipt for _, part in self._parts for receipt in part]
        self._parts.clear()
        return taken
