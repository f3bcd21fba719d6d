"""The shared store: one PostgreSQL database, as many server processes as one likes.

Each process commits in groups on a thread of its own. It keeps a session lock for as long as it lives;
PostgreSQL drops the lock with the session, so another process can tell at any time who has died and
return what the dead left open.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from wiremark_server.clock import Clock
from wiremark_server.ledger import postgres_rows, postgres_schema
from wiremark_server.ledger.postgres_rows import CHANNEL, LOCK, Connection
from wiremark_server.ledger.records import KeyRow, LedgerUnavailable
from wiremark_server.ledger.rows import Command, Known, Needs
from wiremark_server.ledger.tables import KEY_COLUMNS
from wiremark_server.ledger.transfers import Recover
from wiremark_server.ledger.writer import GroupWriter

_LISTEN_SECONDS = 0.5
"""How soon a listener notices that it should end, or that the database is back."""

_NAME = "hashtextextended(current_schema() || '/wiremark/' || {}, 0)"
_LIVE = f"SELECT pg_advisory_lock({_NAME.format('$1::bigint')})"
_DEAD = f"""
SELECT id FROM instance WHERE ended IS NULL AND NOT EXISTS (
  SELECT 1 FROM pg_locks WHERE locktype='advisory' AND objsubid=1 AND granted
    AND database=(SELECT oid FROM pg_database WHERE datname=current_database())
    AND (classid::bigint << 32 | objid::bigint) = {_NAME.format("instance.id")})
