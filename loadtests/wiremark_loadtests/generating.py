"""What the users of one process share: the run, the arrivals, and a watch on the process itself."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass

import gevent  # type: ignore[import-untyped]
from gevent.event import Event  # type: ignore[import-untyped]

from wiremark_loadtests.client.backlog import Backlog
from wiremark_loadtests.client.webhooks import Hooks
from wiremark_loadtests.measure.health import Worker
from wiremark_loadtests.run import Run
from wiremark_loadtests.settings import WrongUse
from wiremark_loadtests.traffic import arrivals
from wiremark_loadtests.traffic.dispatch import Dispatcher

_WATCH_SECONDS = 0.1
_GATE_SECONDS = 10.0  # until those who are there begin in any case


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of an open loop this process sends."""

    index: int = 0
    count: int = 1


class Generator:
    """The generating side of a run in this process.

    bank: whether receipts are put on disk here; a worker hands them to its master instead
    """

    def __init__(self, run: Run, share: Share, *, bank: bool) -> None:
        self.run = run
        self.settings = run.settings
        self.tally = run.tally
        self.start_ns = time.monotonic_ns()
        self._bank = bank
        self._in_flight = 0
        self._worker = Worker()
        self._name = f"{socket.gethostname()}/{os.getpid()}"
        self._cpu_before = time.process_time()
        demand = run.settings.demand
        self.backlog = Backlog(lambda: self._worker.peak)
        self.dispatcher: Dispatcher | None = None
        if demand.is_open:
            mine = arrivals.share(demand.arrivals(run.settings.seed), share.index, share.count)
            self.dispatcher = Dispatcher(mine)
        self.hooks = self._listen()
        self._gate = Event()
        self._watching = gevent.spawn(self._watch)

    def _listen(self) -> Hooks | None:
        """Receive webhooks where the scenario wants some; raise WrongUse when nobody can listen there."""
        settings = self.settings
        if not settings.scenario.is_told:
            return None
        keys = {role: key for role in settings.scenario.roles if (key := settings.keys.get(role))}
        try:
            return Hooks(settings.webhooks, keys, time.time)
        except OSError as error:
            host, port = settings.webhooks
            raise WrongUse(f"webhooks cannot be received at {host}:{port}: {error.strerror}") from None

    def wait(self) -> None:
        """Return when the users that are to be there at once are there, each with its connection."""
        self._gate.wait(timeout=_GATE_SECONDS)

    def let_in(self) -> None:
        """Let users begin as they come."""
        self._gate.set()

    def send(self) -> None:
        """Users are there: begin, also an open loop."""
        self.let_in()
        if self.dispatcher is not None:
            self.dispatcher.start()

    def hold(self) -> None:
        """Begin no further request."""
        if self.dispatcher is not None:
            self.tally.unsent += self.dispatcher.stop()

    def stop(self) -> None:
        """The users have ended: look at what they left, and tell how the process fared."""
        self.backlog.finish()
        if self.backlog.lost:
            self.tally.errors["generator:lost-receipt"] += self.backlog.lost
        self._watching.kill()
        if self.hooks is not None:
            self.tally.errors.update(self.hooks.close())
        self._tell()

    def entered(self) -> None:
        self._in_flight += 1
        self._worker.requests += 1
        self._worker.peak = max(self._worker.peak, self._in_flight)
        self.tally.start(time.monotonic_ns() - self.start_ns)

    def left(self) -> None:
        self._in_flight -= 1

    def _watch(self) -> None:
        while True:
            due_ns = time.monotonic_ns() + int(_WATCH_SECONDS * 1e9)
            gevent.sleep(_WATCH_SECONDS)
            self.tally.histograms["loop_lag"].record(max(0, time.monotonic_ns() - due_ns))
            self._tell()

    def _tell(self) -> None:
        self._worker.cpu = round(time.process_time() - self._cpu_before, 3)
        self._worker.wall = round((time.monotonic_ns() - self.start_ns) / 1e9, 3)
        self.tally.workers[self._name] = self._worker
        if self._bank:
            self.run.bank()
