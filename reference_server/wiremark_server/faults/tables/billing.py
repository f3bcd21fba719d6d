"""Money: what is charged and what the rows say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from msgspec import structs

from wiremark_server.faults.change import CHAT, body, put, status, take, with_document
from wiremark_server.faults.edit import Ask, Document, Edit, Inside, On, Promise, Question
from wiremark_server.faults.fault import Fault, named
from wiremark_server.keys import KeyStore
from wiremark_server.ledger.books import Books
from wiremark_server.ledger.store import Balance, Hold, HoldRequest, Refused, Resolution, UsagePage
from wiremark_server.policy.call import Services

_fault = named("ledger")
_ROWS_OF, _BALANCE = "usage.list", "balance.get"
_RECORDED = ("billing.plain.recorded", "billing.stream.recorded", "billing.tools.recorded")
_TOKENS = ("billing.plain.tokens", "billing.stream.tokens", "billing.tools.tokens")
_CHARGE = ("billing.plain.charge", "billing.stream.charge", "billing.tools.charge")


@dataclasses.dataclass
class _Changed:
    """Books in which every settlement is another one; holds are made large enough for it.

    amount, tokens: from what is owed and counted to what is written
    """

    inner: Books
    amount: Callable[[int], int] = lambda amount: amount
    tokens: Callable[[int, int], tuple[int, int]] = lambda prompt, completion: (prompt, completion)
    settles: bool = True

    async def hold(self, request: HoldRequest) -> Hold | Refused:
        return await self.inner.hold(structs.replace(request, amount=request.amount * 4 + 10))

    async def settle(
        self,
        request_id: str,
        amount: int,
        prompt_tokens: int,
        completion_tokens: int,
        status: int,
        outcome: str,
        cached: bool = False,
    ) -> Resolution:
        if not self.settles:
            await self.inner.release(request_id, status, outcome)
            return Resolution(request_id, "settled", amount)  # or the answer would be withheld
        counts = self.tokens(prompt_tokens, completion_tokens)
        return await self.inner.settle(request_id, self.amount(amount), *counts, status, outcome, cached)

    async def release(self, request_id: str, status: int, outcome: str) -> Resolution | None:
        return await self.inner.release(request_id, status, outcome)

    async def balance(self, account_id: str) -> Balance:
        return await self.inner.balance(account_id)

    async def usage(self, key_id: str, limit: int, after: str | None = None) -> UsagePage:
        return await self.inner.usage(key_id, limit, after)


def books(**changes: Any) -> Inside:
    """Settle another amount, or other tokens, than was used; or not at all."""

    def change(services: Services, _: KeyStore) -> Services:
        return dataclasses.replace(services, ledger=_Changed(services.ledger, **changes))

    return Inside(change)


def price(**values: int) -> Promise:
    """Charge by another price list."""

    def change(document: Document) -> None:
        for model in document["models"]:
            model["price"] = {**model["price"], **values}

    return Promise(change)


def _rows(change: Callable[[Any], Any]) -> Edit:
    """Change every row that the client is shown."""

    def apply(document: Any) -> Any:
        for row in document["data"]:
            change(row)
        return document

    return body(apply, _ROWS_OF)


def _list(change: Callable[[list[Any]], list[Any]]) -> Edit:
    def apply(document: Any) -> Any:
        document["data"] = change(document["data"])
        return document

    return body(apply, _ROWS_OF)


_UNKNOWN = "no-such-model"
_REFUSED_LATE = On(CHAT, "answer", lambda ask: ask.document.get("user") == _UNKNOWN)
_NO_MODEL = {
    "message": "No such model.",
    "type": "invalid_request_error",
    "param": "model",
    "code": "model_not_found",
}


def _asks_unknown(ask: Ask) -> bool:
    return _UNKNOWN in str(ask.document.get("model")) and not ask.document.get("stream")


def _served_anyway(ask: Ask) -> Ask:
    """The first model does the work; the mark lets the answer be withheld."""
    return with_document(ask, {**ask.document, "model": "deepseek-v4-flash", "user": _UNKNOWN})


def _charge_cached(row: Any) -> None:
    if row["cached"]:
        row["amount_microusd"] = 3


def _without_streams(rows: list[Any]) -> list[Any]:
    """Only answers that were whole are recorded; here those with an odd place."""
    return [row for row in rows if row["cached"]]


_WRITTEN: tuple[Fault, ...] = (
    _fault(
        "double-charge",
        "ledger",
        "Every answer is charged twice its price.",
        books(amount=lambda amount: amount * 2),
        catches=_CHARGE,
    ),
    _fault(
        "charge-one-more",
        "ledger",
        "Every answer is charged one µUSD more.",
        books(amount=lambda amount: amount + 1),
        catches=(*_CHARGE, "billing.cached-free"),
    ),
    _fault(
        "free",
        "ledger",
        "No answer is charged.",
        books(amount=lambda _: 0),
        catches=_CHARGE,
        bug="billing-missing-usage-free",
    ),
    _fault(
        "released",
        "ledger",
        "No answer is settled: the whole hold is given back.",
        books(settles=False),
        catches=_RECORDED,
        allows=("billing.*.charge", "billing.*.tokens"),
    ),
    _fault(
        "per-request",
        "ledger",
        "A fee per request is taken that nobody was told of.",
        price(per_request=100),
        catches=_CHARGE,
    ),
    _fault(
        "price-swapped",
        "ledger",
        "Input is charged as output.",
        price(input_per_million=280_000),
        catches=_CHARGE,
    ),
    _fault(
        "price-output",
        "ledger",
        "Output is charged at twice its price.",
        price(output_per_million=560_000),
        catches=_CHARGE,
    ),
    _fault(
        "price-little",
        "ledger",
        "Tokens are charged two percent more than promised.",
        price(input_per_million=142_800, output_per_million=285_600),
        catches=("billing.long.charge",),
    ),
    _fault(
        "price-thousand",
        "ledger",
        "Prices are taken per thousand tokens.",
        price(input_per_million=140_000_000, output_per_million=280_000_000),
        catches=_CHARGE,
    ),
    _fault(
        "tokens-estimated",
        "ledger",
        "The rows count one completion token more than the answers.",
        books(tokens=lambda prompt, completion: (prompt, completion + 1)),
        catches=_TOKENS,
        bug="billing-zero-usage-reestimated",
    ),
    _fault(
        "tokens-swapped",
        "ledger",
        "The rows have prompt and completion tokens exchanged.",
        books(tokens=lambda prompt, completion: (completion, prompt)),
        catches=_TOKENS,
    ),
    _fault(
        "tokens-zero",
        "ledger",
        "The rows count no tokens.",
        books(tokens=lambda _prompt, _completion: (0, 0)),
        catches=_TOKENS,
    ),
    _fault("rows-missing", "ledger", "Answers are not recorded.", _list(_without_streams), catches=_RECORDED),
    _fault(
        "rows-doubled",
        "ledger",
        "Every request stands in the rows twice.",
        _list(lambda rows: [row for row in rows for _ in range(2)]),
        catches=("billing.rows-unique",),
    ),
    _fault(
        "rows-other-id",
        "ledger",
        "Rows are recorded under other ids than the client was told.",
        _rows(put("/request_id", lambda name: f"gen-{name}")),
        catches=_RECORDED,
    ),
    _fault(
        "rows-held",
        "ledger",
        "Rows stay held after their answers are complete.",
        _rows(put("/state", "held")),
        catches=_RECORDED,
    ),
    _fault(
        "refused-charged",
        "ledger",
        "Requests that were refused are charged.",
        Question(On(CHAT, where=_asks_unknown), _served_anyway),
        body(lambda _: {"error": _NO_MODEL}, where=_REFUSED_LATE.where),
        status(_REFUSED_LATE, 404),
        catches=("billing.refused-free",),
    ),
    _fault(
        "cached-charged",
        "ledger",
        "Answers from the cache are charged.",
        _rows(_charge_cached),
        catches=("billing.cached-free",),
    ),
    _fault(
        "amount-float",
        "shape",
        "Amounts are fractions.",
        _rows(put("/amount_microusd", lambda n: n + 0.5)),
        catches=("billing.usage.schema", *_CHARGE),
        allows=("billing.cached-free",),
    ),
    _fault(
        "amount-text",
        "shape",
        "Amounts are texts.",
        _rows(put("/amount_microusd", str)),
        catches=("billing.usage.schema", *_CHARGE),
        allows=("billing.cached-free",),
    ),
    _fault(
        "amount-dollars",
        "shape",
        "Amounts are in dollars.",
        _rows(put("/amount_microusd", lambda n: n / 1_000_000)),
        catches=_CHARGE,
        allows=("billing.usage.schema",),
    ),
    _fault(
        "balance-float",
        "shape",
        "The balance is a fraction.",
        body(put("/balance_microusd", lambda n: n + 0.5), _BALANCE),
        catches=("billing.balance.schema",),
    ),
    _fault(
        "balance-text",
        "shape",
        "The balance is a text.",
        body(put("/balance_microusd", str), _BALANCE),
        catches=("billing.balance.schema",),
    ),
    _fault(
        "held-absent",
        "shape",
        "The balance does not say what is held.",
        body(take("/held_microusd"), _BALANCE),
        catches=("billing.balance.schema",),
    ),
    _fault(
        "held-negative",
        "shape",
        "What is held is negative.",
        body(put("/held_microusd", -1), _BALANCE),
        catches=("billing.balance.schema",),
    ),
)


def _of_every_kind(fault: Fault) -> Fault:
    """What is wrong with the bill of one kind of answer may be so with those of all kinds."""
    parts = [name.split(".") for name in fault.catches]
    allows = {f"billing.*.{part[2]}" for part in parts if len(part) == 3}
    return dataclasses.replace(fault, allows=(*fault.allows, *sorted(allows)))


TABLE = tuple(_of_every_kind(fault) for fault in _WRITTEN)
