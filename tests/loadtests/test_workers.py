"""What master and workers know of each other."""

from __future__ import annotations

from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.measure.health import Worker
from wiremark_loadtests.measure.tally import Tally
from wiremark_loadtests.workers import Clocks, Unconfirmed

RECEIPT = Receipt("r", "default", "m", Outcome.OK, 200, (1, 2), sent_ms=1000, at_ms=1200)


def test_a_clock_is_put_right_by_the_quickest_message() -> None:
    clocks = Clocks()
    assert clocks.heard("near", 1000, 1499) == 0  # a message may take so long
    assert clocks.heard("slow", 1000, 4000) == 3000
    assert clocks.heard("slow", 5000, 7200) == 2200
    assert clocks.heard("slow", 9000, 13_000) == 2200
    assert clocks.heard("ahead", 70_000, 10_000) == -60_000


def test_receipts_of_a_late_clock_are_shifted() -> None:
    tally = Tally()
    tally.receipts = [RECEIPT]
    tally.workers = {"w": Worker()}
    tally.shift(2200)
    assert [(one.sent_ms, one.at_ms) for one in tally.receipts] == [(3200, 3400)]
    assert tally.workers["w"].behind_ms == 2200


def test_receipts_are_kept_until_the_master_was_heard_of_again() -> None:
    kept = Unconfirmed()
    kept.add(1.0, [RECEIPT])
    kept.add(4.0, [RECEIPT._replace(request_id="s")])
    kept.alive(0.5)
    kept.alive(2.0)
    assert [one.request_id for one in kept.take()] == ["s"]
    assert kept.take() == []
