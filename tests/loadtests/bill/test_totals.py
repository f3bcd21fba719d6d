"""What a balance shows by itself, and beside the rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wiremark_loadtests.bill import totals
from wiremark_loadtests.bill.audit import Audit
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.bill.totals import Balance
from wiremark_schemas import contracts

CONTRACT = contracts.load("hermes-tokens")
OK = Receipt("r", "default", "deepseek-v4-flash", Outcome.OK, 200, (1000, 1000), ceiling=(2000, 1000))
CUT = OK._replace(outcome=Outcome.CUT, tokens=None)
REFUSED = OK._replace(outcome=Outcome.REFUSED, tokens=None, status=429)
LOST = CUT._replace(outcome=Outcome.FAILED, status=None)
UNSENT = LOST._replace(sent=False)
CEILING = 560  # µUSD of 2000 prompt and 1000 completion tokens
BEFORE = Balance(10_000, 5)

CASES = [
    ([OK], 420, True),
    ([OK], 419, False),
    ([OK], 421, False),
    ([OK, REFUSED], 420, True),
    ([REFUSED], 1, False),
    ([OK._replace(cached=True)], 0, True),
    ([CUT], 0, True),
    ([CUT], CEILING, True),
    ([CUT], CEILING + 1, False),
    ([OK, LOST], 420 + CEILING, True),
    ([OK, UNSENT], 421, False),
    ([], -1, False),
]


@pytest.mark.parametrize(("receipts", "moved", "ok"), CASES)
def test_the_balance_moves_by_what_the_requests_cost(receipts: list[Receipt], moved: int, ok: bool) -> None:
    after = replace(BEFORE, free=BEFORE.free - moved)
    found = totals.audit(receipts, BEFORE, after, CONTRACT)
    assert [entry.kind for entry in found.discrepancies] == ([] if ok else ["wrong-total"])
    assert (found.charged, found.basis) == (moved, "balance")


def test_money_that_stays_set_aside_is_found() -> None:
    (found,) = totals.of_balance(BEFORE, Balance(9_990, 15))
    assert (found.kind, found.charged) == ("wrong-total", 15)
    assert totals.of_balance(BEFORE, Balance(10_000, 5)) == []


def test_a_balance_below_nothing_is_found() -> None:
    (found,) = totals.of_balance(BEFORE, Balance(-1, 5))
    assert (found.kind, found.charged) == ("negative-balance", -1)


def test_rows_are_held_to_the_money_that_moved() -> None:
    audited = Audit(1, 1, 420, 420, ())
    assert totals.of_rows(audited, BEFORE, replace(BEFORE, free=9_580)) == []
    (found,) = totals.of_rows(audited, BEFORE, replace(BEFORE, free=9_579))
    assert (found.kind, found.expected, found.charged) == ("wrong-total", 420, 421)
