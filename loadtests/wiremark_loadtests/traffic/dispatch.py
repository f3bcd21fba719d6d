"""Hands the arrivals of an open loop to the users of this process, each at its moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import gevent  # type: ignore[import-untyped]
from gevent import queue

from wiremark_loadtests.traffic.arrivals import Arrival

_LEAD_SECONDS = 0.5  # for the users to connect before the first arrival
_LOOK_SECONDS = 1.0  # how often a waiting user looks whether the run has ended


@dataclass(frozen=True, slots=True)
class Due:
    """An arrival whose moment, in monotonic nanoseconds, has come."""

    at_ns: int
    arrival: Arrival


class Dispatcher:
    """Plays arrivals; users wait for them by `next`."""

    def __init__(self, arrivals: Iterator[Arrival]) -> None:
        self._arrivals = arrivals
        self._waiting: queue.Queue = queue.Queue()
        self._greenlet: gevent.Greenlet | None = None
        self._is_waiting = False  # for the moment of an arrival that it has taken

    def start(self) -> None:
        """Begin, once; the first moment is a little later."""
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._play, time.monotonic_ns() + int(_LEAD_SECONDS * 1e9))

    def next(self) -> Due | None:
        """The next arrival that nobody has taken; None when there was none for a while."""
        try:
            due: Due = self._waiting.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            return None
        return due

    def stop(self) -> int:
        """Send no more; return how many were never sent."""
        if self._greenlet is not None:
            self._greenlet.kill()
        left = self._waiting.qsize() + int(self._is_waiting) + sum(1 for _ in self._arrivals)
        self._waiting = queue.Queue()
        return int(left)

    def _play(self, start_ns: int) -> None:
        for arrival in self._arrivals:
            self._is_waiting = True
            due_ns = start_ns + int(arrival.at * 1e9)
            while (left := (due_ns - time.monotonic_ns()) / 1e9) > 0:
                gevent.sleep(left)
            self._is_waiting = False
            self._waiting.put(Due(due_ns, arrival))
