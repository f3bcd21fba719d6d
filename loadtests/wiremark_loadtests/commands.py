"""`wiremark load`: a headless Locust run in a process of its own, and the audit of its bill.

Locust patches the process that it runs in, so it gets its own; what it runs is the same file that
`locust -f` runs, with the same options.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.util import find_spec

from wiremark_schemas.yamlfile import BadFile

from wiremark_loadtests import children
from wiremark_loadtests.arguments import positive, whole_seconds
from wiremark_loadtests.demo import demo
from wiremark_loadtests.settings import DRAIN_SECONDS
from wiremark_loadtests.traffic import demand as demands
from wiremark_loadtests.traffic.demand import BadDemand

__all__ = ["demo", "load"]

_SECRET = "WIREMARK_API_KEY"  # noqa: S105  the name of a variable; the command line of a process is public
_LEAD = 1  # seconds that an open loop gets on top: its users connect before the first request is due
_LIMIT_BEYOND = 60  # seconds beyond duration and drain after which the run is ended by force


def load(argv: Sequence[str]) -> int:
    """Run a load test; return 0 good, 1 findings, 2 wrong use, 3 the endpoint could not be judged."""
    options = _parser().parse_args(argv)
    if find_spec("locust") is None:
        print("wiremark: load tests need Locust: install wiremark[load]", file=sys.stderr)
        return 2
    seconds = _seconds(options)
    if seconds is None:
        print("wiremark load: say how long: --duration, --stages or --trace", file=sys.stderr)
        return 2
    limit = seconds + DRAIN_SECONDS + _LIMIT_BEYOND
    with children.running(command(options, seconds), environment(options, os.environ)) as child:
        try:
            return _exit_code(child.wait(timeout=limit))
        except subprocess.TimeoutExpired:
            print(f"wiremark: the load run did not end within {limit:g} s and was stopped", file=sys.stderr)
            return 3


def _exit_code(code: int) -> int:
    return code if code in {0, 1, 2, 3} else 3


def _seconds(options: argparse.Namespace) -> int | None:
    """How long requests are sent: as asked, else as long as the stages or the trace are."""
    if options.duration is not None:
        return int(options.duration)
    given = demands.Given(stages=options.stages, trace=options.trace, trace_speed=options.trace_speed)
    try:
        demand = demands.resolve(given)
    except (BadDemand, BadFile):
        return 1  # the run itself says what is wrong
    if demand.stages is not None:
        return math.ceil(demand.stages.seconds)
    return math.ceil(demand.trace[-1].at) + 1 if demand.trace else None


def command(options: argparse.Namespace, seconds: int) -> list[str]:
    """The Locust command line of a run; it never holds the key."""
    given = {
        "--wiremark-contract": options.contract,
        "--wiremark-model": options.model,
        "--wiremark-credentials": None if options.api_key else options.credentials,
        "--wiremark-scenario": options.scenario,
        "--wiremark-seed": options.seed,
        "--wiremark-report": options.out,
        "--wiremark-arrivals": options.arrivals or (None if options.rate is None else "constant"),
        "--wiremark-stages": options.stages or _as_stage(options.rate, seconds),
        "--wiremark-burstiness": options.burstiness,
        "--wiremark-trace": options.trace,
        "--wiremark-trace-speed": options.trace_speed,
        "--wiremark-slo": options.slo,
    }
    entry = files("wiremark_loadtests").joinpath("entry", "locustfile.py")
    return [
        *(sys.executable, "-m", "locust", "-f", str(entry)),
        *("--headless", "--only-summary", "--skip-log-setup"),
        *("--host", options.base_url, "--users", str(options.users)),
        *("--spawn-rate", str(options.spawn_rate or options.users)),
        *(
            "--run-time",
            f"{seconds + (_LEAD if _is_open(options) else 0)}s",
            "--stop-timeout",
            str(DRAIN_SECONDS),
        ),
        *(word for name, value in given.items() if value is not None for word in (name, str(value))),
    ]


def _is_open(options: argparse.Namespace) -> bool:
    return bool(options.rate or options.trace or options.arrivals not in {None, demands.CLOSED})


def _as_stage(rate: float | None, seconds: int) -> str | None:
    return None if rate is None else f"{rate}@{seconds}"


def environment(options: argparse.Namespace, inherited: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: the key goes here, and no LOCUST_* setting of the user's leaks in."""
    kept = {name: value for name, value in inherited.items() if not name.startswith("LOCUST_")}
    return kept | ({_SECRET: options.api_key} if options.api_key else {})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wiremark load",
        description="Load an endpoint with streaming chat, measure it, and audit what it charged.",
        epilog="The audit needs a key that nobody else uses meanwhile.",
    )
    parser.add_argument("--base-url", required=True, metavar="URL", help="such as http://127.0.0.1:8000/v1")
    parser.add_argument("--contract", metavar="NAME|FILE", help="its promises (default: generic)")
    parser.add_argument("--credentials", metavar="FILE", help="YAML of key roles; `default` is used")
    parser.add_argument(
        "--users", default=1, type=positive, metavar="N", help="concurrent users; in an open loop, the most"
    )
    parser.add_argument(
        "--duration",
        type=whole_seconds,
        metavar="SECONDS",
        help="default: as long as the stages or the trace",
    )
    parser.add_argument("--model", metavar="ID", help="default: the contract's first")
    parser.add_argument("--api-key", metavar="KEY", help="else the credentials file or WIREMARK_API_KEY")
    parser.add_argument("--spawn-rate", type=positive, metavar="N", help="users per second (default: all)")
    parser.add_argument("--seed", type=int, metavar="N", help="repeats the prompts of an earlier run")
    parser.add_argument("--scenario", metavar="NAME|FILE", help="mix of requests (default: chat)")
    parser.add_argument("--out", metavar="DIR", help="folder for load.json and report.html")
    open_loop = parser.add_argument_group("arrivals", "Latency counts from the moment a request was due.")
    add = open_loop.add_argument
    add("--arrivals", choices=demands.KINDS, help="default: closed, or constant when there is a rate")
    add("--rate", type=float, metavar="R", help="requests per second")
    add("--stages", metavar="STAGES", help="LEVEL@SECONDS or FROM-TO@SECONDS, by commas: users, or a rate")
    add("--burstiness", type=float, metavar="K", help="shape of gamma arrivals: 1 is Poisson, less bursts")
    add("--trace", metavar="FILE", help="replay a Mooncake, Azure, BurstGPT or own trace")
    add("--trace-speed", type=float, metavar="X", help="play the trace X times as fast")
    add("--slo", metavar="SLO", help="such as ttft=500,tpot=40,itl=200,e2e=10000, in milliseconds")
    return parser
