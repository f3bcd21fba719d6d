"""The audit: every kind of discrepancy, the smallest error, and the cases that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wiremark_loadtests.bill.audit import audit
from wiremark_loadtests.bill.findings import UnknownModelError, price_of
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.bill.rows import Row
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
FREE = ROW._replace(amount=0)

GOOD: dict[str, tuple[list[Receipt], list[Row]]] = {
    "charged as told": ([OK], [ROW]),
    "from the cache, as told": ([OK._replace(cached=True)], [FREE._replace(cached=True)]),
    "from the cache, no row": ([OK._replace(cached=True)], []),
    "from the cache, only the ledger says so": ([OK], [FREE._replace(cached=True)]),
    "refused, no row": ([REFUSED], []),
    "refused, released": ([REFUSED], [FREE._replace(state="released")]),
    "failed, no row": ([FAILED], []),
    "cut, no row": ([CUT], []),
    "cut, charged for what was made": ([CUT], [ROW._replace(completion_tokens=500, amount=280)]),
    "cut, released": ([CUT], [FREE._replace(state="released")]),
    "broke after its usage was told": ([OK._replace(outcome=Outcome.FAILED)], [ROW]),
    "no head, and a row that may be its own": ([HEADLESS], [ROW._replace(request_id="x")]),
}

BAD: dict[str, tuple[str, list[Receipt], list[Row]]] = {
    "no row": ("missing", [OK], []),
    "never settled": ("missing", [OK], [ROW._replace(state="held")]),
    "cut, never settled": ("missing", [CUT], [ROW._replace(state="held")]),
    "an answer without an id": ("missing", [OK._replace(request_id=None)], []),
    "released although answered": ("free-success", [OK], [FREE._replace(state="released")]),
    "nobody asked": ("unexplained", [], [ROW]),
    "a row, and a request that was never sent": (
        "unexplained",
        [HEADLESS._replace(sent=False)],
        [ROW._replace(request_id="x")],
    ),
    "more rows than requests without a head": (
        "unexplained",
        [HEADLESS],
        [ROW._replace(request_id="x"), ROW._replace(request_id="y")],
    ),
    "two rows": ("doubled", [OK], [ROW, ROW]),
    "one id for two answers": ("doubled", [OK, OK], [ROW]),
    "1 µUSD more": ("wrong-amount", [OK], [ROW._replace(amount=PRICE + 1)]),
    "1 µUSD less": ("wrong-amount", [OK], [ROW._replace(amount=PRICE - 1)]),
    "free success": ("free-success", [OK], [FREE]),
    "cached, but charged": ("wrong-amount", [OK._replace(cached=True)], [ROW]),
    "told a miss, not charged": ("free-success", [OK._replace(cached=False)], [FREE._replace(cached=True)]),
    "cut, 1 µUSD more than its tokens": ("wrong-amount", [CUT], [ROW._replace(amount=PRICE + 1)]),
    "no head, wrong in itself": ("wrong-amount", [HEADLESS], [ROW._replace(amount=PRICE + 1)]),
    "one token more, same price": ("wrong-usage", [OK], [ROW._replace(prompt_tokens=1001)]),
    "another model": ("wrong-usage", [OK], [ROW._replace(model="hermes-text-only")]),
    "refused, but charged": ("charged-failure", [REFUSED], [ROW]),
    "failed, but charged 1 µUSD": ("charged-failure", [FAILED], [ROW._replace(amount=1)]),
    "charged to another key": ("unexplained", [], [ROW._replace(role="restricted")]),
    "refused, hold left": ("charged-failure", [REFUSED], [ROW._replace(state="held")]),
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
    (found,) = audit([OK], [ROW._replace(amount=PRICE + 1)], CONTRACT).discrepancies
    assert (found.request_id, found.expected, found.charged) == ("r", PRICE, PRICE + 1)


def test_sums_what_was_expected_and_charged() -> None:
    other = OK._replace(request_id="q")
    found = audit([OK, other, REFUSED], [ROW, ROW._replace(request_id="q", amount=1)], CONTRACT)
    assert (found.receipts, found.rows, found.expected, found.charged) == (3, 2, 2 * PRICE, PRICE + 1)


def test_a_model_without_a_price_is_told() -> None:
    with pytest.raises(UnknownModelError, match="no price for the model 'x'"):
        audit([OK._replace(model="x")], [], CONTRACT)


def test_finds_one_wrong_row_among_many() -> None:
    receipts = [OK._replace(request_id=f"r{i}") for i in range(2000)]
    rows = [ROW._replace(request_id=f"r{i}", amount=PRICE + (i == 1234)) for i in reversed(range(2000))]
    (found,) = audit(receipts, rows, CONTRACT).discrepancies
    assert (found.kind, found.request_id) == ("wrong-amount", "r1234")


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_price_is_rounded_up_once(prompt: int, completion: int, per_in: int, per_out: int) -> None:
    exact = prompt * per_in + completion * per_out
    found = price_of(Price(per_in, per_out, 7), prompt, completion) - 7
    assert (found - 1) * 1_000_000 < exact <= found * 1_000_000
