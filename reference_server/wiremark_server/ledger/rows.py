"""The rows that commands work on, and which of them a group of commands has to see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

from msgspec import Struct

from wiremark_server.ledger.records import KeyRow, State

Claimed = tuple[str, str, str]
"""An idempotency key in its scope: API key, endpoint, the client's own name for the request."""

CLAIM_SECONDS = 24 * 3600
"""How long an idempotency key is remembered."""


@dataclass(slots=True)
class Account:
    """A customer's two books: free to spend, and set aside by open holds."""

    id: str
    available: int
    held: int


class Request(Struct):
    """One request: its hold, how it ended, and what the customer is shown.

    month: in which it began, UTC; its charge counts there
    owner: the server process that answers it
    """

    request_id: str
    account_id: str
    key_id: str
    model: str
    created: int
    deadline: int
    month: str
    hold: int
    owner: int
    state: State = "held"
    amount: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    status: int = 0
    outcome: str = ""
    cached: int = 0

    def columns(self) -> tuple[Any, ...]:
        """The row of a new request, in the order of `tables.REQUEST_COLUMNS`."""
        return (*self.beginning(), *self.ending()[:-1])

    def beginning(self) -> tuple[Any, ...]:
        """What stands from the start, in the order of `tables.BEGINNING_COLUMNS`."""
        return (
            self.request_id,
            self.account_id,
            self.key_id,
            self.model,
            self.created,
            self.deadline,
            self.month,
            self.hold,
            self.owner,
        )

    def ending(self) -> tuple[Any, ...]:
        """What changes when a request ends, then its id."""
        return (
            self.state,
            self.amount,
            self.prompt_tokens,
            self.completion_tokens,
            self.status,
            self.outcome,
            self.cached,
            self.request_id,
        )


@dataclass(slots=True)
class Spending:
    """What a key has spent and holds in a UTC month."""

    key_id: str
    month: str
    spent: int
    held: int


@dataclass(slots=True)
class Claim:
    """An idempotency key in use: by which request, for which body, and what its attempts before have paid."""

    claimed: Claimed
    digest: bytes
    request_id: str
    created: int
    paid: int

    def columns(self) -> tuple[Any, ...]:
        return (*self.claimed, self.digest, self.request_id, self.created, self.paid)


Transfer = tuple[str, str, str, str, int, int, int, int, int, str | None]
"""A journal row: ref, step, kind, account; added to available, held, revenue and funding; time, note."""


@dataclass(slots=True)
class Needs:
    """Which rows a group of commands has to see.

    due:  the open holds whose deadline is this or earlier
    dead: the open holds of these server processes
    revision: the newest of an API key
    orphans: open media tasks of server processes that have ended
    """

    requests: set[str] = field(default_factory=set)
    accounts: set[str] = field(default_factory=set)
    grants: set[str] = field(default_factory=set)
    spending: set[tuple[str, str]] = field(default_factory=set)
    claims: set[Claimed] = field(default_factory=set)
    api_keys: set[str] = field(default_factory=set)
    due: int | None = None
    dead: set[int] = field(default_factory=set)
    revision: bool = False
    orphans: bool = False

    @classmethod
    def of(cls, commands: Iterable[Command]) -> Needs:
        needs = cls()
        for command in commands:
            command.add_needs(needs)
        return needs


@dataclass(slots=True)
class Known:
    """The rows, as they are and as the commands so far have changed them.

    owner: the server process at work
    left:  the open requests that `Needs.due` and `Needs.dead` asked for
    orphans: media tasks: id, key, document
    """

    owner: int
    requests: dict[str, Request] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    grants: set[str] = field(default_factory=set)
    spending: dict[tuple[str, str], Spending] = field(default_factory=dict)
    claims: dict[Claimed, Claim] = field(default_factory=dict)
    api_keys: dict[str, KeyRow] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    orphans: list[tuple[str, str, str]] = field(default_factory=list)
    revision: int = 0
    changes: Changes = field(default_factory=lambda: Changes())


@dataclass(slots=True)
class Changes:
    """What has to be written. A request that began and ended in one group is only in `begun`.

    day_counts: a key's daily counter: how many, and when the day ends
    tasks: a media task: its key, whether nothing is left to do, who works on it, and the rest as JSON
    instances: server processes whose open holds were returned: when, and how many
    """

    transfers: list[Transfer] = field(default_factory=list)
    begun: dict[str, Request] = field(default_factory=dict)
    ended: dict[str, Request] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    spending: dict[tuple[str, str], Spending] = field(default_factory=dict)
    claims: dict[Claimed, Claim] = field(default_factory=dict)
    api_keys: dict[str, KeyRow] = field(default_factory=dict)
    day_counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    tasks: dict[str, tuple[str, int, int, str]] = field(default_factory=dict)
    instances: dict[int, tuple[int, int]] = field(default_factory=dict)


class Command(Protocol):
    """Something that the ledger is asked to do, once, in the order of asking."""

    def add_needs(self, needs: Needs) -> None: ...

    def apply(self, known: Known) -> Any:
        """The answer. Raises LedgerError before the first change."""
        ...


@lru_cache(maxsize=4)
def _month_of_hour(hour: int) -> str:
    return datetime.fromtimestamp(hour * 3600, UTC).strftime("%Y-%m")


def month_of(seconds: float) -> str:
    """The UTC calendar month, as `2026-02`."""
    return _month_of_hour(int(seconds // 3600))
