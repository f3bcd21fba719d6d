"""What the gateway asks of its ledger, so that another set of books can stand in its place."""

from __future__ import annotations

from typing import Protocol

from wiremark_server.ledger.records import Balance, Hold, HoldRequest, Refused, Resolution, UsagePage


class Books(Protocol):
    """The methods of `ledger.store.Ledger` that requests need; described there."""

    async def hold(self, request: HoldRequest) -> Hold | Refused: ...

    async def settle(
        self,
        request_id: str,
        amount: int,
        prompt_tokens: int,
        completion_tokens: int,
        status: int,
        outcome: str,
        cached: bool = False,
    ) -> Resolution: ...

    async def release(self, request_id: str, status: int, outcome: str) -> Resolution | None: ...

    async def balance(self, account_id: str) -> Balance: ...

    async def usage(self, key_id: str, limit: int, after: str | None = None) -> UsagePage: ...
