"""The histogram: its error bound, and that merging loses nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wiremark_loadtests.measure.recorder import ERROR, Histogram

durations = st.lists(st.integers(0, 10**13), min_size=1, max_size=200)


def _of(values: list[int]) -> Histogram:
    histogram = Histogram()
    histogram.record_all(values)
    return histogram


@given(durations, st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_is_within_the_error_of_the_true_one(values: list[int], share: float) -> None:
    true = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    found = _of(values).quantile(share)
    assert found is not None
    assert abs(found - true) <= true * ERROR * (1 + 1e-9)
    assert ERROR <= 0.01


@given(durations, durations)
def test_merging_gives_the_histogram_of_all_values(left: list[int], right: list[int]) -> None:
    merged = _of(left)
    merged.merge(Histogram.from_wire(_of(right).to_wire()))
    assert merged.to_wire()[:3] == _of(left + right).to_wire()[:3]
    assert merged.buckets == _of(left + right).buckets
    assert merged.count == len(left) + len(right)


def test_merging_nothing_changes_nothing() -> None:
    histogram = _of([5])
    histogram.merge(Histogram())
    assert (histogram.minimum, histogram.maximum, histogram.count) == (5, 5, 1)


def test_the_summary_is_in_the_unit_asked_for() -> None:
    summary = _of([2_000_000, 4_000_000]).scaled(1e6)
    assert (summary.count, summary.mean, summary.max) == (2, 3.0, 4.0)
    assert summary.p50 == pytest.approx(2.0, rel=0.01)


def test_nothing_recorded_is_null_and_not_zero() -> None:
    summary = Histogram().scaled(1e6)
    assert (summary.count, summary.mean, summary.p50, summary.max) == (0, None, None, None)


def test_a_negative_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        Histogram().record(-1)
