"""What a store is, and which one a place asks for."""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Protocol

from wiremark_server.clock import Clock
from wiremark_server.ledger.records import KeyRow, LedgerFileError
from wiremark_server.ledger.rows import Command
from wiremark_server.ledger.sqlite import SqliteStore

_POSTGRES = ("postgresql://", "postgres://")


class Store(Protocol):
    """What keeps the rows: durable, with the rules of `transfers`.

    name:      for people; never with a password in it
    recovered: how many holds of a dead process were returned on opening
    """

    name: str
    recovered: int

    def submit(self, command: Command) -> Awaitable[Any]:
        """The command's answer, once it is durable. Raises LedgerError."""
        ...

    def post(self, command: Command) -> None:
        """The same without an answer."""
        ...

    async def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of a SELECT that both stores understand, parameters as `$1`."""
        ...

    def news_of_keys(self) -> list[KeyRow]:
        """API keys that were made or changed since this was last asked; does not wait."""
        ...

    async def dead(self) -> frozenset[int]:
        """Server processes that died and have open holds, or may have."""
        ...

    async def close(self) -> None: ...


def is_shared(place: str | Path) -> bool:
    """Whether several server processes can use the place at once."""
    return str(place).startswith(_POSTGRES)


def open_store(place: str | Path, clock: Clock, *, durable: bool = True) -> Store:
    """A file, which need not be `durable`, or `postgresql://…`. Raises LedgerFileError."""
    if not is_shared(place):
        return SqliteStore.open(Path(place), clock, durable=durable)
    need_psycopg()
    from wiremark_server.ledger.postgres import PostgresStore

    return PostgresStore.open(str(place), clock)


def open_beside(place: str | Path, clock: Clock) -> Store:
    """The same beside the server that uses it, for its keys. Raises LedgerFileError."""
    return open_store(place, clock) if is_shared(place) else SqliteStore.beside(Path(place))


def need_psycopg() -> None:
    """Raises LedgerFileError where the driver is not installed."""
    if importlib.util.find_spec("psycopg") is None:
        raise LedgerFileError("a ledger in PostgreSQL needs psycopg: pip install 'wiremark[postgres]'")
