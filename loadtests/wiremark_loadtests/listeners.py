"""Ties a load run to Locust: options, start, reports from workers to the master, stop and audit.

The order at the end: users drain, every worker hands over what it still has, and only then is the bill
audited; Locust's exit code is the audit's.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import time
from typing import Any
from weakref import WeakKeyDictionary

import gevent  # type: ignore[import-untyped]
from gevent.event import Event  # type: ignore[import-untyped]
from locust import __version__ as locust_version
from locust import events
from locust.env import Environment
from locust.rpc import Message
from locust.runners import STATE_INIT, MasterRunner, WorkerRunner

from wiremark_loadtests import clock, options, web_page
from wiremark_loadtests.bill.billing import CannotJudge
from wiremark_loadtests.bill.spool import Spool
from wiremark_loadtests.generating import Generator, Share
from wiremark_loadtests.run import Run
from wiremark_loadtests.settings import DRAIN_SECONDS, WrongUse, draw_seed, resolve
from wiremark_loadtests.shape import StagesShape
from wiremark_loadtests.workers import Clocks, Unconfirmed

_HAND_OVER_SECONDS = 10.0  # beyond the drain: workers report every 3 s
_LOOK_SECONDS = 3.0
_MASTER_SILENT = 15.0  # it sends a sign of life every second
_ROUND_TRIP = 5.0  # a sign of life may be an answer to a message that came so much before a report
_KEY = "wiremark"  # our part of Locust's worker reports
_SHARE = "wiremark.share"  # the message that tells a worker its part of an open loop
# Objects allocated before a collection looks at the young ones, and the ratios of the older generations. In
# a process with a thousand streams a full collection stops the clock for a quarter of a second, and what
# a run leaves behind is freed by its reference count.
_COLLECT_AFTER = (50_000, 50, 1_000)
_SESSIONS: WeakKeyDictionary[Environment, Session] = WeakKeyDictionary()


def generator_of(environment: Environment) -> Generator | None:
    """What the users of this process work for; None when its input was bad."""
    session = _SESSIONS.get(environment)
    return session.generator if session else None


def run_of(environment: Environment) -> Run | None:
    """The run under way, or the last one of this process."""
    session = _SESSIONS.get(environment)
    return session.run if session else None


@events.init_command_line_parser.add_listener
def _add_options(parser: Any) -> None:
    options.add_to(parser)


@events.init.add_listener
def _attach(environment: Environment, **_: Any) -> None:
    """Listen to this environment's events, and refuse bad input before Locust starts anything."""
    if not environment.stop_timeout:  # a request that vanishes at the end could not be audited
        environment.stop_timeout = DRAIN_SECONDS
    # Its clock stood still while modules were loaded, and Locust's run time counts from it.
    gevent.get_hub().loop.update_now()
    _SESSIONS[environment] = Session(environment)
    web_page.attach(environment, lambda: run_of(environment))
    parsed = environment.parsed_options
    if parsed is not None and parsed.wiremark_seed is None:
        parsed.wiremark_seed = draw_seed()  # here, so that the workers get the master's
    if parsed is None or not parsed.headless or isinstance(environment.runner, WorkerRunner):
        return  # in the web UI the host may still be typed; workers get their options from the master
    try:
        settings = resolve(options.given(environment), os.environ)
        with Run(settings, users=1) as trial:
            trial.begin()
    except (WrongUse, CannotJudge) as error:
        sys.exit(_tell(error))
    if not settings.demand.is_open and settings.demand.stages is not None:
        shape: Any = StagesShape(settings.demand.stages)
        shape.runner = environment.runner
        environment.shape_class = shape


def _spare_collector(**_: Any) -> None:
    """What lives now lives as long as the run: keep the garbage collector from looking at it."""
    gc.collect()
    gc.freeze()


def _message(kind: str, data: Any, worker: str) -> Any:
    message: Any = Message  # a class without annotations
    return message(kind, data, worker)


