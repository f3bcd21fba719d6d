"""Counts and numbers as text, and what makes a report ok."""

from __future__ import annotations

from typing import Any

import pytest
from wiremark_reports import figures
from wiremark_reports.record import Deviation, Verdict


def test_a_tally_counts_in_the_order_of_the_verdicts_and_leaves_out_zeros(make_result: Any) -> None:
    verdicts = [Verdict.WARN, Verdict.PASS, Verdict.FAIL, Verdict.PASS]
    results = [make_result(f"a.b{position}", verdict) for position, verdict in enumerate(verdicts)]
    assert list(figures.tally(results).items()) == [(Verdict.PASS, 2), (Verdict.FAIL, 1), (Verdict.WARN, 1)]
    assert figures.tally([]) == {}


def test_findings_come_gravest_first_and_accepted_ones_last(make_result: Any, deviation: Deviation) -> None:
    results = [
        make_result("a.pass"),
        make_result("a.accepted", Verdict.FAIL, deviation=deviation),
        make_result("a.warn", Verdict.WARN, level="SHOULD"),
        make_result("a.may", Verdict.FAIL, level="MAY"),
        make_result("a.fail", Verdict.FAIL),
        make_result("a.undeclared", Verdict.UNDECLARED),
        make_result("a.silent", Verdict.SILENT),
    ]
    found = [result.requirement for result in figures.findings(results)]
    assert found == ["a.fail", "a.may", "a.silent", "a.warn", "a.accepted"]


def test_areas_keep_the_order_of_first_appearance(make_result: Any) -> None:
    results = [make_result("b.1"), make_result("a.1"), make_result("b.2")]
    assert {area: len(members) for area, members in figures.by_area(results).items()} == {"b": 2, "a": 1}
    assert list(figures.by_area(results)) == ["b", "a"]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_report_is_ok_unless_something_blocks_that_no_deviation_covers(
    verdict: Verdict, make_report: Any, make_result: Any, deviation: Deviation
) -> None:
    blocking = verdict in {Verdict.FAIL, Verdict.INFRA, Verdict.HARNESS_ERROR}
    assert make_report(make_result(), make_result("a.b", verdict)).ok is not blocking
    assert make_report(make_result("a.b", verdict, deviation=deviation)).ok


@pytest.mark.parametrize(
    ("microusd", "text"),
    [
        (0, "$0.000000"),
        (1, "$0.000001"),
        (-1, "-$0.000001"),
        (1_234_567_890_123, "$1,234,567.890123"),
        (9_007_199_254_740_993_000_001, "$9,007,199,254,740,993.000001"),  # no float holds this
    ],
)
def test_dollars_are_exact(microusd: int, text: str) -> None:
    assert figures.usd(microusd) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.00 s"), (9.994, "9.99 s"), (12.34, "12.3 s"), (185.2, "3 min 05 s")]
)
def test_durations(value: float, text: str) -> None:
    assert figures.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "—"), (0.123, "0.12"), (12.34, "12.3"), (1820.6, "1,821"), (0.0, "0.00")]
)
def test_latencies(value: float | None, text: str) -> None:
    assert figures.milliseconds(value) == text


def test_nouns_agree_with_their_number() -> None:
    assert figures.count(1, "request") == "1 request"
    assert figures.count(1200, "request") == "1,200 requests"
    assert figures.rate(0.4) == "0.40"
    assert figures.rate(2384.125) == "2,384.1"
