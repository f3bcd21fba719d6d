"""Ties a load run to Locust: options, start, reports from workers to the master, stop and audit.

The order at the end: users drain, every worker hands over what it still has, and only then is the bill
audited; Locust's exit code is the audit's.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from argparse import Namespace
from typing import Any
from weakref import WeakKeyDictionary

import gevent  # type: ignore[import-untyped]
from locust import events
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner

from wiremark_loadtests.bill.billing import CannotJudge
from wiremark_loadtests.run import Run
from wiremark_loadtests.settings import DRAIN_SECONDS, Given, WrongUse, draw_seed, resolve

_HAND_OVER_SECONDS = 10.0  # beyond the drain: workers report every 3 s
_KEY = "wiremark"  # our part of Locust's worker reports
# Objects allocated before a collection looks at the young ones, and the ratios of the older generations. In
# a process with a thousand streams a full collection stops the clock for a quarter of a second, and what
# a run leaves behind is freed by its reference count.
_COLLECT_AFTER = (50_000, 50, 1_000)
_RUNS: WeakKeyDictionary[Environment, Run] = WeakKeyDictionary()


def current_run(environment: Environment) -> Run | None:
    """The run under way; None when there is none, for example because its input was bad."""
    return _RUNS.get(environment)


@events.init_command_line_parser.add_listener
def _add_options(parser: Any) -> None:
    add = parser.add_argument
    add("--wiremark-contract", metavar="NAME|FILE", help="contract that the endpoint promises")
    add("--wiremark-model", metavar="ID", help="model to ask (default: the contract's first)")
    add(
        "--wiremark-api-key",
        metavar="KEY",
        include_in_web_ui=False,
        help="else WIREMARK_API_KEY, OPENAI_API_KEY",
    )
    add("--wiremark-credentials", metavar="FILE", help="YAML of key roles; `default` is used")
    add("--wiremark-scenario", metavar="NAME|FILE", help="mix of requests (default: chat)")
    add("--wiremark-seed", metavar="N", type=int, help="repeats the prompts of an earlier run")
    add("--wiremark-report", metavar="DIR", help="folder for load.json and report.html")


def _given(environment: Environment) -> Given:
    options: Namespace = environment.parsed_options or Namespace()
    return Given(
        base_url=environment.host,
        contract=getattr(options, "wiremark_contract", None),
        model=getattr(options, "wiremark_model", None),
        api_key=getattr(options, "wiremark_api_key", None),
        credentials=getattr(options, "wiremark_credentials", None),
        scenario=getattr(options, "wiremark_scenario", None),
        seed=getattr(options, "wiremark_seed", None),
        out=getattr(options, "wiremark_report", None),
    )


@events.init.add_listener
def _attach(environment: Environment, **_: Any) -> None:
    """Listen to this environment's events, and refuse bad input before Locust starts anything."""
    if not environment.stop_timeout:  # a request that vanishes at the end could not be audited
        environment.stop_timeout = DRAIN_SECONDS
    Session(environment)
    options = environment.parsed_options
    if options is not None and options.wiremark_seed is None:
        options.wiremark_seed = draw_seed()  # here, so that the workers get the master's
    if options is None or not options.headless or isinstance(environment.runner, WorkerRunner):
        return  # in the web UI the host may still be typed; workers get their options from the master
    try:
        Run(resolve(_given(environment), os.environ), users=1).begin()
    except (WrongUse, CannotJudge) as error:
        sys.exit(_tell(error))


def _spare_collector(**_: Any) -> None:
    """What lives now lives as long as the run: keep the garbage collector from looking at it."""
    gc.collect()
    gc.freeze()


def _quit(worker: str) -> Any:
    message: Any = Message  # a class without annotations
    return message("quit", None, worker)


def _tell(error: Exception) -> int:
    """Say what is wrong; return the exit code for it."""
    print(f"wiremark: {error}", file=sys.stderr)
    return 2 if isinstance(error, WrongUse) else 3


class Session:
    """The listeners of one Locust process, whatever its part: alone, master or worker."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._reported_last: set[str] = set()  # workers whose users have all stopped, as the master knows
        self._stopped = False  # whether this worker's users have
        on: Any = environment.events
        on.test_start.add_listener(self._begin)
        on.test_stop.add_listener(self._end)
        on.quitting.add_listener(self._quitting)
        on.spawning_complete.add_listener(_spare_collector)
        on.report_to_master.add_listener(self._report)
        on.worker_report.add_listener(self._take_report)

    @property
    def _is_worker(self) -> bool:
        return isinstance(self._environment.runner, WorkerRunner)

    def _begin(self, environment: Environment, **_: Any) -> None:
        _RUNS.pop(environment, None)
        self._reported_last.clear()
        self._stopped = False
        gc.set_threshold(*_COLLECT_AFTER)
        _spare_collector()
        try:
            users = getattr(environment.runner, "target_user_count", 0)
            run = Run(resolve(_given(environment), os.environ), max(1, users))
            if not self._is_worker:
                run.begin()
        except (WrongUse, CannotJudge) as error:
            environment.process_exit_code = _tell(error)
            return
        _RUNS[environment] = run

    def _end(self, environment: Environment, **_: Any) -> None:
        self._stopped = True
        run = current_run(environment)
        if run is None or self._is_worker:
            return
        if isinstance(environment.runner, MasterRunner):
            run.lost_workers = self._collect(environment.runner)
        del _RUNS[environment]
        result = run.finish()
        print(result.text, flush=True)
        environment.process_exit_code = result.exit_code

    def _collect(self, runner: MasterRunner) -> int:
        """Wait for every worker's last report; return how many never came."""
        workers = {client.id for client in runner.clients.all}
        if runner.user_count:  # Locust is quitting: it has not yet told the workers, nor would it wait
            for worker in workers:
                runner.server.send_to_client(_quit(worker))
        deadline = time.monotonic() + self._environment.stop_timeout + _HAND_OVER_SECONDS
        while not workers <= self._reported_last and time.monotonic() < deadline:
            gevent.sleep(0.1)
        return len(workers - self._reported_last)

    def _quitting(self, environment: Environment, **_: Any) -> None:
        """Ctrl-C and SIGTERM come here first: stop and audit before Locust computes its exit code."""
        runner = environment.runner
        if runner is not None and not self._is_worker and current_run(environment) is not None:
            runner.stop()

    def _report(self, client_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002  Locust names them
        run = current_run(self._environment)
        if run is not None:
            data[_KEY] = {"last": self._stopped, "tally": run.hand_over().to_wire()}

    def _take_report(self, client_id: str, data: dict[str, Any]) -> None:
        part, run = data.get(_KEY), current_run(self._environment)
        if part is None or run is None:
            return
        run.take(part["tally"])
        if part["last"]:
            self._reported_last.add(client_id)
