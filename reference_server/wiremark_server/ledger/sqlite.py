"""The embedded store: one file, one process that writes it, group commit on a thread of its own."""

from __future__ import annotations

import asyncio
import mmap
import os
import secrets
import sqlite3
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from wiremark_server.clock import Clock
from wiremark_server.ledger import schema, sqlite_rows
from wiremark_server.ledger.records import KeyRow, LedgerFileError, LedgerUnavailable
from wiremark_server.ledger.rows import Changes, Command, Needs, Request
from wiremark_server.ledger.tables import KEY_COLUMNS
from wiremark_server.ledger.transfers import Recover
from wiremark_server.ledger.writer import GroupWriter

T = TypeVar("T")
Row = tuple[Any, ...]

_BELL_BYTES = 8
_NEWEST = "SELECT coalesce(max(request_id), '') FROM usage"
_NEW_KEYS = f"SELECT {KEY_COLUMNS} FROM api_key WHERE revision>? ORDER BY revision"  # noqa: S608


class SqliteStore:
    """A ledger in a file. Made with `open`; the rules it keeps are those of `transfers`.

    recovered: how many holds of a dead process were returned on opening
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        lock: schema.FileLock | None,
        owner: int,
        recovered: int,
    ) -> None:
        self.name = str(path)
        self.path = path
        self.recovered = recovered
        self._owner = owner
        self._connection = connection
        self._lock = lock
        # Nobody else holds or settles in the file of whoever has the lock.
        self._open: dict[str, Request] = {}  # requests as they are in the file
        self._newest: str | None = None if lock is None else connection.execute(_NEWEST).fetchone()[0]
        self._writer = GroupWriter(self._transact, _is_trouble)
        self._reader = ThreadPoolExecutor(1, "ledger-reader")
        self._reading = schema.reader(path, any_thread=True)
        self._bell = _Bell(path)
        self._rung: bytes | None = None
        self._revision = 0

    @classmethod
    def open(cls, path: Path, clock: Clock, *, durable: bool = True) -> SqliteStore:
        """Open or make the file and return the open holds of a dead process.

        durable: what was written survives a power cut; a ledger that is thrown away need not
        Raises LedgerFileError for a file of another version, of another program, or in use.
        """
        if path.exists() and path.stat().st_size:
            schema.reader(path).close()  # refuse a foreign file before leaving anything beside it
        lock = schema.FileLock(path)
        try:
            connection = schema.writer(path, durable=durable)
            try:
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    owner, recovered = _begin_instance(connection, int(clock.now()))
                return cls(path, connection, lock, owner, recovered)
            except sqlite3.Error as error:
                connection.close()
                raise schema.unusable(path, error) from None
        except LedgerFileError:
            lock.release()
            raise

    @classmethod
    def beside(cls, path: Path) -> SqliteStore:
        """Open a file that a running server may own, to change keys and to grant: never to hold.

        Raises LedgerFileError for a file that is not there, or of another version.
        """
        schema.reader(path).close()
        return cls(path, schema.writer(path), None, 0, 0)

    def submit(self, command: Command) -> Awaitable[Any]:
        return self._writer.submit(command)

    def post(self, command: Command) -> None:
        self._writer.post(command)

    async def fetch(self, sql: str, *values: Any) -> list[Row]:
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._reader, self._fetch, _numbered(sql), values
            )
        except sqlite3.Error as error:
            raise LedgerUnavailable(f"the ledger cannot be read ({error}); try again later") from None
        except RuntimeError:
            raise LedgerUnavailable("the ledger is closed: the server is shutting down") from None

    def _fetch(self, sql: str, values: Sequence[Any]) -> list[Row]:
        return self._reading.execute(sql, values).fetchall()

    def news_of_keys(self) -> list[KeyRow]:
        """Costs next to nothing when there are none."""
        rung = self._bell.last()
        if rung == self._rung:
            return []
        self._rung = rung
        connection = schema.reader(self.path)
        try:
            rows = [KeyRow(*row) for row in connection.execute(_NEW_KEYS, (self._revision,))]
        except sqlite3.Error as error:
            self._rung = None
            raise LedgerUnavailable(f"the keys cannot be read ({error}); try again later") from None
        finally:
            connection.close()
        self._revision = rows[-1].revision if rows else self._revision
        return rows

    async def dead(self) -> frozenset[int]:
        """None beside this one, which owns the file."""
        return frozenset()

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._reader.shutdown()
        self._reading.close()
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def _transact(self, commands: Sequence[Command], apply: Any) -> None:
        """One transaction: load, apply, save. Raises what SQLite raises, with nothing written."""
        connection = self._connection
        try:
            if connection.in_transaction:  # a disk that failed during a rollback, and came back
                connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            needs = Needs.of(commands)
            known = sqlite_rows.load(connection, needs, self._owner, self._open, self._newest)
            apply(known)
            sqlite_rows.save(connection, known)
            connection.execute("COMMIT")
            self._remember(known.changes)
            if known.changes.api_keys:
                self._bell.ring()
        except BaseException:
            self._open.clear()  # the commands may have changed them
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _remember(self, changes: Changes) -> None:
        """Most requests end soon, and then need not be read again; most are later than all before."""
        if self._newest is not None and changes.begun:
            self._newest = max(self._newest, *changes.begun)
        for name, row in changes.begun.items():
            if row.state == "held":
                self._open[name] = row
        for name in changes.ended:
            self._open.pop(name, None)


class _Bell:
    """Eight bytes beside the ledger that are others after every change of a key, once it is durable.

    They are shared memory: a server looks at them for every request, which must not cost a system call.
    """

    def __init__(self, path: Path) -> None:
        with path.with_name(path.name + ".bell").open("ab+") as file:
            if os.fstat(file.fileno()).st_size < _BELL_BYTES:
                os.ftruncate(file.fileno(), _BELL_BYTES)
            self._bytes = mmap.mmap(file.fileno(), _BELL_BYTES)

    def last(self) -> bytes:
        return self._bytes[:]

    def ring(self) -> None:
        self._bytes[:] = secrets.token_bytes(_BELL_BYTES)


def _begin_instance(connection: sqlite3.Connection, now: int) -> tuple[int, int]:
    """This process's number, and how many holds were returned: whoever has the lock is the only one alive."""
    dead = frozenset(owner for (owner,) in connection.execute("SELECT id FROM instance WHERE ended IS NULL"))
    recovery = Recover(dead, now)
    known = sqlite_rows.load(connection, Needs.of([recovery]), 0)
    expired = recovery.apply(known)
    sqlite_rows.save(connection, known)
    (owner,) = connection.execute("INSERT INTO instance(started) VALUES (?) RETURNING id", (now,)).fetchone()
    return owner, expired


@lru_cache(maxsize=64)
def _numbered(sql: str) -> str:
    """The portable `$1` as SQLite writes it."""
    return sql.replace("$", "?")


def _is_trouble(error: Exception) -> bool:
    """Disk full, I/O error, locked, damaged: true of the whole group, and no command's own fault."""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError
