"""Group commit: one thread owns the store, coroutines queue commands and await durability.

Whatever waits when the thread looks is one transaction and one flush, so a disk that flushes a thousand
times a second still carries many thousands of transfers.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct

from wiremark_server.ledger.records import LedgerError, LedgerUnavailable
from wiremark_server.ledger.rows import Command, Known

GROUP_SIZE = 512
"""Commands per transaction at most: bounds how long the first of a group waits for the last."""

TURNS = 6
"""Turns of the event loop, of some microseconds each, from the first command of a group until the thread is
told: as many as requests that came together are apart (`policy.cohort`)."""

KEPT = 10_000
"""Commands that nobody waits for and that are tried again; recovery and the sweeper do what is left."""


class Transact(Protocol):
    """One transaction for a group: load what it needs, call `apply` with it, save what changed, commit.

    Raises with nothing written.
    """

    def __call__(self, commands: Sequence[Command], apply: Callable[[Known], None]) -> None: ...


class Item(Struct):
    """A queued command; `future` is None when nobody waits for it."""

    command: Command
    future: asyncio.Future[Any] | None
    result: Any = None
    error: BaseException | None = None


class Group:
    """What is committed together: a command that is refused is told so, and the others go on."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self.commands = [item.command for item in items]

    def apply(self, known: Known) -> None:
        for item in self.items:
            item.result = item.error = None
            try:
                item.result = item.command.apply(known)
            except LedgerError as error:
                item.error = error

    def fail(self, error: BaseException) -> None:
        for item in self.items:
            item.result, item.error = None, error

    def alone(self) -> list[Group]:
        return [Group([item]) for item in self.items]


class GroupWriter:
    """Runs commands in the order in which they were submitted, each exactly once or not at all.

    The thread is told of new commands once for some turns of the event loop, and not for each command: waking
    a thread costs more than queueing does, and one that wakes at once finds only the first of a group.

    is_trouble: whether an error is the store's and so true of the whole group
    """

    def __init__(self, transact: Transact, is_trouble: Callable[[Exception], bool]) -> None:
        self._transact = transact
        self._is_trouble = is_trouble
        self._items: deque[Item] = deque()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._told: asyncio.AbstractEventLoop | None = None  # the loop that is going to ring
        self._again: list[Item] = []
        self._closed = False
        self.groups = 0
        self.operations = 0
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, command: Command) -> asyncio.Future[Any]:
        """Run the command; the future is done when it is durable.

        Cancelling the caller does not take the command back. Raises what the command raised, or
        LedgerUnavailable when the store could not commit.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._put(Item(command, future), loop)
        return future

    def post(self, command: Command) -> None:
        """Queue a command whose result nobody waits for; tried again while the store is in trouble."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        self._put(Item(command, None), loop)

    def close(self) -> None:
        """Finish what is queued. Blocks; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._bell.put(None)
        self._thread.join()

    def _put(self, item: Item, loop: asyncio.AbstractEventLoop | None) -> None:
        if self._closed:
            raise LedgerUnavailable("the ledger is closed: the server is shutting down")
        self._items.append(item)
        if loop is None:
            self._ring()
        elif self._told is not loop:  # one that has ended does not ring any more
            self._told = loop
            self._ring_after(TURNS, loop)

    def _ring_after(self, turns: int, loop: asyncio.AbstractEventLoop) -> None:
        if turns:
            loop.call_soon(self._ring_after, turns - 1, loop)
        else:
            self._ring()

    def _ring(self) -> None:
        self._told = None
        self._bell.put(None)

    def _run(self) -> None:
        while not self._closed or self._items:
            self._bell.get()
            while self._items:
                self._commit_next()
        if self._again:
            self._commit_next()

    def _commit_next(self) -> None:
        group = Group([*self._again, *self._next_items()])
        self._again = []
        self._commit(group)
        _deliver(group.items)

    def _next_items(self) -> list[Item]:
        """What is there, as far as one group goes."""
        return [self._items.popleft() for _ in range(min(len(self._items), GROUP_SIZE))]

    def _commit(self, group: Group) -> None:
        """One transaction for the group. If a single command breaks it, each gets its own."""
        try:
            self._transact(group.commands, group.apply)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits; the writer outlives it
            if self._is_trouble(error):
                text = f"the ledger could not commit ({error}); nothing was written, try again later"
                group.fail(LedgerUnavailable(text))
                unheard = [item for item in group.items if item.future is None]
                self._again = [*self._again, *unheard][-KEPT:]
            elif len(group.items) > 1:
                for one in group.alone():
                    self._commit(one)
            else:
                group.fail(error)
        else:
            self.groups += 1
            self.operations += len(group.items)


def _deliver(items: Sequence[Item]) -> None:
    """Wake the waiting coroutines, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Item]] = {}
    for item in items:
        if item.future is not None:
            by_loop.setdefault(item.future.get_loop(), []).append(item)
    for loop, waiting in by_loop.items():
        try:
            loop.call_soon_threadsafe(wake, waiting)
        except RuntimeError:  # the loop has ended, and with it everyone who could have waited
            continue


def wake(items: Sequence[Item]) -> None:
    for item in items:
        future = item.future
        if future is None or future.done():
            continue
        if item.error is not None:
            future.set_exception(item.error)
        else:
            future.set_result(item.result)