def _tell(error: Exception) -> int:
    """Say what is wrong; return the exit code for it."""
    print(f"wiremark: {error}", file=sys.stderr)
    return 2 if isinstance(error, WrongUse) else 3


class Session:
    """The listeners of one Locust process, whatever its part: alone, master or worker."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.run: Run | None = None
        self.generator: Generator | None = None  # not in a master, which generates nothing
        self._share = Share()
        self._under_way = False
        self._ended = Event()  # set but while the end of a run is worked on
        self._ended.set()
        self._looking: Any = None  # the greenlet that audits while the run is under way
        self._reported_last: set[str] = set()  # workers whose users have all stopped, as the master knows
        self._clocks = Clocks()
        self._unconfirmed = Unconfirmed()
        on: Any = environment.events
        on.test_start.add_listener(self._begin)
        on.test_stopping.add_listener(self._stopping)
        on.test_stop.add_listener(self._end)
        on.quitting.add_listener(self._quitting)
        on.spawning_complete.add_listener(self._spawned)
        on.report_to_master.add_listener(self._report)
        on.worker_report.add_listener(self._take_report)
        if self._is_worker:
            environment.runner.register_message(_SHARE, self._take_share)  # type: ignore[union-attr]
            self._watching = gevent.spawn(self._watch_master, environment.runner)

    @property
    def _is_worker(self) -> bool:
        return isinstance(self._environment.runner, WorkerRunner)

    def _begin(self, environment: Environment, **_: Any) -> None:
        self._abandon()
        self._reported_last.clear()
        gc.set_threshold(*_COLLECT_AFTER)
        _spare_collector()
        runner: Any = environment.runner
        try:
            settings = resolve(options.given(environment), os.environ)
            stages = settings.demand.stages
            users = runner.target_user_count or getattr(environment.parsed_options, "num_users", 0) or 1
            if not settings.demand.is_open and stages is not None:
                users = round(stages.highest)
            run = Run(settings, users)
            if not self._is_worker:
                run.begin()
            if not isinstance(runner, MasterRunner):
                self.generator = Generator(run, self._share, bank=not self._is_worker)
        except (WrongUse, CannotJudge) as error:
            environment.process_exit_code = _tell(error)
            return
        self.run, self._under_way = run, True
        at_once = users <= (getattr(environment.parsed_options, "spawn_rate", None) or 0)
        if self.generator is not None and not at_once:
            self.generator.let_in()
        if isinstance(runner, MasterRunner):
            self._deal_shares(runner)
        if environment.web_ui is not None and run.can_look:
            self._looking = gevent.spawn(self._look, run)

    def _look(self, run: Run) -> None:
        """For whoever watches the page: audit what can be audited already."""
        told = 0
        while True:
            gevent.sleep(_LOOK_SECONDS)
            found = run.look().discrepancies
            if found and not told:
                print(f"live audit: {found[0].kind}: {found[0].message}", flush=True)
            told = len(found)

    def _abandon(self) -> None:
        if self.generator is not None:
            self.generator.stop()
        if self.run is not None:
            self.run.close()
        self.run = self.generator = None

    def _deal_shares(self, runner: MasterRunner) -> None:
        """Tell every worker which part of an open loop is its own."""
        workers = sorted(client.id for client in runner.clients.all if client.id not in self._missing(runner))
        for index, worker in enumerate(workers):
            runner.server.send_to_client(_message(_SHARE, [index, len(workers)], worker))

    def _take_share(self, environment: Environment, msg: Any) -> None:  # noqa: ARG002  Locust names them
        self._share = Share(*msg.data)

    def _spawned(self, **_: Any) -> None:
        _spare_collector()
        if self.generator is not None:
            self.generator.send()

    def _stopping(self, **_: Any) -> None:
        if self.generator is not None:
            self.generator.hold()

    def _end(self, environment: Environment, **_: Any) -> None:
        if not self._under_way or self.run is None:
            return
        self._under_way = False
        self._ended.clear()
        try:
            self._conclude(environment, self.run)
        finally:
            self._ended.set()

    def _conclude(self, environment: Environment, run: Run) -> None:
        """Hand over, or audit and say how it went."""
        if self.generator is not None:
            self.generator.stop()
        if self._looking is not None:
            self._looking.kill()
        if self._is_worker:
            return
        if isinstance(environment.runner, MasterRunner):
            run.lost_workers = self._collect(environment.runner)
        result = run.finish()
        print(result.text, flush=True)
        environment.process_exit_code = result.exit_code

    def _collect(self, runner: MasterRunner) -> int:
        """Wait for every worker's last report; return how many never came."""
        workers = {client.id for client in runner.clients.all}
        if runner.user_count:  # Locust is quitting: it has not yet told the workers, nor would it wait
            for worker in workers:
                runner.server.send_to_client(_message("quit", None, worker))
        deadline = time.monotonic() + self._environment.stop_timeout + _HAND_OVER_SECONDS
        while time.monotonic() < deadline and runner.greenlet:  # Locust listens as long as it has greenlets
            if workers - self._missing(runner) <= self._reported_last:
                break
            gevent.sleep(0.1)
        return len(workers - self._reported_last)

    @staticmethod
    def _missing(runner: MasterRunner) -> set[str]:
        """Workers that Locust has not heard of for too long."""
        return {client.id for client in runner.clients.missing}

    def _quitting(self, environment: Environment, **_: Any) -> None:
        """Ctrl-C and SIGTERM come here first: stop and audit before Locust computes its exit code.

        A master comes here too when its last worker has quit, be the audit under way or not.
        """
        runner = environment.runner
        if runner is not None and not self._is_worker and self._under_way:
            runner.stop()
        self._ended.wait()

    def _watch_master(self, runner: Any) -> None:
        """In a worker: when the master is gone, stop for it, and be there for another one."""
        while True:
            gevent.sleep(1.0)
            heard = runner.last_heartbeat_timestamp
            if not heard:
                continue
            self._unconfirmed.alive(heard - _ROUND_TRIP)
            if time.time() - heard > _MASTER_SILENT and self._under_way:
                self._orphaned(runner)
                runner.worker_state = STATE_INIT
                runner.last_heartbeat_timestamp = heard = time.time()  # Locust waits a minute from then
                while runner.last_heartbeat_timestamp == heard:
                    runner.client.send(_message("client_ready", locust_version, runner.client_id))
                    gevent.sleep(2.0)

    def _orphaned(self, runner: Any) -> None:
        """Stop, and keep the receipts that the master may not have got."""
        run = self.run
        said = f"the master has not been heard of for {_MASTER_SILENT:g} s; waiting for another"
        runner.stop()
        if run is not None:
            spool = Spool(run.settings.out, f"receipts-{socket.gethostname()}-{os.getpid()}.jsonl")
            spool.add([*self._unconfirmed.take(), *run.tally.take_receipts()])
            if run.settings.out is not None and spool.count and not spool.problem:
                said += f"; {spool.count} receipts that it may not have are in {spool.path}"
            spool.close(keep=True)
        self._abandon()
        print(f"wiremark: {said}", file=sys.stderr, flush=True)

    def _report(self, client_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002  Locust names them
        if self.run is not None:
            part = self.run.hand_over()
            self._unconfirmed.add(time.time(), part.receipts)
            data[_KEY] = {
                "last": not self._under_way,
                "clock_ms": clock.wall_ms(),
                "tally": part.to_wire(),
            }

    def _take_report(self, client_id: str, data: dict[str, Any]) -> None:
        part = data.get(_KEY)
        if part is None or self.run is None or self.run.result is not None:
            return  # the verdict has been given, and said who was missing
        self.run.take(part["tally"], self._clocks.heard(client_id, part["clock_ms"], clock.wall_ms()))
        if part["last"]:
            self._reported_last.add(client_id)
