"""The audit of requests sent again under one idempotency key: together they cost the answer once. Pure.

However many attempts there were, and whether a repeat names a request of its own or the first one's, what
their rows charge adds up to the price of the answer; attempts that were cut off may have paid a part of it
each. An attempt that was told no id may have a row that nobody can name: what its request still owes has to
turn up among those (`Owed`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wiremark_schemas.contracts import Contract

from wiremark_loadtests.bill.findings import Books
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.bill.rows import Row, Rows

_PROMISE = "idempotency_in_progress"  # an error code that only an endpoint with idempotency keys has


def promised(contract: Contract) -> bool:
    """Whether the endpoint knows idempotency keys."""
    errors: dict[str, Any] = contract.raw["errors"]
    return _PROMISE in errors


@dataclass(slots=True)
class Owed:
    """What the requests of one key have not been charged under any id that they were told, in µUSD.

    attempts: how many of theirs were told none
    exact:    whether rows nobody can name must charge just this, not only as much
    rows:     those rows
    """

    amount: int = 0
    attempts: int = 0
    exact: bool = True
    rows: list[Row] = field(default_factory=list)

    def take(self, row: Row) -> bool:
        """Let the row be one of those, if one is missing."""
        if not self.attempts:
            return False
        self.attempts -= 1
        self.rows.append(row)
        return True

    def judge(self, role: str, books: Books, *, exact: bool) -> None:
        for row in self.rows:
            own = books.price(row.model, row.prompt_tokens, row.completion_tokens, row.amount)
            if row.state == "held":
                books.add("missing", row.request_id, None, None, "cut off, but its hold was never settled")
            elif row.amount > own:
                message = f"charged {row.amount}, not {own} or less, for its own tokens"
                books.add("wrong-amount", row.request_id, own, row.amount, message)
        charged = sum(row.amount for row in self.rows if row.state != "held")
        is_exact = exact and self.exact
        books.expected += self.amount if is_exact else max(self.amount, charged)
        if charged < self.amount or (is_exact and charged > self.amount):
            message = (
                f"key {role}: attempts that were told no request id were charged {charged}, and what their "
                f"requests cost beyond the other attempts is {self.amount}"
            )
            books.add("wrong-total", None, self.amount, charged, message)


class Claims:
    """The receipts with idempotency keys, until all of them are known."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], list[Receipt]] = defaultdict(list)

    def add(self, receipt: Receipt) -> None:
        self._groups[receipt.role, receipt.claim or ""].append(receipt)

    def judge(self, rows: Rows, books: Books) -> dict[str, Owed]:
        """Hold every request against the rows of its attempts, taking them out; what is owed, by key."""
        owed: dict[str, Owed] = defaultdict(Owed)
        for (role, _), attempts in self._groups.items():
            ids = dict.fromkeys(attempt.request_id for attempt in attempts if attempt.request_id)
            found = [row for request_id in ids for row in rows.pop((role, request_id), [])]
            _one(attempts, found, owed[role], books)
        return owed


def _one(attempts: Sequence[Receipt], rows: Sequence[Row], owed: Owed, books: Books) -> None:
    by_id = {row.request_id: row for row in rows}
    told = next((one for one in attempts if one.usage is not None), None)
    lost = sum(one.sent and one.status is None for one in attempts)
    owed.attempts += lost
    name = next((one.request_id for one in (told, *reversed(attempts)) if one and one.request_id), None)
    if len(by_id) < len(rows):
        books.add("doubled", name, None, sum(row.amount for row in rows), f"{len(rows)} rows for one request")
        return
    if any(row.state == "held" for row in rows):
        books.add("missing", name, None, None, "it ended, but a hold was never settled")
        return
    _failures(attempts, by_id, books)
    _usage(told, by_id, books)
    charged = sum(row.amount for row in rows)
    allowed = _costs(told, rows, books)
    expected = charged if charged in allowed else max(allowed)
    if lost and charged < expected:
        owed.amount += expected - charged
        books.expected += charged
        return
    if told is None and lost:
        owed.exact = False
    books.expected += expected
    if charged != expected:
        _wrong(name, len(attempts), expected, charged, books)


def _costs(told: Receipt | None, rows: Sequence[Row], books: Books) -> set[int]:
    """What all attempts together may cost: as much as the one that was charged the most tokens."""
    own = [
        books.price(row.model, row.prompt_tokens, row.completion_tokens, row.amount)
        for row in rows
        if row.state == "settled" and not row.cached and not (told and row.request_id == told.request_id)
    ]
    least = max(own, default=0)
    if told is None or told.tokens is None or told.cached:
        return {least}
    whole = max(least, books.price(told.model, *told.tokens, sum(row.amount for row in rows)))
    row = next((row for row in rows if row.request_id == told.request_id), None)
    # Marked as an answer that was there already: of an earlier attempt, or from a cache that costs nothing.
    ambiguous = told.cached is None and row is not None and row.cached
    return {least, whole} if ambiguous else {whole}


def _failures(attempts: Sequence[Receipt], rows: dict[str, Row], books: Books) -> None:
    for one in attempts:
        row = rows.get(one.request_id or "")
        is_failure = one.outcome in {Outcome.REFUSED, Outcome.FAILED} and one.tokens is None
        same = [other for other in attempts if other.request_id == one.request_id]
        if is_failure and row is not None and row.amount and len(same) == 1:
            told = f"{one.outcome} with status {one.status}"
            books.add("charged-failure", row.request_id, 0, row.amount, f"{told}, but charged")


def _usage(told: Receipt | None, rows: dict[str, Row], books: Books) -> None:
    row = rows.get(told.request_id or "") if told is not None else None
    if told is None or told.tokens is None or row is None or row.cached or row.state != "settled":
        return
    if row.model == told.model and (row.prompt_tokens, row.completion_tokens) == told.tokens:
        return
    message = (
        f"the client was told {told.tokens[0]} + {told.tokens[1]} tokens of {told.model}, the ledger holds "
        f"{row.prompt_tokens} + {row.completion_tokens} of {row.model}"
    )
    books.add("wrong-usage", row.request_id, None, row.amount, message)


def _wrong(name: str | None, attempts: int, expected: int, charged: int, books: Books) -> None:
    kind: Any = "doubled" if charged > expected else "wrong-amount" if charged else "missing"
    message = (
        f"{attempts} attempts under one idempotency key were charged {charged} together, and the answer "
        f"costs {expected}"
    )
    books.add(kind, name, expected, charged, message)
