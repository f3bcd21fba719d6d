"""The embedded store: one file, one process that writes it, group commit on a thread of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from wiremark_server.clock import Clock
from wiremark_server.ledger import schema
from wiremark_server.ledger.records import KeyRow, LedgerFileError, LedgerUnavailable
from wiremark_server.ledger.rows import (
    CLAIM_SECONDS,
    Account,
    Claim,
    Command,
    Known,
    Needs,
    Request,
    Spending,
)
from wiremark_server.ledger.tables import KEY_COLUMNS, REQUEST_COLUMNS, TRANSFER_COLUMNS
from wiremark_server.ledger.transfers import Expire
from wiremark_server.ledger.writer import GroupWriter

T = TypeVar("T")
Row = tuple[Any, ...]

_EVER = 2**62
_CHUNKS = (64, 8, 1)
"""Rows per INSERT: few statements, each of them kept prepared, instead of one per row."""

_REQUESTS = f"SELECT {REQUEST_COLUMNS} FROM usage WHERE request_id IN (SELECT value FROM json_each(?))"  # noqa: S608
_DUE = f"SELECT {REQUEST_COLUMNS} FROM usage WHERE state='held' AND deadline<=? ORDER BY deadline"  # noqa: S608
_ACCOUNTS = "SELECT id, available, held FROM account WHERE id IN (SELECT value FROM json_each(?))"
_GRANTS = "SELECT ref FROM journal WHERE step='grant' AND ref IN (SELECT value FROM json_each(?))"
_SPENDING = "SELECT key_id, month, spent, held FROM spending WHERE key_id=? AND month=?"
_CLAIM = "SELECT digest, request_id, created FROM claim WHERE key_id=? AND endpoint=? AND name=?"
_NEW_KEYS = f"SELECT {KEY_COLUMNS} FROM api_key WHERE revision>? ORDER BY revision"  # noqa: S608
_KEYS = f"SELECT {KEY_COLUMNS} FROM api_key WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608

_END = (
    "UPDATE usage SET state=?, amount=?, prompt_tokens=?, completion_tokens=?, status=?, outcome=?, cached=? "
    "WHERE request_id=?"
)
_PUT_ACCOUNT = (
    "INSERT INTO account(id, available, held) VALUES (?,?,?) "
    "ON CONFLICT DO UPDATE SET available=excluded.available, held=excluded.held"
)
_PUT_SPENDING = (
    "INSERT INTO spending(key_id, month, spent, held) VALUES (?,?,?,?) "
    "ON CONFLICT DO UPDATE SET spent=excluded.spent, held=excluded.held"
)
_PUT_CLAIM = (
    "INSERT OR REPLACE INTO claim(key_id, endpoint, name, digest, request_id, created) VALUES (?,?,?,?,?,?)"
)
_FORGET_CLAIMS = "DELETE FROM claim WHERE created<=?"
_NEXT_REVISION = "SELECT coalesce(max(revision),0)+1 FROM api_key"
_PUT_KEY = f"INSERT OR REPLACE INTO api_key({KEY_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)"  # noqa: S608


class SqliteStore:
    """A ledger in a file. Made with `open`; the rules it keeps are those of `transfers`.

    recovered: how many holds of a dead process were returned on opening
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, lock: schema.FileLock, owner: int, recovered: int
    ) -> None:
        self.name = str(path)
        self.path = path
        self.recovered = recovered
        self._owner = owner
        self._connection = connection
        self._lock = lock
        self._writer = GroupWriter(self._transact, _is_trouble)
        self._reader = ThreadPoolExecutor(1, "ledger-reader")
        self._reading = schema.reader(path, any_thread=True)
        self._bell = str(_bell(path))
        self._rung = -1
        self._revision = 0

    @classmethod
    def open(cls, path: Path, clock: Clock) -> SqliteStore:
        """Open or make the file and return the open holds of a dead process.

        Raises LedgerFileError for a file of another version, of another program, or in use.
        """
        if path.exists() and path.stat().st_size:
            schema.reader(path).close()  # refuse a foreign file before leaving anything beside it
        lock = schema.FileLock(path)
        try:
            connection = schema.writer(path)
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

    async def submit(self, command: Command) -> Any:
        return await self._writer.submit(command)

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
        """Costs a `stat` when there are none."""
        rung = _last_rung(self._bell)
        if rung == self._rung:
            return []
        self._rung = rung
        connection = schema.reader(self.path)
        try:
            rows = [KeyRow(*row) for row in connection.execute(_NEW_KEYS, (self._revision,))]
        except sqlite3.Error as error:
            self._rung = -1
            raise LedgerUnavailable(f"the keys cannot be read ({error}); try again later") from None
        finally:
            connection.close()
        self._revision = rows[-1].revision if rows else self._revision
        return rows

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._reader.shutdown()
        self._reading.close()
        self._connection.close()
        self._lock.release()

    def _transact(self, commands: Sequence[Command], apply: Any) -> None:
        """One transaction: load, apply, save. Raises what SQLite raises, with nothing written."""
        connection = self._connection
        try:
            if connection.in_transaction:  # a disk that failed during a rollback, and came back
                connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            known = _load(connection, Needs.of(commands), self._owner)
            apply(known)
            _save(connection, known)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _bell(path: Path) -> Path:
    """The file that whoever changes a key beside a running server touches, after the change is durable."""
    return path.with_name(path.name + ".keys")


