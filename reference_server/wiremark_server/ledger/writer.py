"""Group commit: one thread owns the connection, coroutines queue operations and await durability.

Whatever waits when the thread looks is one transaction and one fsync, so a disk that syncs a thousand
times a second still carries many thousands of transfers. An operation is a function of the
connection. It raises LedgerError only before its first write, so a refusal never fails its group.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from wiremark_server.ledger.records import LedgerError, LedgerUnavailable

T = TypeVar("T")
Operation = Callable[[sqlite3.Connection], T]

GROUP_SIZE = 512
"""Operations per COMMIT at most: bounds how long the first of a group waits for the last."""


@dataclass(slots=True)
class _Item:
    """A queued operation; `future` is None when nobody waits for it."""

    operation: Operation[Any]
    future: asyncio.Future[Any] | None
    result: Any = None
    error: BaseException | None = None


class GroupWriter:
    """Runs operations in the order in which they were submitted, each exactly once or not at all."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._closed = False
        self.groups = 0
        self.operations = 0
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    async def submit(self, operation: Operation[T]) -> T:
        """Run the operation; returns when it is durable.

        Cancelling the caller does not take the operation back. Raises what the operation raised,
        or LedgerUnavailable when the store could not commit.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(_Item(operation, future))
        return await future

    def post(self, operation: Operation[Any]) -> None:
        """Queue an operation whose result nobody waits for."""
        self._put(_Item(operation, None))

    def close(self) -> None:
        """Finish what is queued, then close the connection. Blocks; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _put(self, item: _Item) -> None:
        if self._closed:
            raise LedgerUnavailable("the ledger is closed: the server is shutting down")
        self._queue.put(item)

    def _run(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._next_group()
            if group:
                self._commit(group)
                _deliver(group)
        self._connection.close()

    def _next_group(self) -> tuple[list[_Item], bool]:
        """Wait for one item, then take what else is there; False when the queue has ended."""
        group: list[_Item] = []
        item = self._queue.get()
        while item is not None:
            group.append(item)
            if len(group) == GROUP_SIZE:
                return group, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Item]) -> None:
        """One transaction for the group. If a single operation breaks it, each gets its own."""
        try:
            self._transaction(group)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits; the writer outlives it
            if _is_store_trouble(error):
                text = f"the ledger could not commit ({error}); nothing was written, try again later"
                _fail(group, LedgerUnavailable(text))
            elif len(group) > 1:
                self._one_by_one(group)
            else:
                _fail(group, error)

    def _one_by_one(self, group: list[_Item]) -> None:
        for item in group:
            self._commit([item])

    def _transaction(self, group: list[_Item]) -> None:
        execute = self._connection.execute
        for item in group:
            item.result = item.error = None
        try:
            if self._connection.in_transaction:  # a disk that failed during a rollback, and came back
                execute("ROLLBACK")
            execute("BEGIN IMMEDIATE")
            for item in group:
                try:
                    item.result = item.operation(self._connection)
                except LedgerError as error:
                    item.error = error
            execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                execute("ROLLBACK")
            raise
        self.groups += 1
        self.operations += len(group)


def _is_store_trouble(error: Exception) -> bool:
    """Disk full, I/O error, locked, damaged: true of the whole group, and no operation's own fault."""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError


def _fail(group: list[_Item], error: BaseException) -> None:
    for item in group:
        item.result, item.error = None, error


def _deliver(group: list[_Item]) -> None:
    """Wake the waiting coroutines, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Item]] = {}
    for item in group:
        if item.future is not None:
            by_loop.setdefault(item.future.get_loop(), []).append(item)
    for loop, items in by_loop.items():
        try:
            loop.call_soon_threadsafe(_wake, items)
        except RuntimeError:  # the loop has ended, and with it everyone who could have waited
            continue


def _wake(items: list[_Item]) -> None:
    for item in items:
        future = item.future
        if future is None or future.done():
            continue
        if item.error is not None:
            future.set_exception(item.error)
        else:
            future.set_result(item.result)
