"""The audit: every kind of discrepancy, the smallest error, and the cases that are none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wiremark_loadtests.bill.audit import Row, audit
from wiremark_loadtests.bill.findings import UnknownModelError, price_of
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Price

CONTRACT = contracts.load("hermes-tokens")
MODEL = "deepseek-v4-flash"
PRICE = 420  # µUSD of 1000 prompt and 1000 completion tokens

OK = Receipt("r", "default", MODEL, Outcome.OK, 200, (1000, 1000), None)
REFUSED = Receipt("r", "default", MODEL, Outcome.REFUSED, 429)
FAILED = Receipt("r", "default", MODEL, Outcome.FAILED, 500)
CUT = Receipt("r", "default", MODEL, Outcome.CUT, 200)
HEADLESS = Receipt(None, "default", MODEL, Outcome.FAILED, None)
ROW = Row("r", MODEL, 1000, 1000, PRICE, "settled", False)
FREE = replace(ROW, amount=0)

GOOD: dict[str, tuple[list[Receipt], list[Row]]] = {
    "charged as told": ([OK], [ROW]),
    "from the cache, as told": ([replace(OK, cached=True)], [replace(FREE, cached=True)]),
    "from the cache, no row": ([replace(OK, cached=True)], []),
    "from the cache, only the ledger says so": ([OK], [replace(FREE, cached=True)]),
    "refused, no row": ([REFUSED], []),
    "refused, released": ([REFUSED], [replace(FREE, state="released")]),
    "failed, no row": ([FAILED], []),
    "cut, no row": ([CUT], []),
    "cut, charged for what was made": ([CUT], [replace(ROW, completion_tokens=500, amount=280)]),
    "cut, released": ([CUT], [replace(FREE, state="released")]),
    "broke after its usage was told": ([replace(OK, outcome=Outcome.FAILED)], [ROW]),
    "no head, and a row that may be its own": ([HEADLESS], [replace(ROW, request_id="x")]),
}

BAD: dict[str, tuple[str, list[Receipt], list[Row]]] = {
    "no row": ("missing", [OK], []),
    "never settled": ("missing", [OK], [replace(ROW, state="held")]),
    "cut, never settled": ("missing", [CUT], [replace(ROW, state="held")]),
    "an answer without an id": ("missing", [replace(OK, request_id=None)], []),
    "released although answered": ("free-success", [OK], [replace(FREE, state="released")]),
    "nobody asked": ("unexplained", [], [ROW]),
    "a row, and a request that was never sent": (
        "unexplained",
        [replace(HEADLESS, sent=False)],
        [replace(ROW, request_id="x")],
    ),
    "more rows than requests without a head": (
        "unexplained",
        [HEADLESS],
        [replace(ROW, request_id="x"), replace(ROW, request_id="y")],
    ),
    "two rows": ("doubled", [OK], [ROW, ROW]),
    "one id for two answers": ("doubled", [OK, OK], [ROW]),
    "1 µUSD more": ("wrong-amount", [OK], [replace(ROW, amount=PRICE + 1)]),
    "1 µUSD less": ("wrong-amount", [OK], [replace(ROW, amount=PRICE - 1)]),
    "free success": ("free-success", [OK], [FREE]),
    "cached, but charged": ("wrong-amount", [replace(OK, cached=True)], [ROW]),
    "told a miss, not charged": ("free-success", [replace(OK, cached=False)], [replace(FREE, cached=True)]),
    "cut, 1 µUSD more than its tokens": ("wrong-amount", [CUT], [replace(ROW, amount=PRICE + 1)]),
    "no head, wrong in itself": ("wrong-amount", [HEADLESS], [replace(ROW, amount=PRICE + 1)]),
    "one token more, same price": ("wrong-usage", [OK], [replace(ROW, prompt_tokens=1001)]),
    "another model": ("wrong-usage", [OK], [replace(ROW, model="hermes-text-only")]),
    "refused, but charged": ("charged-failure", [REFUSED], [ROW]),
    "failed, but charged 1 µUSD": ("charged-failure", [FAILED], [replace(ROW, amount=1)]),
    "charged to another key": ("unexplained", [], [replace(ROW, role="restricted")]),
    "refused, hold left": ("charged-failure", [REFUSED], [replace(ROW, state="held")]),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_is_right_is_no_discrepancy(case: str) -> None:
    receipts, rows = GOOD[case]
    assert audit(receipts, rows, CONTRACT).discrepancies == ()


@pytest.mark.parametrize("case", BAD)
def test_finds_each_kind_of_discrepancy_once(case: str) -> None:
    kind, receipts, rows = BAD[case]
    found = audit(receipts, rows, CONTRACT)
    assert [entry.kind for entry in found.discrepancies] == [kind]
    assert not found.ok


def test_names_the_request_and_both_amounts() -> None:
    (found,) = audit([OK], [replace(ROW, amount=PRICE + 1)], CONTRACT).discrepancies
    assert (found.request_id, found.expected, found.charged) == ("r", PRICE, PRICE + 1)


def test_sums_what_was_expected_and_charged() -> None:
    other = replace(OK, request_id="q")
    found = audit([OK, other, REFUSED], [ROW, replace(ROW, request_id="q", amount=1)], CONTRACT)
    assert (found.receipts, found.rows, found.expected, found.charged) == (3, 2, 2 * PRICE, PRICE + 1)


def test_a_model_without_a_price_is_told() -> None:
    with pytest.raises(UnknownModelError, match="no price for the model 'x'"):
        audit([replace(OK, model="x")], [], CONTRACT)


def test_finds_one_wrong_row_among_many() -> None:
    receipts = [replace(OK, request_id=f"r{i}") for i in range(2000)]
    rows = [replace(ROW, request_id=f"r{i}", amount=PRICE + (i == 1234)) for i in reversed(range(2000))]
    (found,) = audit(receipts, rows, CONTRACT).discrepancies
    assert (found.kind, found.request_id) == ("wrong-amount", "r1234")


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_price_is_rounded_up_once(prompt: int, completion: int, per_in: int, per_out: int) -> None:
    exact = prompt * per_in + completion * per_out
    found = price_of(Price(per_in, per_out, 7), prompt, completion) - 7
    assert (found - 1) * 1_000_000 < exact <= found * 1_000_000
