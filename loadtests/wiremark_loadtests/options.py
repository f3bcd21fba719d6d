"""The options of a run as Locust's command line and web page take them, and as one value."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from locust.env import Environment
from locust.util.timespan import parse_timespan

from wiremark_loadtests.settings import Given
from wiremark_loadtests.traffic import demand

# Option, value's name, type, help. The destination is the option's name with underscores.
_OPTIONS: tuple[tuple[str, str, type, str], ...] = (
    ("--wiremark-contract", "NAME|FILE", str, "contract that the endpoint promises"),
    ("--wiremark-model", "ID", str, "model to ask (default: the contract's first)"),
    ("--wiremark-credentials", "FILE", str, "YAML of key roles; `default` is used"),
    ("--wiremark-scenario", "NAME|FILE", str, "mix of requests (default: chat)"),
    ("--wiremark-seed", "N", int, "repeats the prompts of an earlier run"),
    ("--wiremark-report", "DIR", str, "folder for load.json and report.html"),
    ("--wiremark-arrivals", "KIND", str, f"{', '.join(demand.KINDS)} (default: closed)"),
    ("--wiremark-rate", "R", float, "requests per second of an open loop"),
    ("--wiremark-stages", "STAGES", str, "such as 10@30,10-50@60: users, or requests per second"),
    ("--wiremark-burstiness", "K", float, "shape of gamma arrivals: 1 is Poisson, less comes in bursts"),
    ("--wiremark-trace", "FILE", str, "replay a Mooncake, Azure, BurstGPT or own trace"),
    ("--wiremark-trace-speed", "X", float, "play the trace X times as fast"),
    ("--wiremark-webhooks", "HOST[:PORT]", str, "where webhooks reach this host (default: 127.0.0.1)"),
    ("--wiremark-slo", "SLO", str, "such as ttft=500,tpot=40,e2e=10000, in milliseconds"),
)


def add_to(parser: Any) -> None:
    """Add every option to Locust's parser; all but the key show on its web page."""
    for name, metavar, kind, text in _OPTIONS:
        parser.add_argument(name, metavar=metavar, type=kind, help=text)
    parser.add_argument(
        "--wiremark-api-key",
        metavar="KEY",
        include_in_web_ui=False,
        help="else WIREMARK_API_KEY, OPENAI_API_KEY",
    )


def given(environment: Environment) -> Given:
    """What was typed on the command line or the web page."""
    parsed: Namespace = environment.parsed_options or Namespace()

    def told(name: str) -> Any:
        return getattr(parsed, f"wiremark_{name}", None) or None  # an empty field of the page is none

    return Given(
        base_url=environment.host,
        contract=told("contract"),
        model=told("model"),
        api_key=told("api_key"),
        credentials=told("credentials"),
        scenario=told("scenario"),
        seed=getattr(parsed, "wiremark_seed", None),
        out=told("report"),
        slo=told("slo"),
        webhooks=told("webhooks"),
        load=demand.Given(
            arrivals=told("arrivals"),
            rate=told("rate"),
            stages=told("stages"),
            seconds=_seconds(getattr(parsed, "run_time", None)),
            burstiness=told("burstiness"),
            trace=told("trace"),
            trace_speed=told("trace_speed"),
        ),
    )


def _seconds(run_time: Any) -> float | None:
    """Locust's run time: seconds, or text such as `1m30s` before it was read."""
    if not run_time:
        return None
    return float(parse_timespan(run_time) if isinstance(run_time, str) else run_time)
