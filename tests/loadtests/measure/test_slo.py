"""Objectives: what they accept, and how they are written."""

from __future__ import annotations

import pytest
from wiremark_loadtests.measure import slo
from wiremark_loadtests.measure.slo import BadSlo, Times

MS = 1_000_000


def test_bounds_are_inclusive_and_what_was_not_measured_passes() -> None:
    bounded = slo.parse("ttft=500, e2e=10")
    assert bounded.bounds == {"ttft": 500.0, "e2e": 10.0}
    assert bounded.met(Times(10 * MS))
    assert bounded.met(Times(10 * MS, ttft=500 * MS))
    assert not bounded.met(Times(10 * MS, ttft=500 * MS + 1))
    assert not bounded.met(Times(10 * MS + 1))


def test_one_long_gap_breaks_itl_where_the_mean_hides_it() -> None:
    times = Times(0, 0, tpot=21 * MS, itl=500 * MS)
    assert slo.parse("tpot=25").met(times)
    assert not slo.parse("itl=100").met(times)


@pytest.mark.parametrize(
    "text", ["", "ttft", "ttft=", "ttft=0", "ttft=-1", "ttft=x", "p99=3", "ttft=inf", "ttft=1,ttft=2"]
)
def test_what_is_no_objective_is_refused(text: str) -> None:
    with pytest.raises(BadSlo):
        slo.parse(text)
