"""Drives a `Batch` in time: one loop for all requests, one timer for each step."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from wiremark_server.clock import Clock
from wiremark_server.engine.alarm import Alarm
from wiremark_server.engine.batch import Batch, BatchStats, Request, Step
from wiremark_server.engine.pace import Batched
from wiremark_server.engine.protocol import ContextTooLong, EngineRefusal
from wiremark_server.engine.run import PacedRun
from wiremark_server.engine.workers import Took, not_told


class BatchLoop:
    """The engine loop of one simulated GPU."""

    def __init__(self, profile: Batched, clock: Clock) -> None:
        self._profile = profile
        self._clock = clock
        self._batch = Batch(profile)
        self._arriving: deque[tuple[float, Request]] = deque()
        self._alarm = Alarm(clock, self._turn)
        self._step: Step | None = None
        self._due = 0.0
        self._requests: dict[PacedRun, Request] = {}
        self.took: Took = not_told

    @property
    def block_tokens(self) -> int:
        return self._profile.block_tokens

    @property
    def stats(self) -> BatchStats:
        stats = self._batch.stats
        return replace(stats, waiting=stats.waiting + sum(not request.gone for _, request in self._arriving))

    def stats_of(self, model: str) -> BatchStats:
        stats = self._batch.stats_of(model)
        arriving = sum(not request.gone and request.run.model == model for _, request in self._arriving)
        return replace(stats, waiting=stats.waiting + arriving)

    def start(self, run: PacedRun, hashes: tuple[int, ...]) -> None:
        """Queue a run. Raises EngineRefusal when it could never be finished on this hardware."""
        self.check(run)
        now = self._clock.monotonic()
        request = Request(run, hashes, now)
        self._requests[run] = request
        self._arriving.append((now + self._profile.admission, request))
        if self._step is None:
            self._alarm.set(self._arriving[0][0])

    def leave(self, run: PacedRun) -> None:
        """Free what a cancelled run holds."""
        request = self._requests.pop(run, None)
        if request is not None:
            self._batch.drop(request)

    def evict(self) -> list[tuple[PacedRun, tuple[int, ...]]]:
        found = [(request.run, request.hashes) for request in self._requests.values()]
        self._batch = Batch(self._profile)
        self._forget()
        return found

    def known(self, hashes: tuple[int, ...]) -> int:
        return self._batch.known(hashes)

    def close(self) -> None:
        for request in self._requests.values():
            request.gone = True
            request.run.end()
        self._batch.end()
        self._forget()

    def _forget(self) -> None:
        self._alarm.cancel()
        self._step = None
        self._arriving.clear()
        self._requests.clear()

    def check(self, run: PacedRun) -> None:
        profile = self._profile
        if run.width > min(profile.max_num_seqs, profile.max_batched_tokens):
            raise EngineRefusal(
                f"{run.width} choices were asked for; this model computes at most "
                f"{profile.max_num_seqs} at a time"
            )
        if self._batch.blocks(run.prompt, run.steps, run.width) > profile.kv_blocks:
            raise ContextTooLong(
                f"the request needs room for {run.prompt} prompt tokens and {run.steps} tokens of answer in "
                f"each of {run.width} choices; this model holds "
                f"{profile.kv_blocks * profile.block_tokens} tokens in all"
            )

    def _turn(self) -> None:
        """A step has ended, or a request has arrived at an idle engine."""
        now = start = self._clock.monotonic()
        if self._step is not None:
            # A timer that rang late must not make the next step late as well, unless we cannot keep up.
            if now - self._due < self._step.seconds:
                start = self._due
            self._batch.finish(self._step)
            for request, _ in self._step.chunks:
                if request.run.produced and request.first < 0:
                    request.first = now
            for request in (*self._step.decodes, *(request for request, _ in self._step.chunks)):
                if request.run.finished and self._requests.pop(request.run, None) is not None:
                    self.took(
                        request.run.model,
                        request.admitted - request.arrived,
                        request.first - request.admitted,
                        now - request.first,
                    )
        while self._arriving and self._arriving[0][0] <= now:
            request = self._arriving.popleft()[1]
            if not request.gone:
                self._batch.add(request)
        self._step = self._batch.plan()
        if self._step is not None:
            for request, _ in self._step.chunks:
                if request.admitted < 0:
                    request.admitted = start
            self._due = start + self._step.seconds
            self._alarm.set(self._due)
        elif self._arriving:
            self._alarm.set(self._arriving[0][0])