"""  # noqa: S608
_BEGIN = "INSERT INTO instance(started) VALUES ($1) RETURNING id"
_NEW_KEYS = f"SELECT {KEY_COLUMNS} FROM api_key WHERE revision>$1 ORDER BY revision"  # noqa: S608


class PostgresStore:
    """A ledger in a database. Made with `open`; the rules it keeps are those of `transfers`.

    recovered: how many holds of dead processes were returned on opening
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self.name = postgres_schema.name_of(url)
        self.recovered = 0
        self._url = url
        self._clock = clock
        self._owner: int | None = None
        self._connection: Connection | None = None
        self._writer = GroupWriter(self._transact, _is_trouble)
        self._reader = ThreadPoolExecutor(1, "ledger-reader")
        self._reading: Connection | None = None
        self._keys = _KeyListener(url)

    @classmethod
    def open(cls, url: str, clock: Clock) -> PostgresStore:
        """Make the tables if need be, and return what dead processes left open. Raises LedgerFileError."""
        name = postgres_schema.name_of(url)
        try:
            with postgres_schema.connect(url) as connection:
                postgres_schema.prepare(connection, name)
            store = cls(url, clock)
            try:
                store._begin()
            except BaseException:
                store._close()
                raise
        except psycopg.Error as error:
            raise postgres_schema.unusable(name, error) from None
        return store

    def _begin(self) -> None:
        connection = self._attached()
        dead = frozenset(owner for (owner,) in connection.execute(_DEAD))
        recovery = Recover(dead, int(self._clock.now()))

        def recover(known: Known) -> None:
            self.recovered = recovery.apply(known)

        if dead:
            self._attempt(connection, [recovery], recover)
        self._keys.start()

    def submit(self, command: Command) -> Awaitable[Any]:
        return self._writer.submit(command)

    def post(self, command: Command) -> None:
        self._writer.post(command)

    async def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader, self._fetch, sql, values)
        except psycopg.Error as error:
            raise LedgerUnavailable(f"the ledger cannot be read ({_line(error)}); try again later") from None
        except RuntimeError:
            raise LedgerUnavailable("the ledger is closed: the server is shutting down") from None

    async def dead(self) -> frozenset[int]:
        return frozenset(owner for (owner,) in await self.fetch(_DEAD))

    def news_of_keys(self) -> list[KeyRow]:
        return self._keys.news()

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.close()
        self._keys.close()
        self._reader.shutdown()
        for connection in (self._reading, self._connection):
            if connection is not None:
                connection.close()

    def _fetch(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """On the reader's thread. A session that was lost while idle is noticed here and replaced once."""
        for last in (False, True):
            if self._reading is None or self._reading.closed:
                self._reading = postgres_schema.connect(self._url)
            try:
                return self._reading.execute(sql, values).fetchall()
            except psycopg.OperationalError:
                if last or not self._reading.closed:
                    raise
        raise AssertionError("unreachable")

    def _transact(self, commands: Sequence[Command], apply: Callable[[Known], None]) -> None:
        """One transaction: load, apply, save. A session that was lost is replaced once.

        Whether a lost session had committed cannot be known; to do it again is harmless, because every
        command done twice is done once.
        """
        for last in (False, True):
            connection = self._attached()
            try:
                self._attempt(connection, commands, apply)
            except psycopg.OperationalError:
                if last or not connection.closed:
                    raise
            else:
                return

    def _attempt(
        self, connection: Connection, commands: Sequence[Command], apply: Callable[[Known], None]
    ) -> None:
        try:
            known = postgres_rows.load(connection, Needs.of(commands), self._owner or 0)
            apply(known)
            postgres_rows.save(connection, known)
        finally:
            if not connection.closed and connection.info.transaction_status != TransactionStatus.IDLE:
                connection.execute("ROLLBACK")

    def _attached(self) -> Connection:
        """The writing session. A new one has a process number of its own, and takes the open holds over."""
        if self._connection is not None and not self._connection.closed:
            return self._connection
        connection = postgres_schema.connect(self._url)
        try:
            now = int(self._clock.now())
            connection.execute("BEGIN")
            connection.execute(LOCK)
            row = connection.execute(
                "INSERT INTO instance(started) VALUES ($1) RETURNING id", (now,)
            ).fetchone()
            (owner,) = row or (0,)
            connection.execute(_LIVE, (owner,))
            if self._owner is not None:
                values = (owner, self._owner)
                connection.execute("UPDATE usage SET owner=$1 WHERE owner=$2 AND state='held'", values)
                connection.execute("UPDATE task SET owner=$1 WHERE owner=$2 AND done=0", values)
                ending = "UPDATE instance SET ended=$1 WHERE id=$2 AND ended IS NULL"
                connection.execute(ending, (now, self._owner))
            connection.execute("COMMIT")
        except psycopg.Error:
            connection.close()
            raise
        self._owner, self._connection = owner, connection
        return connection


class _KeyListener:
    """Collects keys that any process has made or changed, on a thread of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._news: deque[KeyRow] = deque()
        self._revision = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="ledger-keys", daemon=True)

    def start(self) -> None:
        """Raises psycopg.Error. All keys there are, are news."""
        self._connection = self._connect()
        self._thread.start()

    def news(self) -> list[KeyRow]:
        if not self._news:
            return []
        return [self._news.popleft() for _ in range(len(self._news))]

    def close(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
            self._connection.close()

    def _connect(self) -> Connection:
        connection = postgres_schema.connect(self._url)
        connection.execute(f"LISTEN {CHANNEL}")
        self._collect(connection)  # what was changed while nobody listened
        return connection

    def _collect(self, connection: Connection) -> None:
        for row in connection.execute(_NEW_KEYS, (self._revision,)).fetchall():
            key = KeyRow(*row)
            self._revision = key.revision
            self._news.append(key)

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                if self._connection.closed:
                    self._connection = self._connect()
                for _ in self._connection.notifies(timeout=_LISTEN_SECONDS, stop_after=1):
                    pass  # a query is not possible in here
                self._collect(self._connection)
            except psycopg.Error:
                self._connection.close()
                self._ended.wait(_LISTEN_SECONDS)


def _is_trouble(error: Exception) -> bool:
    """The database is away, full, read-only or shutting down; no command's own fault."""
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | psycopg.InternalError)


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
