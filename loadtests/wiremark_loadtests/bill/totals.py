"""The audit of totals: what the balance lost against what the requests should have cost. Pure.

It is all that can be done where an endpoint tells nothing but a balance, and where it tells rows as well,
it holds the rows to the money that really moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wiremark_schemas.contracts import Contract

from wiremark_loadtests.bill.audit import Audit
from wiremark_loadtests.bill.findings import Books, Discrepancy
from wiremark_loadtests.bill.receipts import Outcome, Receipt


@dataclass(frozen=True, slots=True)
class Balance:
    """µUSD: free to spend, and set aside for requests that have not ended."""

    free: int
    held: int

    @property
    def whole(self) -> int:
        return self.free + self.held


def spent(before: Balance, after: Balance) -> int:
    return before.whole - after.whole


def of_balance(before: Balance, after: Balance) -> list[Discrepancy]:
    """What a balance shows by itself when everything has ended."""
    found = []
    if after.free < 0:
        message = f"the account's balance is {after.free} µUSD after the run"
        found.append(Discrepancy("negative-balance", None, None, after.free, message))
    if after.held > before.held:
        message = f"{after.held - before.held} µUSD are still set aside though every request has ended"
        found.append(Discrepancy("wrong-total", None, before.held, after.held, message))
    return found


def of_rows(audited: Audit, before: Balance, after: Balance) -> list[Discrepancy]:
    """The rows' charges against the money that moved."""
    moved = spent(before, after)
    if moved == audited.charged:
        return []
    message = f"the rows charge {audited.charged} µUSD, and the balance fell by {moved} µUSD"
    return [Discrepancy("wrong-total", None, audited.charged, moved, message)]


def audit(receipts: Iterable[Receipt], before: Balance, after: Balance, contract: Contract) -> Audit:
    """Audit by the balance alone.

    A request that was cut may be charged for anything up to its limits, so the total has room for those,
    and for nothing else. Raises UnknownModelError.
    """
    books = Books(contract)
    count = room = 0
    for receipt in receipts:
        count += 1
        if receipt.task == "pending":
            room += books.price(receipt.model, 0, 0)
        elif receipt.usage is not None:
            free = receipt.cached or receipt.task == "failed"
            books.expected += 0 if free else books.price(receipt.model, *receipt.usage)
        elif _may_cost(receipt) and receipt.ceiling is not None:
            room += books.price(receipt.model, *receipt.ceiling)
    moved = spent(before, after)
    if not books.expected <= moved <= books.expected + room:
        upper = f" to {books.expected + room}" if room else ""
        message = f"the balance fell by {moved} µUSD, and the requests cost {books.expected}{upper} µUSD"
        books.add("wrong-total", None, books.expected, moved, message)
    books.found += of_balance(before, after)
    return Audit(count, 0, books.expected, moved, tuple(books.found), "balance")


def _may_cost(receipt: Receipt) -> bool:
    """Whether it may have been charged: cut, or gone without an answer."""
    return receipt.outcome is Outcome.CUT or (receipt.status is None and receipt.sent)
