"""One request's money: held before the work, then settled or released, exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from wiremark_schemas.contracts import Price

from wiremark_server.domain.generation import Usage
from wiremark_server.ledger import pricing
from wiremark_server.ledger.books import Books
from wiremark_server.ledger.records import Hold, LedgerUnavailable

Outcome = Literal["ok", "refused", "failed", "cut"]


class Bill:
    """An open hold. The first `settle` or `release` closes it; later ones do nothing.

    price: asked for when it is known who has answered
    free:  nothing is charged, only recorded: the answer was kept, or has been paid
    charged: told the µUSD once they are settled
    """

    __slots__ = ("_charged", "_free", "_hold", "_ledger", "_open", "_price")

    def __init__(
        self,
        ledger: Books,
        hold: Hold,
        price: Callable[[], Price],
        charged: Callable[[int], None],
        *,
        free: bool,
    ) -> None:
        self._ledger = ledger
        self._hold = hold
        self._price = price
        self._free = free
        self._charged = charged
        self._open = True

    async def settle(self, usage: Usage, outcome: Outcome, status: int = 200) -> None:
        """Charge what was used, less what earlier attempts of the same request have paid.

        Raises LedgerUnavailable when the charge could not be made: the answer must not be given away.
        """
        if not self._open:
            return
        self._open = False
        resolution = await self._ledger.settle(
            self._hold.request_id,
            self.amount(usage),
            usage.prompt,
            usage.completion,
            status,
            outcome,
            cached=self._free,
        )
        if resolution.state != "settled":
            raise LedgerUnavailable("the hold was returned while the answer was made")
        self._charged(resolution.amount)

    def amount(self, usage: Usage) -> int:
        """µUSD that such an answer costs: never more than was held, whatever a provider has counted."""
        if self._free:
            return 0
        price = pricing.charge(self._price(), usage.prompt, usage.completion)
        return min(max(0, price - self._hold.paid), self._hold.amount)

    async def release(self, status: int, outcome: Outcome) -> None:
        """Give the whole hold back: nothing reached the client."""
        if not self._open:
            return
        self._open = False
        await self._ledger.release(self._hold.request_id, status, outcome)
