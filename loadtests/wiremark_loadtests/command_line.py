"""The command line of `wiremark load`, and the Locust command line that it stands for. Pure."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from importlib.resources import files

from wiremark_schemas.yamlfile import BadFile

from wiremark_loadtests.arguments import positive, processes, whole_seconds
from wiremark_loadtests.settings import DRAIN_SECONDS
from wiremark_loadtests.traffic import demand as demands
from wiremark_loadtests.traffic.demand import BadDemand

_SECRET = "WIREMARK_API_KEY"  # noqa: S105  the name of a variable; the command line of a process is public
_LEAD = 1  # seconds that an open loop gets on top: its users connect before the first request is due


def seconds(options: argparse.Namespace) -> int | None:
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


def locust(options: argparse.Namespace, duration: int) -> list[str]:
    """The Locust command line of a run; it never holds the key."""
    given = {
        "--wiremark-contract": options.contract,
        "--wiremark-model": options.model,
        "--wiremark-credentials": None if options.api_key else options.credentials,
        "--wiremark-scenario": options.scenario,
        "--wiremark-seed": options.seed,
        "--wiremark-report": options.out,
        "--wiremark-arrivals": options.arrivals or (None if options.rate is None else "constant"),
        "--wiremark-stages": options.stages or _as_stage(options.rate, duration),
        "--wiremark-burstiness": options.burstiness,
        "--wiremark-trace": options.trace,
        "--wiremark-trace-speed": options.trace_speed,
        "--wiremark-slo": options.slo,
        "--wiremark-webhooks": options.webhooks,
        "--processes": options.processes,
        "--master-bind-host": options.master,
        "--expect-workers": options.workers,
    }
    is_open = bool(options.rate or options.trace or options.arrivals not in {None, demands.CLOSED})
    run_time = duration + (_LEAD if is_open else 0)
    return [
        *_entry(),
        *("--headless", "--only-summary", "--skip-log-setup"),
        *("--host", options.base_url, "--users", str(options.users)),
        *("--spawn-rate", str(options.spawn_rate or options.users)),
        *("--run-time", f"{run_time}s", "--stop-timeout", str(DRAIN_SECONDS)),
        *(["--master"] if options.master else []),
        *(["--expect-workers-max-wait", "60"] if options.workers else []),
        *_master_port(options),
        *(word for name, value in given.items() if value is not None for word in (name, str(value))),
    ]


def locust_worker(options: argparse.Namespace) -> list[str]:
    """The Locust command line of workers for a master elsewhere."""
    host, _, port = options.worker.partition(":")
    return [
        *_entry(),
        *("--worker", "--master-host", host, "--skip-log-setup"),
        *(["--master-port", port] if port else []),
        *(["--processes", str(options.processes)] if options.processes is not None else []),
    ]


def environment(options: argparse.Namespace, inherited: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: the key goes here, and no LOCUST_* setting of the user's leaks in."""
    kept = {name: value for name, value in inherited.items() if not name.startswith("LOCUST_")}
    return kept | ({_SECRET: options.api_key} if options.api_key else {})


def _entry() -> list[str]:
    return [
        *(sys.executable, "-m", "locust"),
        *("-f", str(files("wiremark_loadtests").joinpath("entry", "locustfile.py"))),
    ]


def _master_port(options: argparse.Namespace) -> list[str]:
    return [] if options.master_port is None else ["--master-bind-port", str(options.master_port)]


def _as_stage(rate: float | None, duration: int) -> str | None:
    return None if rate is None else f"{rate}@{duration}"


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="wiremark load",
        description="Load an endpoint, measure it, and audit what it charged. `wiremark load compare A B` "
        "holds one run against another.",
        epilog="The audit needs keys that nobody else uses meanwhile.",
    )
    add = found.add_argument
    add("--base-url", metavar="URL", help="such as http://127.0.0.1:8000/v1")
    add("--contract", metavar="NAME|FILE", help="its promises (default: generic)")
    add("--credentials", metavar="FILE", help="YAML of key roles; `default` is used unless a scenario says")
    add("--users", default=1, type=positive, metavar="N", help="concurrent users; in an open loop, the most")
    add("--duration", type=whole_seconds, metavar="SECONDS", help="default: of the stages or the trace")
    add("--model", metavar="ID", help="default: the contract's first")
    add("--api-key", metavar="KEY", help="else the credentials file or WIREMARK_API_KEY")
    add("--spawn-rate", type=positive, metavar="N", help="users per second (default: all)")
    add("--seed", type=int, metavar="N", help="repeats the prompts of an earlier run")
    add("--scenario", metavar="NAME|FILE", help="what is asked (default: chat)")
    add("--slo", metavar="SLO", help="such as ttft=500,tpot=40,itl=200,e2e=10000, in milliseconds")
    add("--webhooks", metavar="HOST[:PORT]", help="where the endpoint reaches this host (default: 127.0.0.1)")
    add("--out", metavar="DIR", help="folder for load.json, timeline.csv and report.html")
    _add_arrivals(found)
    _add_processes(found)
    return found


def _add_arrivals(found: argparse.ArgumentParser) -> None:
    add = found.add_argument_group(
        "arrivals", "Latency counts from the moment a request was due."
    ).add_argument
    add("--arrivals", choices=demands.KINDS, help="default: closed, or constant when there is a rate")
    add("--rate", type=float, metavar="R", help="requests per second")
    add("--stages", metavar="STAGES", help="LEVEL@SECONDS or FROM-TO@SECONDS, by commas: users, or a rate")
    add("--burstiness", type=float, metavar="K", help="shape of gamma arrivals: 1 is Poisson, less bursts")
    add("--trace", metavar="FILE", help="replay a Mooncake, Azure, BurstGPT or own trace")
    add("--trace-speed", type=float, metavar="X", help="play the trace X times as fast")
    add("--sweep", metavar="LOW-HIGH", help="find the highest rate that meets the SLO, --duration s each")


def _add_processes(found: argparse.ArgumentParser) -> None:
    add = found.add_argument_group("processes", "One process uses one core.").add_argument
    add("--processes", type=processes, metavar="N", help="generate from N processes; -1: one for each core")
    add("--master", metavar="ADDRESS", help="listen there for workers on other hosts, and generate nothing")
    add("--master-port", type=positive, metavar="PORT", help="where the master listens (default: 5557)")
    add("--workers", type=positive, metavar="N", help="workers that a master waits for")
    add("--worker", metavar="ADDRESS[:PORT]", help="generate for the master there; it knows the rest")
