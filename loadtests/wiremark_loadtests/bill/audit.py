"""The audit of the bill: what the clients were told against what the ledger charged. Pure.

Rules, each to the µUSD; prices are the contract's, computed here and not by the server's code:

- An answer that told its usage has exactly one settled row, with that usage and its price; an answer
  told to come from the cache costs 0.
- A refused or failed request has no row, or one that charges nothing.
- A request that was cut may be charged for what had been generated: its row, if any, must be settled or
  released, and its amount must be the price of its own token counts.
- A row that no receipt explains is a finding. A request that was sent and got no response head has no
  id that could explain its row, so as many such rows as there were such requests count as explained
  (their amounts are still held to their own token counts).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from wiremark_schemas.contracts import Contract, Price

from wiremark_loadtests.bill.receipts import Outcome, Receipt

Kind = Literal[
    "missing",  # answered, and not in the ledger or never settled there
    "unexplained",  # in the ledger, and no client asked for it
    "doubled",  # more than one row for one request, or two answers with one id
    "wrong-amount",  # charged other than the contract's price
    "wrong-usage",  # other token counts than the client was told
    "charged-failure",  # charged for a request that was refused or failed
    "negative-balance",
]
_PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger, as the operation usage.list tells it (`meta/usage-list.json`)."""

    request_id: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    amount: int
    state: str
    cached: bool

    @classmethod
    def from_json(cls, row: dict[str, Any]) -> Row:
        return cls(
            row["request_id"],
            row["model"],
            row["prompt_tokens"],
            row["completion_tokens"],
            row["amount_microusd"],
            row["state"],
            row.get("cached", False),
        )


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference; amounts in µUSD, None where there is nothing to name."""

    kind: Kind
    request_id: str | None
    expected: int | None
    charged: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit's result; `expected` and `charged` are sums in µUSD over the requests of the run."""

    receipts: int
    rows: int
    expected: int
    charged: int
    discrepancies: tuple[Discrepancy, ...]

    @property
    def ok(self) -> bool:
        return not self.discrepancies


def price_of(price: Price, prompt_tokens: int, completion_tokens: int) -> int:
    """µUSD for one request: token prices summed, rounded up once, plus the flat amount."""
    parts = price.input_per_million * prompt_tokens + price.output_per_million * completion_tokens
    return -(-parts // _PER_MILLION) + price.per_request


@dataclass
class _Ledger:
    """Findings and sums while the audit runs."""

    contract: Contract
    found: list[Discrepancy] = field(default_factory=list)
    expected: int = 0

    def add(
        self, kind: Kind, request_id: str | None, expected: int | None, charged: int | None, message: str
    ) -> None:
        self.found.append(Discrepancy(kind, request_id, expected, charged, message))

    def price(self, model: str, prompt_tokens: int, completion_tokens: int) -> int:
        entry = self.contract.model(model)
        if entry is None:
            raise UnknownModelError(
                f"the contract {self.contract.name!r} has no price for the model {model!r}, which was billed"
            )
        return price_of(entry.price, prompt_tokens, completion_tokens)

    def own_price(self, row: Row) -> int:
        """What a row should charge, going by nothing but the row."""
        if row.state == "released" or row.cached:
            return 0
        return self.price(row.model, row.prompt_tokens, row.completion_tokens)


class UnknownModelError(Exception):
    """A row or receipt names a model that the contract does not list: its price is not known."""


def audit(
    receipts: Iterable[Receipt], rows: Iterable[Row], contract: Contract, balance: int | None = None
) -> Audit:
    """Compare the receipts of a run with the ledger rows of the same time.

    balance: µUSD that the account holds after the run; None when the contract tells none
    """
    by_id: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_id[row.request_id].append(row)
    books = _Ledger(contract)
    charged = sum(row.amount for same in by_id.values() for row in same if row.state != "held")
    count = sum(len(same) for same in by_id.values())
    seen: set[str] = set()
    headless = 0
    counted = 0
    for receipt in receipts:
        counted += 1
        if receipt.request_id is None:
            headless += _without_id(receipt, books)
            continue
        if receipt.request_id in seen:
            books.add("doubled", receipt.request_id, None, None, "two answers carried this request id")
            continue
        seen.add(receipt.request_id)
        _one(receipt, by_id.pop(receipt.request_id, []), books)
    _unasked(by_id, headless, books)
    if balance is not None and balance < 0:
        books.add(
            "negative-balance", None, None, balance, f"the account's balance is {balance} µUSD after the run"
        )
    return Audit(counted, count, books.expected, charged, tuple(books.found))


def _without_id(receipt: Receipt, books: _Ledger) -> int:
    """A receipt that names no request; return how many rows without a receipt it may explain."""
    if receipt.status is None:
        return int(receipt.sent)
    if receipt.outcome is Outcome.OK and receipt.tokens is not None:
        expected = books.price(receipt.model, *receipt.tokens)
        books.expected += expected
        books.add(
            "missing", None, expected, None, "an answer named no request id, so its charge cannot be found"
        )
    return 0


def _one(receipt: Receipt, rows: list[Row], books: _Ledger) -> None:
    """Hold one receipt against the rows with its id."""
    answered = receipt.tokens is not None and receipt.status == 200
    if len(rows) > 1:
        total = sum(row.amount for row in rows)
        expected = books.price(receipt.model, *receipt.tokens) if answered and receipt.tokens else None
        books.expected += expected or 0
        books.add("doubled", receipt.request_id, expected, total, f"{len(rows)} ledger rows for one request")
        return
    row = rows[0] if rows else None
    if answered:
        _answered(receipt, row, books)
    elif row is not None and receipt.outcome in {Outcome.REFUSED, Outcome.FAILED}:
        _uncharged(receipt, row, books)
    elif row is not None:
        _by_itself(row, books)


def _answered(receipt: Receipt, row: Row | None, books: _Ledger) -> None:
    """The client was told its usage: the charge must follow from what it was told."""
    prompt, completion = receipt.tokens or (0, 0)
    cached = receipt.cached if receipt.cached is not None else (row is not None and row.cached)
    expected = 0 if cached else books.price(receipt.model, prompt, completion)
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
    if row.amount != expected:
        why = "an answer from the cache costs nothing" if cached else f"{prompt} + {completion} tokens"
        books.add(
            "wrong-amount", request_id, expected, row.amount, f"charged {row.amount}, not {expected}: {why}"
        )


def _uncharged(receipt: Receipt, row: Row, books: _Ledger) -> None:
    """Nothing may be charged, and no hold may stay."""
    told = f"{receipt.outcome} with status {receipt.status}" if receipt.status else "no answer came"
    if row.state == "held":
        books.add("charged-failure", row.request_id, 0, row.amount, f"{told}, but its hold stays")
    elif row.amount:
        books.add("charged-failure", row.request_id, 0, row.amount, f"{told}, but charged")


def _by_itself(row: Row, books: _Ledger) -> None:
    """Nothing was told about this request: its row must at least be right in itself."""
    if row.state == "held":
        books.add("missing", row.request_id, None, None, "cut by the client, but its hold was never settled")
        return
    expected = books.own_price(row)
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


def _unasked(by_id: dict[str, list[Row]], headless: int, books: _Ledger) -> None:
    """Rows that no receipt named; the first `headless` of them may belong to requests without a head."""
    for request_id, rows in by_id.items():
        if len(rows) == 1 and headless > 0:
            headless -= 1
            _by_itself(rows[0], books)
            continue
        total = sum(row.amount for row in rows)
        books.add(
            "unexplained", request_id, None, total, f"{len(rows)} ledger row(s) that no client asked for"
        )
