"""Several simulated GPUs behind one engine: who gets a request, and what becomes of it when one fails.

A worker is warming, ready, draining or failed. A request goes to the ready worker with the fewest, and among
those to the one that knows most of its prompt. While there are only warming ones it waits for the first to be
ready. When a worker fails, what it had not begun to answer goes to another, as if it had just come; what it
had begun fails.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Literal, Protocol, get_args

from wiremark_server.clock import Clock
from wiremark_server.engine.alarm import Alarm
from wiremark_server.engine.batch import BatchStats
from wiremark_server.engine.protocol import EngineFailure, EngineUnavailable
from wiremark_server.engine.run import PacedRun

State = Literal["warming", "ready", "draining", "failed"]
Change = Literal["fail", "drain", "restore"]
CHANGES: tuple[Change, ...] = get_args(Change)
Waiting = tuple[PacedRun, tuple[int, ...]]


Took = Callable[[str, float, float, float], None]
"""Told of every run that is finished: its model, and the seconds that it waited, then until its first token,
and from that one to its last."""


def not_told(model: str, waited: float, computed: float, said: float) -> None:
    """Of what nobody wants to know."""


class Pacer(Protocol):
    """Decides when each token of a run leaves. A run that is cancelled calls `leave` of its pacer."""

    def check(self, run: PacedRun) -> None:
        """Raises EngineRefusal for what could never be finished."""
        ...

    def start(self, run: PacedRun, hashes: tuple[int, ...]) -> None:
        """hashes: of the full blocks of the prompt. Raises EngineRefusal."""
        ...

    def leave(self, run: PacedRun) -> None: ...

    def evict(self) -> list[Waiting]:
        """Everything that is not finished, first come first; the pacer is as good as new afterwards."""
        ...

    def known(self, hashes: tuple[int, ...]) -> int:
        """How many of the leading blocks need not be computed again."""
        ...

    took: Took

    @property
    def stats(self) -> BatchStats: ...

    def stats_of(self, model: str) -> BatchStats:
        """What of it is one model's; the use of the cache is everybody's."""
        ...

    def close(self) -> None:
        """Every run ends where it is."""
        ...


class Immediate:
    """A pacer without waiting."""

    stats = BatchStats(0, 0, 0.0, 0, 0, 0)

    def __init__(self) -> None:
        self.took: Took = not_told

    def stats_of(self, model: str) -> BatchStats:  # noqa: ARG002
        return self.stats

    def check(self, run: PacedRun) -> None:
        """Whatever it is, it takes no time."""

    def start(self, run: PacedRun, hashes: tuple[int, ...]) -> None:  # noqa: ARG002
        while not run.advance():
            pass

    def leave(self, run: PacedRun) -> None:
        """Nothing is here for longer than it takes to start."""

    def evict(self) -> list[Waiting]:
        return []

    def known(self, hashes: tuple[int, ...]) -> int:  # noqa: ARG002
        return 0

    def close(self) -> None:
        """Nothing is here."""


class WorkerAway(RuntimeError):  # noqa: N818 - named for what happened
    """A change of a worker was not made, because nobody was there to make it."""


class Seen(Protocol):
    """A worker as whoever looks after it sees it."""

    @property
    def number(self) -> int: ...

    @property
    def profile(self) -> str: ...

    @property
    def state(self) -> State: ...

    @property
    def stats(self) -> BatchStats: ...

    def to_json(self) -> dict[str, Any]: ...


class Staff(Protocol):
    """Workers as whoever looks after them sees them, by number."""

    @property
    def all(self) -> Sequence[Seen]: ...

    async def change(self, number: int, change: Change) -> None:
        """Raises WorkerAway."""
        ...


class Worker:
    """One simulated GPU, or several that work as one."""

    def __init__(self, number: int, profile: str, pacer: Pacer) -> None:
        self.number = number
        self.profile = profile
        self.pacer = pacer
        self.state: State = "warming"
        self.ready_at = 0.0
        """When a warming worker will be ready, on the monotonic clock."""

    @property
    def stats(self) -> BatchStats:
        return self.pacer.stats

    def to_json(self) -> dict[str, Any]:
        """As the admin API tells it."""
        own = {"number": self.number, "profile": self.profile, "state": self.state}
        return {"object": "worker", **own, **asdict(self.stats)}


class Workers:
    """The workers of an engine.

    can_start: one of them is ready
    staffed:   a request would be served, now or once a worker is warm
    """

    def __init__(
        self,
        count: int,
        pacer: Callable[[], Pacer],
        clock: Clock,
        warm_up: float = 0.0,
        profile: str = "",
        first: int = 0,
    ) -> None:
        """warm_up: seconds until a worker that has just started is ready; first: the first number"""
        self._clock = clock
        self._warm_up = warm_up
        self._cold: deque[Waiting] = deque()
        self._alarm = Alarm(clock, self._warm)
        self.all = tuple(Worker(number, profile, pacer()) for number in range(first, first + count))
        self._first = first
        self.can_start = self.staffed = False
        for worker in self.all:
            self._begin(worker)

    @property
    def stats(self) -> BatchStats:
        """Of all workers together; those that wait for a warm worker are waiting."""
        every = [worker.stats for worker in self.all]
        return BatchStats(
            running=sum(one.running for one in every),
            waiting=sum(one.waiting for one in every) + len(self._cold),
            kv_usage=sum(one.kv_usage for one in every) / len(every),
            preemptions=sum(one.preemptions for one in every),
            prompt_tokens=sum(one.prompt_tokens for one in every),
            cached_tokens=sum(one.cached_tokens for one in every),
        )

    def start(self, run: PacedRun, hashes: tuple[int, ...] = ()) -> None:
        """Give a run to a worker. Raises EngineUnavailable when there is none, EngineRefusal as it does."""
        ready = [worker for worker in self.all if worker.state == "ready"]
        if ready:
            chosen = ready[0] if len(ready) == 1 else min(ready, key=lambda worker: _cost(worker, hashes))
            chosen.pacer.start(run, hashes)
            run.leave = chosen.pacer.leave
        elif self.staffed:
            self.all[0].pacer.check(run)
            self._cold.append((run, hashes))
            run.leave = self._forget
        else:
            raise EngineUnavailable("no worker is there")

    async def change(self, number: int, change: Change) -> None:
        """What an operator asks for; see the method of that name."""
        {"fail": self.fail, "drain": self.drain, "restore": self.restore}[change](number)

    def fail(self, number: int) -> None:
        """A worker is gone from one moment to the next, with all that it had in its memory."""
        worker = self._at(number)
        lost = worker.pacer.evict()
        self._set(worker, "failed")
        for run, hashes in lost:
            if run.produced:
                run.fail(EngineFailure("the worker that was answering failed"))
            else:
                self._restart(run, hashes)
        self._release_cold()

    def drain(self, number: int) -> None:
        """A worker finishes what it has and gets nothing more."""
        self._set(self._at(number), "draining")
        self._release_cold()

    def restore(self, number: int) -> None:
        """A failed or draining worker comes back; a failed one has to warm up, with an empty memory."""
        worker = self._at(number)
        if worker.state == "draining":
            self._set(worker, "ready")
        elif worker.state == "failed":
            self._begin(worker)
        self._warm()

    def close(self) -> None:
        self._alarm.cancel()
        for worker in self.all:
            worker.pacer.close()
        for run, _ in self._cold:
            run.end()
        self._cold.clear()

    def _at(self, number: int) -> Worker:
        return self.all[number - self._first]

    def _begin(self, worker: Worker) -> None:
        worker.ready_at = self._clock.monotonic() + self._warm_up
        self._set(worker, "warming" if self._warm_up else "ready")
        if self._warm_up:
            self._alarm.set(worker.ready_at)

    def _set(self, worker: Worker, state: State) -> None:
        worker.state = state
        self.can_start = any(one.state == "ready" for one in self.all)
        self.staffed = any(one.state in {"ready", "warming"} for one in self.all)

    def _warm(self) -> None:
        """Workers that are warm by now are ready, and what has waited for one begins."""
        now = self._clock.monotonic()
        for worker in self.all:
            if worker.state == "warming":
                if worker.ready_at <= now + _ROUNDING:
                    self._set(worker, "ready")
                else:
                    self._alarm.set(worker.ready_at)
        while self.can_start and self._cold:
            self._restart(*self._cold.popleft())

    def _release_cold(self) -> None:
        """What waits for a warm worker has nothing to wait for when none is left."""
        while self._cold and not self.staffed:
            self._restart(*self._cold.popleft())

    def _restart(self, run: PacedRun, hashes: tuple[int, ...]) -> None:
        try:
            self.start(run, hashes)
        except EngineUnavailable as error:
            run.fail(error)

    def _forget(self, run: PacedRun) -> None:
        self._cold = deque(waiting for waiting in self._cold if waiting[0] is not run)


_ROUNDING = 1e-6  # seconds; the alarm's own


def _cost(worker: Worker, hashes: tuple[int, ...]) -> tuple[int, int, int]:
    """Fewest requests, then most of the prompt, then the first."""
    stats = worker.stats
    return stats.running + stats.waiting, -worker.pacer.known(hashes), worker.number
