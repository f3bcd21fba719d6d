"""The `fixed` pacer: tokens leave at times known when the request came in, whatever else is running.

All runs share one timer. Due times are rounded up to a tick, a bucket holds every run due at that tick,
and the loop is woken only for ticks that have a bucket.
"""

from __future__ import annotations

import heapq
import math

from wiremark_server.clock import Clock
from wiremark_server.engine.alarm import Alarm
from wiremark_server.engine.batch import BatchStats
from wiremark_server.engine.pace import Fixed
from wiremark_server.engine.run import PacedRun
from wiremark_server.engine.workers import Took, not_told

_ROUNDING = 1e-3  # ticks; keeps 0.2 s / 1 ms at 200 ticks although the quotient of floats may be above


class Wheel:
    """Delivers steps of many runs from one timer."""

    def __init__(self, profile: Fixed, clock: Clock) -> None:
        self._profile = profile
        self._clock = clock
        self._alarm = Alarm(clock, self._turn)
        self._buckets: dict[int, list[tuple[PacedRun, float]]] = {}
        self._due: list[int] = []
        self._live: set[PacedRun] = set()
        self.took: Took = not_told

    def check(self, run: PacedRun) -> None:
        """Whatever it is, it can be finished."""

    def start(self, run: PacedRun, hashes: tuple[int, ...]) -> None:  # noqa: ARG002 - nothing is kept
        """The run's first step is due one TTFT from now."""
        self._live.add(run)
        self._put(run, self._clock.monotonic() + self._profile.ttft)
        self._arm()

    def leave(self, run: PacedRun) -> None:
        """Forget a cancelled run. Its bucket entry is skipped when its time comes."""
        self._live.discard(run)

    def evict(self) -> list[tuple[PacedRun, tuple[int, ...]]]:
        entries = sorted((entry for bucket in self._buckets.values() for entry in bucket), key=_due)
        found: list[tuple[PacedRun, tuple[int, ...]]] = [(run, ()) for run, _ in entries if run in self._live]
        self._forget()
        return found

    def known(self, hashes: tuple[int, ...]) -> int:  # noqa: ARG002
        """Nothing is kept between requests."""
        return 0

    @property
    def stats(self) -> BatchStats:
        return BatchStats(len(self._live), 0, 0.0, 0, 0, 0)

    def stats_of(self, model: str) -> BatchStats:
        return BatchStats(sum(run.model == model for run in self._live), 0, 0.0, 0, 0, 0)

    def close(self) -> None:
        for run in self._live:
            run.end()
        self._forget()

    def _forget(self) -> None:
        self._alarm.cancel()
        self._live.clear()
        self._buckets.clear()
        self._due.clear()

    def _put(self, run: PacedRun, due: float) -> None:
        tick = math.ceil(due / self._profile.tick - _ROUNDING)
        bucket = self._buckets.get(tick)
        if bucket is None:
            self._buckets[tick] = [(run, due)]
            heapq.heappush(self._due, tick)
        else:
            bucket.append((run, due))

    def _arm(self) -> None:
        if self._due:
            self._alarm.set(self._due[0] * self._profile.tick)

    def _turn(self) -> None:
        now = math.floor(self._clock.monotonic() / self._profile.tick + _ROUNDING)
        itl = self._profile.itl
        while self._due and self._due[0] <= now:
            for run, due in self._buckets.pop(heapq.heappop(self._due)):
                if run in self._live:
                    if run.advance():
                        self._live.discard(run)
                    else:
                        self._put(run, due + itl)
        self._arm()


def _due(entry: tuple[PacedRun, float]) -> float:
    return entry[1]
