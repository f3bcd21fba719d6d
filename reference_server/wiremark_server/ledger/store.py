"""The ledger as the gateway sees it: coroutines over a durable, double-entry journal.

Two phases: `hold` an upper bound before any work, then `settle` what was used or `release` it all.
Every call returns when its effect would survive a power cut.
"""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

from wiremark_server.clock import Clock
from wiremark_server.ledger import stores
from wiremark_server.ledger.key_changes import AdoptTasks, ChangeKey, CountDay, PutKey, PutTask
from wiremark_server.ledger.records import (
    Balance,
    Hold,
    HoldRequest,
    KeyRow,
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
from wiremark_server.ledger.stores import Store
from wiremark_server.ledger.transfers import Expire, Grant, Recover, Refund, Release, SetAside, Settle

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

_USAGE = (
    "SELECT request_id, created, model, status, prompt_tokens, completion_tokens, amount, state, outcome, "
    "cached FROM usage WHERE key_id=$1 AND seq<$2 ORDER BY seq DESC LIMIT $3"
)
_CURSOR = "SELECT seq FROM usage WHERE request_id=$1 AND key_id=$2"
_BALANCE = "SELECT available, held FROM account WHERE id=$1"


class Ledger:
    """Make one with `Ledger.open`. Every method may raise LedgerUnavailable: nothing was written."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.clock = clock
        self._store = store
        self._days: dict[str, CountDay] = {}  # the last word on each daily counter

    @classmethod
    def open(cls, place: str | Path, clock: Clock, *, durable: bool = True) -> Ledger:
        """Open or make a ledger, return the open holds of dead processes, start the writer.

        place:   a file, or postgresql://…
        durable: a file survives a power cut; one that is thrown away after use need not
        Raises LedgerFileError for one of another version or another program, in use, or out of reach.
        """
        return cls(stores.open_store(place, clock, durable=durable), clock)

    @classmethod
    def beside(cls, place: str | Path, clock: Clock) -> Ledger:
        """A ledger that is there and may have a server, to change its keys and to grant.

        Raises LedgerFileError.
        """
        return cls(stores.open_beside(place, clock), clock)

    @property
    def name(self) -> str:
        """The file or database, for people."""
        return self._store.name

    @property
    def recovered(self) -> int:
        """How many holds of a dead process were returned on opening."""
        return self._store.recovered

    async def hold(self, request: HoldRequest) -> Hold | Refused:
        """Set money aside; the same request asked again gets the same hold.

        A caller that is cancelled while it waits gets no hold: it is released behind it.
        Raises LedgerConflict when the request id was used with other values.
        """
        now = self._now()
        try:
            answer: Hold | Refused = await self._store.submit(SetAside(request, now, now + HOLD_SECONDS))
        except asyncio.CancelledError:
            self._store.post(Release(request.request_id, 499, "cut", now))
            raise
        except LedgerUnavailable:  # whether a commit that failed took place is not always known
            self._store.post(Release(request.request_id, 503, "failed", now))
            raise
        return answer

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
        """Charge `amount` of the hold and return the rest.

        A hold that has already ended stays as it ended. Raises LedgerConflict for more than was held,
        for a second amount, or without a hold. After LedgerUnavailable nothing stays charged: the caller
        must not give the answer away.
        """
        now = self._now()
        command = Settle(request_id, amount, prompt_tokens, completion_tokens, status, outcome, cached, now)
        try:
            resolution: Resolution = await self._store.submit(command)
        except LedgerUnavailable:  # whether a commit that failed took place is not always known
            self._store.post(Refund(request_id, 503, "failed", now))
            raise
        return resolution

    async def release(self, request_id: str, status: int, outcome: str) -> Resolution | None:
        """Return the whole hold. Harmless after a settlement, and None for a hold never made."""
        resolution: Resolution | None = await self._store.submit(
            Release(request_id, status, outcome, self._now())
        )
        return resolution

    async def refund(self, request_id: str, status: int, outcome: str) -> Resolution | None:
        """Give a charge back, once; an open hold is returned. None for a request never held."""
        resolution: Resolution | None = await self._store.submit(
            Refund(request_id, status, outcome, self._now())
        )
        return resolution

    async def grant(self, account_id: str, amount: int, reason: str, transfer: str | None = None) -> None:
        """Give an account money; with a `transfer` id, once for that id."""
        await self._store.submit(Grant(account_id, amount, reason, transfer or uuid.uuid4().hex, self._now()))

    async def balance(self, account_id: str) -> Balance:
        """An account nobody opened has nothing."""
        rows = await self._store.fetch(_BALANCE, account_id)
        return Balance(*rows[0]) if rows else Balance(0, 0)

    async def usage(self, key_id: str, limit: int, after: str | None = None) -> UsagePage:
        """Rows of a key, newest first, beginning after the request `after`; `limit` ≥ 1.

        Raises UnknownCursor.
        """
        below = 2**63 - 1
        if after is not None:
            cursor = await self._store.fetch(_CURSOR, after, key_id)
            if not cursor:
                raise UnknownCursor(
                    "`after` names no request of this key; use the next_after of the previous page"
                )
            below = cursor[0][0]
        found = await self._store.fetch(_USAGE, key_id, below, limit + 1)
        rows = tuple(UsageRow(*(*entry[:9], bool(entry[9]))) for entry in found[:limit])
        return UsagePage(rows, rows[-1].request_id if len(found) > limit else None)

    async def sweep(self) -> int:
        """Return holds past their deadline and those of dead processes; the number of them.

        To be called every minute or so.
        """
        now = self._now()
        expired: int = await self._store.submit(Expire(now, now))
        dead = await self._store.dead()
        if dead:
            expired += await self._store.submit(Recover(dead, now))
        return expired

    def news_of_keys(self) -> list[KeyRow]:
        """API keys that were made or changed since this was last asked, oldest change first: at first all.

        Those that this ledger changed itself may be among them.
        """
        return self._store.news_of_keys()

    async def put_key(self, row: KeyRow) -> KeyRow:
        """Store a new API key and open its account."""
        stored: KeyRow = await self._store.submit(PutKey(row))
        return stored

    async def change_key(self, key_id: str, **values: Any) -> KeyRow:
        """Change fields of an API key. Raises UnknownKey for one that is unknown or was revoked."""
        row: KeyRow = await self._store.submit(ChangeKey(key_id, values))
        return row

    def count_day(self, name: str, count: int, ends: float) -> None:
        """Remember a daily counter; durable before any hold that is asked for afterwards."""
        last = self._days.get(name)
        if last is None or not last.change(count, int(ends)):
            self._days[name] = last = CountDay(name, count, int(ends))
            self._store.post(last)

    async def day_counts(self) -> list[tuple[str, int, int]]:
        """Daily counters that have not ended: name, count, end."""
        rows = await self._store.fetch("SELECT name, count, ends FROM day_count WHERE ends>$1", self._now())
        return [(name, count, ends) for name, count, ends in rows]

    async def put_task(self, task_id: str, key_id: str, document: str, *, done: bool) -> None:
        """Store a media task, or what has become of it."""
        await self._store.submit(PutTask(task_id, key_id, done, document))

    async def task(self, task_id: str, key_id: str = "") -> str | None:
        """The document of a task, of that key if one is named; None when there is none."""
        rows = await self._store.fetch(
            "SELECT document FROM task WHERE id=$1 AND ($2='' OR key_id=$2)", task_id, key_id
        )
        return str(rows[0][0]) if rows else None

    async def adopt_tasks(self) -> list[tuple[str, str, str]]:
        """Tasks that processes which have ended left undone, this one's from now on: id, key, document."""
        tasks: list[tuple[str, str, str]] = await self._store.submit(AdoptTasks())
        return tasks

    async def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a SELECT that both stores understand, parameters as `$1`."""
        return await self._store.fetch(sql, *values)

    async def close(self) -> None:
        """Commit what is queued and let go of the store."""
        await self._store.close()

    def _now(self) -> int:
        return int(self.clock.now())
