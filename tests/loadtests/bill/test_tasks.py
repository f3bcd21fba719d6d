"""Tasks: charged when they are accepted, and given back when they fail."""

from __future__ import annotations

import pytest
from wiremark_loadtests.bill.audit import audit
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.bill.rows import Row
from wiremark_schemas import contracts

CONTRACT = contracts.load("banana2")
MODEL = "gpt-image-2"
PRICE = 12_000

DONE = Receipt("r", "default", MODEL, Outcome.OK, 202, (0, 0), task="completed", announced=True)
FAILED = DONE._replace(outcome=Outcome.FAILED, task="failed")
OPEN = DONE._replace(outcome=Outcome.CUT, task="pending", announced=None)
ROW = Row("r", MODEL, 0, 0, PRICE, "settled", False)
BACK = ROW._replace(amount=0, state="refunded")

GOOD: dict[str, tuple[Receipt, list[Row]]] = {
    "charged": (DONE, [ROW]),
    "asked for, and told": (DONE._replace(announced=None), [ROW]),
    "given back": (FAILED, [BACK]),
    "failed, no row": (FAILED, []),
    "open, charged": (OPEN, [ROW]),
    "open, given back": (OPEN, [BACK]),
}
BAD: dict[str, tuple[str, Receipt, list[Row]]] = {
    "not given back": ("charged-failure", FAILED, [ROW]),
    "given back in part": ("charged-failure", FAILED, [BACK._replace(amount=1)]),
    "given back although completed": ("free-success", DONE, [BACK]),
    "1 µUSD more": ("wrong-amount", DONE, [ROW._replace(amount=PRICE + 1)]),
    "1 µUSD less": ("wrong-amount", OPEN, [ROW._replace(amount=PRICE - 1)]),
    "no row": ("missing", DONE, []),
    "never settled": ("missing", DONE, [ROW._replace(state="held")]),
    "twice": ("doubled", DONE, [ROW, ROW]),
    "another model": ("wrong-usage", DONE, [ROW._replace(model="gpt-4o")]),
    "no webhook": ("webhook-missing", DONE._replace(announced=False), [ROW]),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_is_right_is_no_discrepancy(case: str) -> None:
    receipt, rows = GOOD[case]
    assert audit([receipt], rows, CONTRACT).discrepancies == ()


@pytest.mark.parametrize("case", BAD)
def test_finds_what_is_wrong_with_a_task(case: str) -> None:
    kind, receipt, rows = BAD[case]
    assert [entry.kind for entry in audit([receipt], rows, CONTRACT).discrepancies] == [kind]
