"""Tallies of workers add up to the tally of the run."""

from __future__ import annotations

import json

from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.client.answer import Answer
from wiremark_loadtests.measure.tally import Tally

OK = Receipt("a", "default", "m", Outcome.OK, 200, (3, 4), True)
HEADLESS = Receipt(None, "default", "m", Outcome.FAILED, None)


def _worker() -> Tally:
    tally = Tally()
    tally.started = 2
    tally.add(OK, Answer(Outcome.OK, "", (3, 4), 150, (5, 6)), sent_ns=100, ended_ns=200)
    tally.add(HEADLESS, Answer(Outcome.FAILED, "reset"), sent_ns=100, ended_ns=900)
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
        "time_to_first_token": 2,
        "inter_token": 4,
        "end_to_end": 2,
    }


def test_what_is_handed_over_is_counted_once() -> None:
    tally = _worker()
    assert tally.take().started == 2
    assert tally.take().to_wire() == Tally().to_wire()


def test_failures_are_not_measured() -> None:
    assert _worker().histograms["end_to_end"].maximum == 100
