"""What the pages read from the ledger: selections of rows that both stores understand, newest first.

Each reads a bounded number of rows by an index, unless it is asked to look for something rare.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wiremark_server.ledger.records import State
from wiremark_server.ledger.store import Ledger

NEWEST = 2**62
RESULTS = ("ok", "cut", "failed", "refused", "open")
SUMMED = 20_000
"""Requests of a key that a summary looks back over at most."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One request; there is nothing in it that was said."""

    seq: int
    request_id: str
    created: int
    account_id: str
    key_id: str
    model: str
    status: int
    prompt_tokens: int
    completion_tokens: int
    amount: int
    hold: int
    state: State
    outcome: str
    cached: int

    @property
    def result(self) -> str:
        return "open" if self.state == "held" else self.outcome


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests: empty and 0 mean all.

    result: one of RESULTS
    since:  seconds since the epoch, UTC
    """

    model: str = ""
    result: str = ""
    since: int = 0


@dataclass(frozen=True, slots=True)
class Sum:
    model: str
    hour: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    amount: int
    cached: int


@dataclass(frozen=True, slots=True)
class Transfer:
    """One line of the journal; its four amounts sum to zero."""

    id: int
    ref: str
    kind: str
    account_id: str
    available: int
    held: int
    revenue: int
    funding: int
    at: int


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    available: int
    held: int


_ENTRY = (
    "seq, request_id, created, account_id, key_id, model, status, prompt_tokens, completion_tokens, amount, "
    "hold, state, outcome, cached"
)
_MATCHES = (
    "seq<$1 AND created>=$2 AND ($3='' OR model=$3) "
    "AND ($4='' OR ($4='open' AND state='held') OR (state<>'held' AND outcome=$4))"
)
_ALL = f"SELECT {_ENTRY} FROM usage WHERE {_MATCHES} ORDER BY seq DESC LIMIT $5"  # noqa: S608 - our own names
_OF_KEY = f"SELECT {_ENTRY} FROM usage WHERE key_id=$6 AND {_MATCHES} ORDER BY seq DESC LIMIT $5"  # noqa: S608
_SUMS = (
    "SELECT model, created/3600, count(*), sum(prompt_tokens), sum(completion_tokens), sum(amount), "
    "sum(cached) FROM (SELECT * FROM usage {} ORDER BY seq DESC LIMIT $1) AS newest "
    "WHERE created>=$2 GROUP BY model, created/3600"
)
_SUMS_OF_ALL = _SUMS.format("")
_SUMS_OF_KEY = _SUMS.format("WHERE key_id=$3")
_OPEN = (
    f"SELECT {_ENTRY} FROM usage WHERE state='held' AND ($1='' OR account_id=$1) "  # noqa: S608
    "ORDER BY deadline LIMIT $2"
)
_SPENT = "SELECT coalesce(sum(spent),0) FROM spending WHERE key_id=$1 AND month=$2"
_JOURNAL = (
    "SELECT id, ref, kind, account_id, available, held, revenue, funding, at FROM journal "
    "WHERE id<$1 AND ($2='' OR account_id=$2) ORDER BY id DESC LIMIT $3"
)
_ACCOUNTS = "SELECT id, available, held FROM account WHERE id>$1 ORDER BY id LIMIT $2"


class Records:
    def __init__(self, ledger: Ledger) -> None:
        self._fetch = ledger.fetch

    async def requests(
        self, keys: Sequence[str] | None, wanted: Wanted, limit: int, below: int = NEWEST
    ) -> list[Entry]:
        """keys: whose; None for everybody's. below: only rows with a lower `seq`"""
        values = (below, wanted.since, wanted.model, wanted.result, limit)
        if keys is None:
            return [Entry(*row) for row in await self._fetch(_ALL, *values)]
        found = [[Entry(*row) for row in await self._fetch(_OF_KEY, *values, key)] for key in keys]
        return list(heapq.merge(*found, key=lambda entry: -entry.seq))[:limit]

    async def sums(self, keys: Sequence[str] | None, since: int) -> list[Sum]:
        """By model and hour; `hour` counts from the epoch."""
        if keys is None:
            rows = await self._fetch(_SUMS_OF_ALL, SUMMED, since)
        else:
            rows = [row for key in keys for row in await self._fetch(_SUMS_OF_KEY, SUMMED, since, key)]
        return [Sum(str(model), int(hour), *map(int, rest)) for model, hour, *rest in rows]

    async def spent(self, key_id: str, month: str) -> int:
        """µUSD in a UTC month, `2025-08`."""
        return int((await self._fetch(_SPENT, key_id, month))[0][0])

    async def holds(self, account_id: str, limit: int) -> list[Entry]:
        """Open ones, the first to end first; of every account when none is named."""
        return [Entry(*row) for row in await self._fetch(_OPEN, account_id, limit)]

    async def journal(self, account_id: str, limit: int, below: int = NEWEST) -> list[Transfer]:
        return [Transfer(*row) for row in await self._fetch(_JOURNAL, below, account_id, limit)]

    async def accounts(self, limit: int, after: str = "") -> list[Account]:
        return [Account(*row) for row in await self._fetch(_ACCOUNTS, after, limit)]


def sum_of(sums: Sequence[Sum]) -> dict[str, Any]:
    names = ("requests", "prompt_tokens", "completion_tokens", "amount", "cached")
    return {name: sum(getattr(one, name) for one in sums) for name in names}
