"""The audit of the bill: what the clients were told against what the ledger charged. Pure.

Rules, each to the µUSD; prices are the contract's, computed here and not by the server's code:

- An answer that told its usage has exactly one settled row, with that usage and its price; an answer
  told to come from the cache costs 0.
- A refused or failed request has no row, or one that charges nothing.
- A request that was cut may be charged for what had been generated: its row, if any, must be settled or
  released, and its amount must be the price of its own token counts.
- Requests that were sent again under one idempotency key cost their answer once (`claims.py`).
- A row that no receipt explains is a finding. A request that was sent and got no response head has no
  id that could explain its row, so as many such rows as there were such requests count as explained
  (their amounts are still held to their own token counts).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from wiremark_schemas.contracts import Contract

from wiremark_loadtests.bill import claims, tasks
from wiremark_loadtests.bill.claims import Owed
from wiremark_loadtests.bill.findings import Books, Discrepancy
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.bill.rows import Id, Row, Rows


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit's result; `expected` and `charged` are sums in µUSD over the requests of the run.

    basis: what the receipts were held against: rows, balance, or limits alone where there is no ledger
    """

    receipts: int
    rows: int
    expected: int
    charged: int
    discrepancies: tuple[Discrepancy, ...]
    basis: Literal["rows", "balance", "limits"] = "rows"

    @property
    def ok(self) -> bool:
        return not self.discrepancies


def audit(receipts: Iterable[Receipt], rows: Iterable[Row], contract: Contract) -> Audit:
    """Compare the receipts of a run with the ledger rows of the same time.

    A row counts for the key under which the ledger tells it. Raises UnknownModelError.
    """
    by_id: Rows = defaultdict(list)
    for row in rows:
        by_id[row.role, row.request_id].append(row)
    books = Books(contract)
    charged = sum(row.amount for same in by_id.values() for row in same if row.state != "held")
    count = sum(len(same) for same in by_id.values())
    seen: dict[Id, str | None] = {}
    headless: Counter[str] = Counter()
    claimed = claims.Claims()
    joins = claims.promised(contract)
    counted = 0
    for receipt in receipts:
        counted += 1
        if receipt.claim is not None and joins:
            claimed.add(receipt)
            continue
        if receipt.request_id is None:
            headless[receipt.role] += _without_id(receipt, books)
            continue
        key = receipt.role, receipt.request_id
        if key in seen:
            if receipt.claim is not None and receipt.claim == seen[key]:
                continue  # the same request, answered again
            books.add("doubled", receipt.request_id, None, None, "two answers carried this request id")
            continue
        seen[key] = receipt.claim
        hold_against(receipt, by_id.pop(key, []), books)
    _unasked(by_id, headless, claimed.judge(by_id, books), books)
    return Audit(counted, count, books.expected, charged, tuple(books.found))


def _without_id(receipt: Receipt, books: Books) -> int:
    """A receipt that names no request; return how many rows without a receipt it may explain."""
    if receipt.status is None:
        return int(receipt.sent)
    if receipt.outcome is Outcome.OK and receipt.usage is not None:
        expected = books.price(receipt.model, *receipt.usage)
        books.expected += expected
        books.add(
            "missing", None, expected, None, "an answer named no request id, so its charge cannot be found"
        )
    return 0


def hold_against(receipt: Receipt, rows: list[Row], books: Books) -> None:
    """Hold one receipt against the rows with its id; what is wrong goes to `books`."""
    answered = receipt.usage
    if len(rows) > 1:
        total = sum(row.amount for row in rows)
        expected = books.price(receipt.model, *answered) if answered is not None else None
        books.expected += expected or 0
        books.add("doubled", receipt.request_id, expected, total, f"{len(rows)} ledger rows for one request")
        return
    row = rows[0] if rows else None
    if receipt.task is not None:
        tasks.judge(receipt, row, books)
    elif answered is not None:
        _answered(receipt, row, books)
    elif row is not None and receipt.outcome in {Outcome.REFUSED, Outcome.FAILED}:
        _uncharged(receipt, row, books)
    elif row is not None:
        _by_itself(row, books)


def _answered(receipt: Receipt, row: Row | None, books: Books) -> None:
    """The client was told its usage: the charge must follow from what it was told."""
    prompt, completion = receipt.tokens or (0, 0)
    cached = receipt.cached if receipt.cached is not None else (row is not None and row.cached)
    expected = 0 if cached else books.price(receipt.model, prompt, completion, row.amount if row else None)
    books.expected += expected
    request_id = receipt.request_id
    if row is None:
        if expected:
            told = f"told {prompt} + {completion} tokens"
            books.add("missing", request_id, expected, None, f"answered and {told}, but not in the ledger")
        return
    if row.state == "held":
        books.add("missing", request_id, expected, None, "answered, but its hold was never settled")
        return
    if row.model != receipt.model:
        books.add(
            "wrong-usage",
            request_id,
            expected,
            row.amount,
            f"asked of {receipt.model}, billed as {row.model}",
        )
    if not cached and (row.prompt_tokens, row.completion_tokens) != (prompt, completion):
        books.add(
            "wrong-usage",
            request_id,
            expected,
            row.amount,
            f"the client was told {prompt} + {completion} tokens, the ledger holds "
            f"{row.prompt_tokens} + {row.completion_tokens}",
        )
    if not row.amount and expected:
        books.add(
            "free-success", request_id, expected, 0, f"answered with {prompt} + {completion} tokens, free"
        )
    elif row.amount != expected:
        why = "an answer from the cache costs nothing" if cached else f"{prompt} + {completion} tokens"
        books.add(
            "wrong-amount", request_id, expected, row.amount, f"charged {row.amount}, not {expected}: {why}"
        )


def _uncharged(receipt: Receipt, row: Row, books: Books) -> None:
    """Nothing may be charged, and no hold may stay."""
    told = f"{receipt.outcome} with status {receipt.status}" if receipt.status else "no answer came"
    if row.state == "held":
        books.add("charged-failure", row.request_id, 0, row.amount, f"{told}, but its hold stays")
    elif row.amount:
        books.add("charged-failure", row.request_id, 0, row.amount, f"{told}, but charged")


def _by_itself(row: Row, books: Books) -> None:
    """Nothing was told about this request: its row must at least be right in itself."""
    if row.state == "held":
        books.add("missing", row.request_id, None, None, "cut by the client, but its hold was never settled")
        return
    free = row.state == "released" or row.cached
    expected = 0 if free else books.price(row.model, row.prompt_tokens, row.completion_tokens, row.amount)
    books.expected += expected
    if row.amount != expected:
        books.add(
            "wrong-amount",
            row.request_id,
            expected,
            row.amount,
            f"charged {row.amount}, not {expected}, for its own "
            f"{row.prompt_tokens} + {row.completion_tokens} tokens",
        )


def _unasked(by_id: Rows, headless: Counter[str], owed: Mapping[str, Owed], books: Books) -> None:
    """Rows that no receipt named; as many as a role's `headless` requests may belong to those."""
    exact = {role: not count for role, count in headless.items()}
    for (role, request_id), rows in by_id.items():
        if len(rows) == 1 and role in owed and owed[role].take(rows[0]):
            continue
        if len(rows) == 1 and headless[role] > 0:
            headless[role] -= 1
            _by_itself(rows[0], books)
            continue
        total = sum(row.amount for row in rows)
        books.add(
            "unexplained", request_id, None, total, f"{len(rows)} ledger row(s) that no client asked for"
        )
    for role, debt in owed.items():
        debt.judge(role, books, exact=exact.get(role, True))
