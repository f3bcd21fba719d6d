"""The audit of a run under way: what is wrong shows as soon as it is known, and what is late is no wrong."""

from __future__ import annotations

import pytest
from wiremark_loadtests.bill.live import PATIENCE, LiveAudit
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.bill.rows import Row
from wiremark_schemas import contracts

CONTRACT = contracts.load("hermes-tokens")
MODEL = "deepseek-v4-flash"
PRICE = 420  # µUSD of 1000 prompt and 1000 completion tokens
OK = Receipt("r", "default", MODEL, Outcome.OK, 200, (1000, 1000), None)
NAMELESS = Receipt(None, "default", MODEL, Outcome.CUT, None)
ROW = Row("r", MODEL, 1000, 1000, PRICE, "settled", False)
HELD = ROW._replace(state="held")
LATE = PATIENCE + 1


@pytest.fixture
def live() -> LiveAudit:
    return LiveAudit(CONTRACT)


def _kinds(live: LiveAudit) -> list[str]:
    return [entry.kind for entry in live.discrepancies]


def test_a_receipt_and_its_row_meet_whichever_comes_first(live: LiveAudit) -> None:
    live.told([OK], 0)
    live.listed([], 0, 0)
    assert (live.judged, live.waiting) == (0, 1)
    live.listed([ROW, ROW._replace(request_id="q")], 1, 1)
    live.told([OK._replace(request_id="q")], 2)
    live.listed([], 2, 0)
    assert (live.judged, live.waiting, live.expected, live.charged) == (2, 0, 2 * PRICE, 2 * PRICE)
    assert _kinds(live) == []


def test_a_wrong_amount_shows_at_once_and_only_once(live: LiveAudit) -> None:
    live.told([OK], 0)
    for moment in range(3):
        live.listed([ROW._replace(amount=PRICE + 1)] if not moment else [], moment, 0)
    (found,) = live.discrepancies
    assert (found.kind, found.request_id, found.expected, found.charged) == (
        "wrong-amount",
        "r",
        PRICE,
        PRICE + 1,
    )


def test_a_charge_may_come_later_but_not_much(live: LiveAudit) -> None:
    live.told([OK], 0)
    live.listed([HELD], 1, 0)
    live.listed([HELD], PATIENCE - 1, 0)
    assert (_kinds(live), live.waiting) == ([], 1)
    live.listed([HELD], LATE, 0)
    assert _kinds(live) == ["missing"]


def test_an_answer_that_is_never_charged_is_missing(live: LiveAudit) -> None:
    live.told([OK], 0)
    live.listed([], LATE, 0)
    assert _kinds(live) == ["missing"]


def test_rows_that_nobody_asked_for_show_until_somebody_did(live: LiveAudit) -> None:
    live.listed([ROW], 0, 0)
    assert _kinds(live) == []
    live.listed([], LATE, 1)  # a request is under way that it may belong to
    assert _kinds(live) == []
    live.listed([], LATE, 0)
    assert _kinds(live) == ["unexplained"]
    live.told([NAMELESS], LATE)
    live.listed([], LATE, 0)
    assert _kinds(live) == []


def test_a_row_twice_in_one_list_is_doubled_and_a_held_one_seen_again_is_not(live: LiveAudit) -> None:
    live.listed([HELD], 0, 1)
    live.listed([HELD], 1, 1)
    assert _kinds(live) == []
    live.listed([ROW, ROW], 2, 1)
    assert _kinds(live) == ["doubled"]


def test_what_was_sent_again_waits_for_the_end(live: LiveAudit) -> None:
    live.told([OK._replace(claim="k")], 0)
    live.listed([ROW], 0, 0)
    live.listed([], LATE, 0)
    assert (_kinds(live), live.judged, live.waiting) == ([], 0, 1)
