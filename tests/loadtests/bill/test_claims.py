"""Requests sent again under one idempotency key: charged once together, however it was written down."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wiremark_loadtests.bill.audit import audit
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.bill.rows import Row
from wiremark_schemas import contracts

CONTRACT = contracts.load("hermes-tokens")
MODEL = "deepseek-v4-flash"
PRICE = 420  # µUSD of 1000 prompt and 1000 completion tokens
PART = 280  # of half of the completion

CUT = Receipt("a", "default", MODEL, Outcome.CUT, 200, claim="k")
LOST = CUT._replace(request_id=None, status=None)
UNSENT = LOST._replace(outcome=Outcome.FAILED, sent=False)
BUSY = Receipt("b", "default", MODEL, Outcome.REFUSED, 409, claim="k")
FAILED = Receipt("b", "default", MODEL, Outcome.FAILED, 500, claim="k")
OK = Receipt("z", "default", MODEL, Outcome.OK, 200, (1000, 1000), False, claim="k")
AGAIN = OK._replace(request_id="a")
ROW = Row("z", MODEL, 1000, 1000, PRICE, "settled", False)
HALF = Row("a", MODEL, 1000, 500, PART, "settled", False)
REST = ROW._replace(amount=PRICE - PART)
WHOLE = ROW._replace(request_id="a")
REPLAY = ROW._replace(amount=0, cached=True)
NAMELESS = ROW._replace(request_id="x")

GOOD: dict[str, tuple[list[Receipt], list[Row]]] = {
    "answered at once": ([OK], [ROW]),
    "a part, then the rest": ([CUT, OK], [HALF, REST]),
    "made whole, then answered again": ([CUT, OK], [WHOLE, REPLAY]),
    "made whole, then answered again under the first id": ([CUT, AGAIN], [WHOLE]),
    "answered twice under one id": ([AGAIN, AGAIN], [WHOLE]),
    "answered twice, the second a replay": ([AGAIN, OK], [WHOLE, REPLAY]),
    "taken back, then answered": ([CUT, OK], [HALF._replace(amount=0, state="released"), ROW]),
    "told to wait, then answered": ([CUT, BUSY, OK], [HALF, REST]),
    "a failure that charges nothing": ([FAILED, OK], [ROW]),
    "cut without an id, then answered again": ([LOST, OK], [NAMELESS, REPLAY]),
    "cut without an id, and it came to nothing": ([LOST, OK], [ROW]),
    "a part, the rest without an id, then again": (
        [CUT, LOST, OK],
        [HALF, NAMELESS._replace(amount=PRICE - PART), REPLAY],
    ),
    "cut for ever": ([CUT, LOST], [HALF, NAMELESS._replace(amount=PRICE - PART)]),
    "from the cache": ([CUT, OK._replace(cached=True)], [HALF, REPLAY]),
    "from a cache that only the ledger tells": ([OK._replace(cached=None)], [REPLAY]),
    "two requests": ([OK, OK._replace(request_id="y", claim="l")], [ROW, ROW._replace(request_id="y")]),
}
BAD: dict[str, tuple[str, list[Receipt], list[Row]]] = {
    "both attempts charged": ("doubled", [CUT, OK], [WHOLE, ROW]),
    "1 µUSD more": ("doubled", [CUT, OK], [HALF, REST._replace(amount=REST.amount + 1)]),
    "1 µUSD less": ("wrong-amount", [CUT, OK], [HALF, REST._replace(amount=REST.amount - 1)]),
    "nobody paid": ("missing", [OK], [REPLAY]),
    "two rows of one attempt": ("doubled", [OK], [ROW, ROW]),
    "a hold that stays": ("missing", [CUT, OK], [HALF._replace(state="held"), ROW]),
    "a failure that was charged": ("charged-failure", [FAILED], [ROW._replace(request_id="b")]),
    "other tokens than told": ("wrong-usage", [OK], [ROW._replace(prompt_tokens=1001)]),
    "owed, and charged nowhere": ("wrong-total", [LOST, OK], [REPLAY]),
    "owed, and charged 1 µUSD less": ("wrong-total", [LOST, OK], [NAMELESS._replace(amount=419), REPLAY]),
    "never sent, and a row": ("unexplained", [UNSENT, OK], [ROW, NAMELESS]),
    "a nameless row charged too much": ("wrong-amount", [CUT, LOST], [HALF, NAMELESS._replace(amount=421)]),
    "one id for two requests": ("doubled", [OK._replace(claim=None), OK._replace(claim=None)], [ROW]),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_is_charged_once_is_no_discrepancy(case: str) -> None:
    receipts, rows = GOOD[case]
    assert audit(receipts, rows, CONTRACT).discrepancies == ()


@pytest.mark.parametrize("case", BAD)
def test_finds_what_is_not_charged_once(case: str) -> None:
    kind, receipts, rows = BAD[case]
    found = audit(receipts, rows, CONTRACT)
    assert [entry.kind for entry in found.discrepancies] == [kind]


def test_sums_add_up_over_attempts() -> None:
    found = audit([CUT, LOST, OK], [HALF, NAMELESS._replace(amount=PRICE - PART), REPLAY], CONTRACT)
    assert (found.expected, found.charged) == (PRICE, PRICE)


def test_without_the_promise_each_attempt_stands_alone() -> None:
    """An endpoint that knows no idempotency keys may charge every attempt, and may reuse an id."""
    errors = {name: told for name, told in CONTRACT.raw["errors"].items() if "idempotency" not in name}
    contract = replace(CONTRACT, raw={**CONTRACT.raw, "errors": errors})
    assert audit([CUT, OK], [WHOLE, ROW], contract).discrepancies == ()
    assert audit([AGAIN, AGAIN], [WHOLE], contract).discrepancies == ()
