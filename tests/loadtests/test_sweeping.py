"""The search for the highest rate that meets an SLO."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from wiremark_loadtests import sweeping
from wiremark_reports import reader

CAPACITY = 37.0


def _rates(low: float, high: float, capacity: float) -> list[float]:
    """The rates that a search tries at an endpoint of that capacity."""
    search = sweeping.search(low, high)
    tried = [next(search)]
    try:
        while True:
            tried.append(search.send(tried[-1] <= capacity))
    except StopIteration:
        return tried


def test_the_interval_is_halved_until_it_is_narrow() -> None:
    tried = _rates(1, 1000, CAPACITY)
    met = max(rate for rate in tried if rate <= CAPACITY)
    missed = min(rate for rate in tried if rate > CAPACITY)
    assert missed / met <= 1.05
    assert len(tried) < 14


def test_bounds_that_settle_it_are_the_only_probes() -> None:
    assert _rates(40, 50, CAPACITY) == [40]
    assert _rates(1, 30, CAPACITY) == [1, 30]


@pytest.mark.parametrize(("capacity", "code", "highest"), [(CAPACITY, 0, 37.0), (0.5, 1, None)])
def test_the_report_is_of_the_best_run_with_all_probes(
    capacity: float, code: int, highest: float | None, tmp_path: Path, load_json: Any
) -> None:
    def run(probe: argparse.Namespace) -> int:
        share = 1.0 if probe.rate <= capacity else 0.5
        document = load_json(goodput={"slo_ms": {"ttft": 1.0}, "good": 1, "per_second": 1.0, "share": share})
        Path(probe.out).mkdir()
        (Path(probe.out) / "load.json").write_text(json.dumps(document))
        return 0

    options = argparse.Namespace(
        sweep="1-100", slo="ttft=1", duration=1, rate=None, stages=None, trace=None, out=str(tmp_path / "out")
    )
    assert sweeping.sweep(options, run) == code
    found = reader.read_load(tmp_path / "out" / "load.json")["sweep"]
    if highest is None:
        assert found["highest_rate"] is None
    else:
        assert highest / 1.05 <= found["highest_rate"] <= highest
    rates = [probe["rate"] for probe in found["probes"]]
    assert rates == sorted(rates)


def test_a_run_that_could_not_be_made_ends_the_sweep(tmp_path: Path) -> None:
    options = argparse.Namespace(
        sweep="1-2", slo="ttft=1", duration=1, rate=None, stages=None, trace=None, out=str(tmp_path)
    )
    assert sweeping.sweep(options, lambda _: 3) == 3
