"""`wiremark load`: a headless Locust run in a process of its own, and the audit of its bill.

Locust patches the process that it runs in, so it gets its own; what it runs is the same file that
`locust -f` runs, with the same options.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from wiremark_loadtests import children, command_line, comparing, sweeping
from wiremark_loadtests.bill.spool import NAME as RECEIPTS
from wiremark_loadtests.demo import demo
from wiremark_loadtests.settings import DRAIN_SECONDS

__all__ = ["demo", "load"]

_CODES = frozenset({0, 1, 2, 3})
_LIMIT_BEYOND = 300  # seconds beyond duration and drain after which the run is ended by force
_WORKER_SECONDS = 7 * 24 * 3600  # a worker lives as long as its master has work for it


def load(argv: Sequence[str]) -> int:
    """Run a load test; return 0 good, 1 findings, 2 wrong use, 3 the endpoint could not be judged."""
    if argv[:1] == ["compare"]:
        return comparing.compare(argv[1:])
    options = command_line.parser().parse_args(argv)
    if find_spec("locust") is None:
        return _refuse("load tests need Locust: install wiremark[load]")
    if options.worker:
        return run(command_line.locust_worker(options), options, _WORKER_SECONDS)
    if not options.base_url:
        return _refuse("say what to load: --base-url")
    seconds = command_line.seconds(options)
    if seconds is None:
        return _refuse("say how long: --duration, --stages or --trace")
    if options.sweep:
        return sweeping.sweep(options, lambda probe: load_once(probe, seconds))
    return load_once(options, seconds)


def load_once(options: argparse.Namespace, seconds: int) -> int:
    """One run of so many seconds."""
    return run(command_line.locust(options, seconds), options, seconds + DRAIN_SECONDS + _LIMIT_BEYOND)


def run(command: Sequence[str], options: argparse.Namespace, limit: float) -> int:
    with children.running(command, command_line.environment(options, os.environ)) as child:
        try:
            code = child.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            print(f"wiremark: the load run did not end within {limit:g} s and was stopped", file=sys.stderr)
            return 3
    if code not in _CODES:
        _say_what_is_left(code, options.out)
    return code if code in _CODES else 3


def _say_what_is_left(code: int, out: str | None) -> None:
    """A run that was killed could say nothing itself."""
    told = f"the load run was ended by signal {-code}" if code < 0 else f"the load run ended with code {code}"
    receipts = Path(out) / RECEIPTS if out else None
    if receipts is not None and receipts.exists():
        told += f"; the receipts that it had are in {receipts}"
    print(f"wiremark: {told}; nothing was audited", file=sys.stderr)


def _refuse(message: str) -> int:
    print(f"wiremark load: {message}", file=sys.stderr)
    return 2
