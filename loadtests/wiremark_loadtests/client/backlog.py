"""Answers that are whole and not yet looked at: users send their next requests first.

To take a stream of a thousand tokens apart takes longer than to send a request. When many answers end at
once, users that did it first would go on the later the more there are, and the endpoint would have less
to do than it was to have.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent  # type: ignore[import-untyped]

log = logging.getLogger("wiremark")

_TURN_NS = 1_000_000  # of looking at answers, until sockets and users have their turn
_LEAST = 128  # answers that may wait in any case


class Backlog:
    """Works when the process has nothing else to do, or when too much waits.

    most: how many answers may wait; 128 may always. Whoever adds one more works for a turn.
    lost: works that broke off. What they were to keep is missing in the run, which has to say so.
    """

    def __init__(self, most: Callable[[], int] = lambda: 0) -> None:
        self.lost = 0
        self._most = most
        self._waiting: deque[tuple[Callable[[Any], object], Any]] = deque()
        self._working: gevent.Greenlet | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, work: Callable[[Any], object], on: Any) -> None:
        """Have `work(on)` done some time before `finish` returns."""
        self._waiting.append((work, on))
        if self._working is None:
            self._working = gevent.spawn(self._work_when_idle)
        if len(self._waiting) > _LEAST and len(self._waiting) > self._most():
            self._work_for_a_turn()

    def finish(self) -> None:
        """Do all that waits."""
        while self._waiting:
            self._work_for_a_turn()

    def _work_when_idle(self) -> None:
        try:
            while self._waiting:
                gevent.idle()
                self._work_for_a_turn()
        finally:
            self._working = None

    def _work_for_a_turn(self) -> None:
        waiting, end = self._waiting, time.monotonic_ns() + _TURN_NS
        while waiting:
            work, on = waiting.popleft()
            try:
                work(on)
            except Exception:  # a defect of ours, which must not cost the others their turn
                log.exception("what became of an answer could not be kept")
                self.lost += 1
            if time.monotonic_ns() >= end:
                return
