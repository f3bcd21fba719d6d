"""The ledger as the gateway sees it: coroutines over a durable, double-entry journal.

Two phases: `hold` an upper bound before any work, then `settle` what was used or `release` it all.
Every call returns when its effect would survive a power cut.
"""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from functools import partial
from pathlib import Path

from wiremark_server.clock import Clock
from wiremark_server.ledger import journal, schema
from wiremark_server.ledger.records import (
    Balance,
    Hold,
    HoldRequest,
    LedgerConflict,
    LedgerError,
    LedgerFileError,
    LedgerUnavailable,
    Refused,
    Resolution,
    UnknownCursor,
    UsagePage,
    UsageRow,
)
from wiremark_server.ledger.writer import GroupWriter, Operation, T

__all__ = [
    "Balance",
    "Hold",
    "HoldRequest",
    "Ledger",
    "LedgerConflict",
    "LedgerError",
    "LedgerFileError",
    "LedgerUnavailable",
    "Refused",
    "Resolution",
    "UnknownCursor",
    "UsagePage",
    "UsageRow",
]

HOLD_SECONDS = 3600
"""How long a hold may stay open before `sweep` returns it: longer than any answer takes."""


class Ledger:
    """Make one with `Ledger.open`. Every method may raise LedgerUnavailable: nothing was written.

    recovered: how many holds of a dead process were returned on opening
    """

    def __init__(
        self, path: Path, clock: Clock, writer: GroupWriter, lock: schema.FileLock, recovered: int
    ) -> None:
        self.path = path
        self.clock = clock
        self.recovered = recovered
        self._writer = writer
        self._lock = lock

    @classmethod
    def open(cls, path: str | Path, clock: Clock) -> Ledger:
        """Open or make the file, return the open holds of a dead process, start the writer.

        Raises LedgerFileError for a file of another version, of another program, or in use.
        """
        path = Path(path)
        if path.exists() and path.stat().st_size:
            schema.reader(path).close()  # refuse a foreign file before leaving anything beside it
        lock = schema.FileLock(path)
        try:
            connection = schema.writer(path)
            try:
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    recovered = journal.recover(connection, int(clock.now()))
            except sqlite3.Error as error:
                connection.close()
                raise schema.unusable(path, error) from None
        except LedgerFileError:
            lock.release()
            raise
        return cls(path, clock, GroupWriter(connection), lock, recovered)

    async def hold(self, request: HoldRequest) -> Hold | Refused:
        """Set money aside; the same request asked again gets the same hold.

        A caller that is cancelled while it waits gets no hold: it is released behind it.
        Raises LedgerConflict when the request id was used with other values.
        """
        now = self._now()
        try:
            return await self._writer.submit(
                partial(journal.hold, wanted=request, now=now, deadline=now + HOLD_SECONDS)
            )
        except asyncio.CancelledError:
            self._writer.post(
                partial(journal.release, request_id=request.request_id, status=499, outcome="cut", now=now)
            )
            raise

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
        """Charge `amount` of the hold and return the rest; once, however often it is called.

        Raises LedgerConflict for a charge above the hold, for a request without one, or for a second
        settlement of another amount. A hold already released stays released: see the result.
        """
        return await self._writer.submit(
            partial(
                journal.settle,
                request_id=request_id,
                amount=amount,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                status=status,
                outcome=outcome,
                cached=cached,
                now=self._now(),
            )
        )

    async def release(self, request_id: str, status: int, outcome: str) -> Resolution | None:
        """Return the whole hold. Harmless after a settlement, and None for a hold never made."""
        return await self._writer.submit(
            partial(journal.release, request_id=request_id, status=status, outcome=outcome, now=self._now())
        )

    async def grant(self, account_id: str, amount: int, reason: str, transfer: str | None = None) -> None:
        """Give an account money; with a `transfer` id, once for that id."""
        name = f"grant/{transfer or uuid.uuid4().hex}"
        await self._writer.submit(
            partial(
                journal.grant,
                account_id=account_id,
                amount=amount,
                reason=reason,
                transfer=name,
                now=self._now(),
            )
        )

    async def balance(self, account_id: str) -> Balance:
        return await self._writer.submit(partial(journal.balance, account_id=account_id))

    async def usage(self, key_id: str, limit: int, after: str | None = None) -> UsagePage:
        """Rows of a key, newest first; `limit` ≥ 1. Raises UnknownCursor."""
        return await self._writer.submit(partial(journal.usage, key_id=key_id, limit=limit, after=after))

    async def sweep(self) -> int:
        """Return holds past their deadline; the number of them. To be called every minute or so."""
        now = self._now()
        return await self._writer.submit(partial(journal.expire, now=now, before=now))

    async def run(self, operation: Operation[T]) -> T:
        """Run another operation in the writer's order: for tables that share this file."""
        return await self._writer.submit(operation)

    async def close(self) -> None:
        """Commit what is queued and let go of the file."""
        await asyncio.to_thread(self._writer.close)
        self._lock.release()

    def _now(self) -> int:
        return int(self.clock.now())
