"""One request's money: held before the work, then settled or released, exactly once."""

from __future__ import annotations

from typing import Literal

from wiremark_schemas.contracts import Price

from wiremark_server.domain.generation import Usage
from wiremark_server.ledger import pricing
from wiremark_server.ledger.books import Books

Outcome = Literal["ok", "refused", "failed", "cut"]


class Bill:
    """An open hold. The first `settle` or `release` closes it; later ones do nothing."""

    __slots__ = ("_cached", "_ledger", "_open", "_price", "_request_id")

    def __init__(self, ledger: Books, request_id: str, price: Price, *, cached: bool) -> None:
        self._ledger = ledger
        self._request_id = request_id
        self._price = price
        self._cached = cached
        self._open = True

    async def settle(self, usage: Usage, outcome: Outcome, status: int = 200) -> None:
        """Charge what was used. A cached answer is recorded with its counts and costs nothing."""
        if not self._open:
            return
        self._open = False
        amount = 0 if self._cached else pricing.charge(self._price, usage.prompt, usage.completion)
        await self._ledger.settle(
            self._request_id, amount, usage.prompt, usage.completion, status, outcome, cached=self._cached
        )

    async def release(self, status: int, outcome: Outcome) -> None:
        """Give the whole hold back: nothing reached the client."""
        if not self._open:
            return
        self._open = False
        await self._ledger.release(self._request_id, status, outcome)