def _last_rung(bell: str) -> int:
    try:
        return os.stat(bell).st_mtime_ns  # noqa: PTH116 - on every request, and a Path costs three times this
    except FileNotFoundError:
        return 0


def _begin_instance(connection: sqlite3.Connection, now: int) -> tuple[int, int]:
    """This process's number, and how many holds were returned.

    The charge of an answer is durable before its last byte is sent, so a hold that a dead process left
    open belongs to an answer that nobody received whole: the customer gets all of it back.
    """
    recovery = Expire(_EVER, now)
    known = _load(connection, Needs.of([recovery]), 0)
    expired = recovery.apply(known)
    _save(connection, known)
    connection.execute("UPDATE instance SET ended=?, expired=? WHERE ended IS NULL", (now, expired))
    (owner,) = connection.execute("INSERT INTO instance(started) VALUES (?) RETURNING id", (now,)).fetchone()
    return owner, expired


def _load(connection: sqlite3.Connection, needs: Needs, owner: int) -> Known:
    execute = connection.execute
    known = Known(owner)
    for claimed in needs.claims:
        row = execute(_CLAIM, claimed).fetchone()
        if row is not None:
            known.claims[claimed] = Claim(claimed, *row)
            needs.requests.add(row[1])
    if needs.requests:
        for row in execute(_REQUESTS, (json.dumps([*needs.requests]),)):
            known.requests[row[0]] = Request(*row)
    if needs.due is not None:
        for row in execute(_DUE, (needs.due,)):
            known.requests[row[0]] = Request(*row)
            known.due.append(row[0])
    for request in known.requests.values():
        needs.accounts.add(request.account_id)
        needs.spending.add((request.key_id, request.month))
    if needs.accounts:
        for row in execute(_ACCOUNTS, (json.dumps([*needs.accounts]),)):
            known.accounts[row[0]] = Account(*row)
    if needs.grants:
        known.grants.update(ref for (ref,) in execute(_GRANTS, (json.dumps([*needs.grants]),)))
    for month in needs.spending:
        row = execute(_SPENDING, month).fetchone()
        if row is not None:
            known.spending[month] = Spending(*row)
    if needs.api_keys:
        for row in execute(_KEYS, (json.dumps([*needs.api_keys]),)):
            known.api_keys[row[0]] = KeyRow(*row)
    return known


def _save(connection: sqlite3.Connection, known: Known) -> None:
    changes = known.changes
    _insert(connection, "journal", TRANSFER_COLUMNS, changes.transfers)
    _insert(connection, "usage", REQUEST_COLUMNS, [_request(row) for row in changes.begun.values()])
    if changes.ended:
        connection.executemany(_END, [_ending(row) for row in changes.ended.values()])
    if changes.accounts:
        connection.executemany(
            _PUT_ACCOUNT, [(row.id, row.available, row.held) for row in changes.accounts.values()]
        )
    if changes.spending:
        connection.executemany(
            _PUT_SPENDING,
            [(row.key_id, row.month, row.spent, row.held) for row in changes.spending.values()],
        )
    for claim in changes.claims.values():
        connection.execute(_FORGET_CLAIMS, (claim.created - CLAIM_SECONDS,))
        connection.execute(_PUT_CLAIM, (*claim.claimed, claim.digest, claim.request_id, claim.created))
    for key in changes.api_keys.values():
        (revision,) = connection.execute(_NEXT_REVISION).fetchone()
        connection.execute(_PUT_KEY, (*astuple(key)[:-1], revision))


def _request(row: Request) -> Row:
    return (
        row.request_id,
        row.account_id,
        row.key_id,
        row.model,
        row.created,
        row.deadline,
        row.month,
        row.hold,
        row.owner,
        *_ending(row)[:-1],
    )


def _ending(row: Request) -> Row:
    return (
        row.state,
        row.amount,
        row.prompt_tokens,
        row.completion_tokens,
        row.status,
        row.outcome,
        row.cached,
        row.request_id,
    )


def _insert(connection: sqlite3.Connection, table: str, columns: str, rows: Sequence[Row]) -> None:
    start = 0
    for size in _CHUNKS:
        while len(rows) - start >= size:
            values = [value for row in rows[start : start + size] for value in row]
            connection.execute(_insertion(table, columns, size), values)
            start += size


@lru_cache(maxsize=64)
def _insertion(table: str, columns: str, rows: int) -> str:
    one = f"({','.join('?' * (columns.count(',') + 1))})"
    return f"INSERT INTO {table}({columns}) VALUES {','.join([one] * rows)}"  # noqa: S608 - our own names


@lru_cache(maxsize=64)
def _numbered(sql: str) -> str:
    """The portable `$1` as SQLite writes it."""
    return sql.replace("$", "?")


def _is_trouble(error: Exception) -> bool:
    """Disk full, I/O error, locked, damaged: true of the whole group, and no command's own fault."""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError
