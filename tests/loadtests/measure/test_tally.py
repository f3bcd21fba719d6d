"""Tallies of workers add up to the tally of the run."""

from __future__ import annotations

import json

from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.client.answer import Answer
from wiremark_loadtests.measure import slo
from wiremark_loadtests.measure.tally import Moments, Tally

SLO = slo.Slo()
OK = Receipt("a", "default", "m", Outcome.OK, 200, (3, 4), True)
HEADLESS = Receipt(None, "default", "m", Outcome.FAILED, None)


def _worker() -> Tally:
    tally = Tally()
    for _ in range(2):
        tally.start(0)
    tally.add(OK, Answer(Outcome.OK, "", (3, 4), 150, (5, 6)), Moments(90, 100, 140, 200), SLO)
    tally.add(HEADLESS, Answer(Outcome.FAILED, "reset"), Moments(100, 100, None, 900), SLO)
    return tally


def test_parts_travel_as_json_and_merge_exactly() -> None:
    whole = Tally()
    for _ in range(2):
        whole.merge(Tally.from_wire(json.loads(json.dumps(_worker().to_wire()))))
    assert whole.started == 4
    assert whole.receipts == [OK, HEADLESS] * 2
    assert whole.outcomes == {"ok": 2, "failed": 2}
    assert whole.errors == {"reset": 2}
    assert (whole.prompt_tokens, whole.completion_tokens) == (6, 8)
    assert {name: histogram.count for name, histogram in whole.histograms.items()} == {
        "time_to_first_byte": 2,
        "time_to_first_token": 2,
        "inter_token": 4,
        "per_output_token": 2,
        "end_to_end": 2,
        "service": 2,
        "queueing": 2,
        "wake_lag": 0,
        "loop_lag": 0,
    }
    slot = whole.timeline.slots[0]
    assert (slot.started, slot.ok, slot.failed, slot.output_tokens) == (4, 2, 2, 8)
    assert slot.histograms["inter_token"].count == 4


def test_what_is_handed_over_is_counted_once() -> None:
    tally = _worker()
    assert tally.take().started == 2
    assert tally.take().to_wire() == Tally().to_wire()


def test_failures_are_not_measured() -> None:
    assert _worker().histograms["end_to_end"].count == 1


def test_times_count_from_the_moment_that_a_request_was_due() -> None:
    measured = {name: histogram.maximum for name, histogram in _worker().histograms.items()}
    assert measured == {
        "time_to_first_byte": 50,
        "time_to_first_token": 60,
        "inter_token": 6,
        "per_output_token": 3,
        "end_to_end": 110,
        "service": 100,
        "queueing": 10,
        "wake_lag": 0,
        "loop_lag": 0,
    }


def test_only_answers_within_the_slo_are_good() -> None:
    tally = Tally()
    for ended in (1_000_000, 1_000_001):
        tally.add(OK, Answer(Outcome.OK, "", (3, 4)), Moments(0, 0, None, ended), slo.parse("e2e=1"))
    assert (tally.good, tally.outcomes["ok"]) == (1, 2)


def test_text_that_costs_no_token_is_doubtful() -> None:
    tally = Tally()
    tally.add(OK, Answer(Outcome.OK, "", (3, 0), 5), Moments(0, 0, 1, 9), SLO)
    assert (tally.doubtful, tally.events) == (1, 1)
