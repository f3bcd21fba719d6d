"""`wiremark load --sweep`: the highest rate at which the endpoint meets its SLO.

Probes are runs of an open loop, one after the other: the bounds first, then the middle of what is left,
until the interval is narrow. A rate is met when enough requests were good. A rate that only the generator
missed says nothing about the endpoint: the search goes on below it, and the result says so.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import tempfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wiremark_reports.files import LOAD

from wiremark_loadtests import summary
from wiremark_loadtests.run import write

_BOUNDS = re.compile(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)", re.ASCII)
_NARROW = 1.05  # upper over lower bound at which the search ends
_MOST_PROBES = 16


@dataclass(frozen=True, slots=True)
class Probe:
    """One rate that was tried. met: None when the generator was the bottleneck."""

    rate: float
    met: bool | None


def search(low: float, high: float) -> Generator[float, bool, None]:
    """Rates to try, the bounds first; send back for each whether it was met."""
    if not (yield low) or (yield high):
        return
    for _ in range(_MOST_PROBES):
        if high / low <= _NARROW:
            return
        middle = math.sqrt(low * high)
        if (yield middle):
            low = middle
        else:
            high = middle


def sweep(options: argparse.Namespace, run: Callable[[argparse.Namespace], int]) -> int:
    """Search by `run`; return 0 when a rate was found, 1 when the lowest misses, else the run's own code."""
    bounds = _BOUNDS.fullmatch(options.sweep)
    low, high = (float(bounds[1]), float(bounds[2])) if bounds else (0.0, 0.0)
    if not 0 < low < high:
        return _refuse(f"{options.sweep!r} is no pair of rates; write LOW-HIGH, such as 1-100")
    if not options.slo or not options.duration:
        return _refuse("a sweep needs --slo and --duration")
    if options.rate or options.stages or options.trace:
        return _refuse("a sweep chooses the rates: leave out --rate, --stages and --trace")
    with tempfile.TemporaryDirectory(prefix="wiremark-sweep-") as folder:
        return _search(options, run, (low, high), Path(folder))


def _search(
    options: argparse.Namespace,
    run: Callable[[argparse.Namespace], int],
    bounds: tuple[float, float],
    folder: Path,
) -> int:
    found: list[tuple[Probe, dict[str, Any]]] = []
    rates = search(*bounds)
    rate = next(rates)
    while True:
        out = folder / f"{len(found)}"
        probe = argparse.Namespace(**vars(options))
        probe.rate, probe.out, probe.sweep = round(rate, 3), str(out), None
        code = run(probe)
        if not (out / LOAD).exists():
            return code
        load = json.loads((out / LOAD).read_text(encoding="utf-8"))
        met = summary.slo_met(load) or (False if load["generator"]["valid"] else None)
        found.append((Probe(probe.rate, met), load))
        print(f"sweep: {probe.rate:g}/s {_WORDS[met]}", flush=True)
        try:
            rate = rates.send(bool(met))
        except StopIteration:
            return _conclude([probe for probe, _ in found], [load for _, load in found], options.out)


_WORDS = {True: "meets the SLO", False: "misses the SLO", None: "is more than the generator can tell"}


def _conclude(probes: list[Probe], loads: list[dict[str, Any]], out: str | None) -> int:
    """Say the highest rate met; the report is of the run at it, with all the others beside."""
    met = [probe.rate for probe in probes if probe.met]
    choices = [number for number, probe in enumerate(probes) if probe.met] or range(1)
    best = loads[max(choices, key=lambda number: probes[number].rate)]
    best["sweep"] = {
        "highest_rate": max(met, default=None),
        "probes": sorted(
            (
                {
                    "rate": probe.rate,
                    "met": probe.met,
                    "goodput": load["goodput"]["per_second"],
                    "share": load["goodput"]["share"],
                    "time_to_first_token_p99_ms": load["latency_ms"]["time_to_first_token"]["p99"],
                }
                for probe, load in zip(probes, loads, strict=True)
            ),
            key=lambda entry: entry["rate"],
        ),
    }
    if out is not None:
        print(f"report: {write(best, Path(out))}")
    blind = min((probe.rate for probe in probes if probe.met is None), default=None)
    if blind is not None:
        print(f"from {blind:g}/s on the generator was the bottleneck: the endpoint may do more")
    if met:
        print(f"the highest rate that meets the SLO: {max(met):g} requests per second")
        return 0
    print(f"the lowest rate, {probes[0].rate:g} requests per second, does not meet the SLO")
    return 3 if probes[0].met is None else 1


def _refuse(message: str) -> int:
    print(f"wiremark load: {message}", file=sys.stderr)
    return 2
