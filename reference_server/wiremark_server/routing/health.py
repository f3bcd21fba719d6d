"""How a provider does: what its attempts took, how often they failed, and whether it is asked at all."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from wiremark_server.clock import Clock

State = Literal["up", "trial", "down"]

FAILURES_TO_OPEN = 3
COOLDOWN_SECONDS = 30.0
_KEPT = 512  # attempts
_RECENT = 32  # attempts that availability and latency are taken from


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to the provider.

    at:         seconds since the epoch, UTC
    latency_ms: to the first token, or to the failure
    """

    at: int
    model: str
    ok: bool
    latency_ms: float


class Health:
    """A circuit breaker with a memory.

    A few failures in a row open the circuit: the provider is down and is not asked. After a pause a single
    request may try; its end decides. `held_down` keeps it down whatever happens, as for maintenance.
    """

    def __init__(self, clock: Clock, *, held_down: bool = False) -> None:
        self._clock = clock
        self._attempts: deque[Attempt] = deque(maxlen=_KEPT)
        self._in_a_row = 0
        self._opened: float | None = None  # monotonic
        self._trying = False
        self.held_down = held_down
        self.requests = 0
        self.failures = 0

    @property
    def state(self) -> State:
        if self.held_down:
            return "down"
        if self._opened is None:
            return "up"
        return "trial" if self._clock.monotonic() - self._opened >= COOLDOWN_SECONDS else "down"

    def admit(self) -> bool:
        """Whether to ask it now. True of a provider on trial is for one request: tell how that ended."""
        state = self.state
        if state == "trial":
            if self._trying:
                return False
            self._trying = True
        return state != "down"

    def succeeded(self, model: str, latency_ms: float) -> None:
        self._record(Attempt(int(self._clock.now()), model, True, latency_ms))
        self._in_a_row, self._opened = 0, None

    def failed(self, model: str, latency_ms: float) -> None:
        self._record(Attempt(int(self._clock.now()), model, False, latency_ms))
        self.failures += 1
        self._in_a_row += 1
        if self._in_a_row >= FAILURES_TO_OPEN or self._opened is not None:
            self._opened = self._clock.monotonic()

    def given_up(self) -> None:
        """The request ended before the provider showed anything, by no fault of its own."""
        self._trying = False

    def _record(self, attempt: Attempt) -> None:
        self._trying = False
        self.requests += 1
        self._attempts.append(attempt)

    @property
    def availability(self) -> float:
        """Share of recent attempts that went well; 1 before the first, 0 while it is down."""
        if self.state == "down":
            return 0.0
        recent = list(self._attempts)[-_RECENT:]
        return sum(attempt.ok for attempt in recent) / len(recent) if recent else 1.0

    @property
    def latency_ms(self) -> float | None:
        """Median of recent successes; None without any."""
        recent = [attempt.latency_ms for attempt in list(self._attempts)[-_RECENT:] if attempt.ok]
        return statistics.median(recent) if recent else None

    def history(self) -> Iterator[Attempt]:
        """Attempts that are remembered, newest first."""
        return reversed(self._attempts)
