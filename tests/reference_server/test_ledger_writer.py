"""Group commit: one COMMIT per group, failures that stay with whom they concern, a writer that lives on."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from wiremark_server.clock import ManualClock
from wiremark_server.ledger.records import Hold, HoldRequest, LedgerConflict, LedgerUnavailable
from wiremark_server.ledger.rows import Command, Known, Needs
from wiremark_server.ledger.sqlite import SqliteStore
from wiremark_server.ledger.store import Balance, Ledger
from wiremark_server.ledger.verify import verify
from wiremark_server.ledger.writer import GROUP_SIZE, GroupWriter


@dataclass
class Do:
    """A command that does what a test wants."""

    action: Callable[[], Any]

    def add_needs(self, needs: Needs) -> None: ...

    def apply(self, known: Known) -> Any:  # noqa: ARG002 - the signature of a command
        return self.action()


class Shelf:
    """A store of numbers: what was put in a group stays only when the whole group went well."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.broken: Exception | None = None
        self._new: list[int] = []

    def transact(self, commands: Sequence[Command], apply: Callable[[Known], None]) -> None:  # noqa: ARG002
        self._new = []
        if self.broken:
            raise self.broken
        apply(Known(0))
        self.numbers += self._new

    def put(self, number: int) -> Do:
        def action() -> int:
            if number >= 100:
                raise ValueError(number)
            self._new.append(number)
            return number

        return Do(action)

    def writer(self) -> GroupWriter:
        return GroupWriter(self.transact, lambda error: isinstance(error, OSError))


def gated(writer: GroupWriter, *commands: Do) -> Sequence[Any]:
    """The answers of commands that were queued while the writer was busy, and so are one group."""

    async def run() -> Sequence[Any]:
        gate = threading.Event()
        jobs = [writer.submit(Do(lambda: gate.wait(10)))]
        jobs += [writer.submit(command) for command in commands]
        gate.set()
        return (await asyncio.gather(*jobs, return_exceptions=True))[1:]

    return asyncio.run(run())


def test_what_waits_together_commits_together() -> None:
    shelf = Shelf()
    writer = shelf.writer()
    answers = gated(writer, *(shelf.put(number % 100) for number in range(GROUP_SIZE + 5)))
    assert answers == [number % 100 for number in range(GROUP_SIZE + 5)]
    assert writer.operations == GROUP_SIZE + 6
    assert writer.groups <= 3
    writer.close()


def test_a_command_that_breaks_its_group_fails_alone() -> None:
    shelf = Shelf()
    writer = shelf.writer()
    answers = gated(writer, *(shelf.put(number) for number in (1, 2, 100, 3)))
    assert isinstance(answers[2], ValueError)
    assert [*answers[:2], answers[3]] == [1, 2, 3] == shelf.numbers
    writer.close()


def test_a_refused_command_does_not_cost_its_group_another_commit() -> None:
    def refuse() -> None:
        raise LedgerConflict("no")

    shelf = Shelf()
    writer = shelf.writer()
    answers = gated(writer, shelf.put(1), Do(refuse), shelf.put(2))
    assert isinstance(answers[1], LedgerConflict)
    assert shelf.numbers == [1, 2]
    assert writer.groups <= 2
    writer.close()


def test_a_store_in_trouble_is_unavailable_to_the_whole_group_and_comes_back() -> None:
    shelf = Shelf()
    writer = shelf.writer()
    shelf.broken = OSError("the disk is gone")
    answers = gated(writer, shelf.put(1), shelf.put(2))
    assert all(isinstance(answer, LedgerUnavailable) for answer in answers)
    assert "the disk is gone" in str(answers[0])
    shelf.broken = None
    assert gated(writer, shelf.put(3)) == [3]
    assert shelf.numbers == [3]
    writer.close()


def test_what_nobody_waits_for_is_tried_again_once_the_trouble_is_over() -> None:
    shelf = Shelf()
    writer = shelf.writer()
    shelf.broken = OSError("the disk is gone")
    writer.post(shelf.put(1))
    assert isinstance(gated(writer, shelf.put(2))[0], LedgerUnavailable)
    shelf.broken = None
    assert gated(writer, shelf.put(3)) == [3]
    assert shelf.numbers == [1, 3]
    writer.close()


def test_a_full_disk_refuses_and_loses_nothing_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"

    async def run() -> None:
        clock = ManualClock()
        store = SqliteStore.open(path, clock)
        ledger = Ledger(store, clock)
        await ledger.grant("acme", 10**6, "test")

        def pages(limit: int) -> None:
            store._connection.execute(f"PRAGMA max_page_count={limit}")

        ((used,),) = await ledger.fetch("PRAGMA page_count")
        await store.submit(Do(lambda: pages(used)))
        held: list[str] = []
        refusals = 0
        for start in range(0, 2000, 50):
            names = [f"{'r' * 100}{number}" for number in range(start, start + 50)]
            answers = await asyncio.gather(
                *(ledger.hold(HoldRequest(name, "acme", "key", "model", 1)) for name in names),
                return_exceptions=True,
            )
            held += [name for name, answer in zip(names, answers, strict=True) if isinstance(answer, Hold)]
            refusals = sum(isinstance(answer, LedgerUnavailable) for answer in answers)
            if refusals:
                assert "disk is full" in str(answers[-1])
                break
        assert refusals
        assert (await ledger.balance("acme")).held == len(held)
        store._connection.execute("PRAGMA max_page_count=1000000")
        await ledger.hold(HoldRequest("after", "acme", "key", "model", 1))
        assert await ledger.balance("acme") == Balance(10**6 - len(held) - 1, len(held) + 1)
        await ledger.close()

    asyncio.run(run())
    assert all(result.ok for result in verify(path))


def test_a_damaged_database_is_trouble_and_not_a_command_s_fault(tmp_path: Path) -> None:
    def damaged() -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    async def run() -> None:
        store = SqliteStore.open(tmp_path / "ledger.db", ManualClock())
        with pytest.raises(LedgerUnavailable, match="malformed"):
            await store.submit(Do(damaged))
        await store.close()

    asyncio.run(run())


def test_a_hold_is_settled_from_the_file_when_its_row_was_changed_in_vain(tmp_path: Path) -> None:
    """The writer remembers open holds; a transaction that fails may have changed what it remembers."""

    def broken() -> None:
        raise sqlite3.OperationalError("disk I/O error")

    async def run() -> None:
        clock = ManualClock()
        store = SqliteStore.open(tmp_path / "ledger.db", clock)
        ledger = Ledger(store, clock)
        await ledger.grant("acme", 100, "test")
        await ledger.hold(HoldRequest("r", "acme", "key", "model", 100))
        settled = asyncio.ensure_future(ledger.settle("r", 40, 1, 1, 200, "ok"))
        await asyncio.sleep(0)
        failed = store.submit(Do(broken))  # in one group with the settlement
        for one in (settled, failed):
            with pytest.raises(LedgerUnavailable):
                await one
        assert (await ledger.release("r", 500, "failed")) is not None
        assert await ledger.balance("acme") == Balance(100, 0)
        await ledger.close()

    asyncio.run(run())
    assert all(result.ok for result in verify(tmp_path / "ledger.db"))


def test_the_last_word_on_a_daily_counter_is_kept(tmp_path: Path) -> None:
    async def run() -> None:
        clock = ManualClock()
        ledger = Ledger.open(tmp_path / "ledger.db", clock)
        ends = int(clock.now()) + 100
        for count in (1, 2, 3):
            ledger.count_day("key/day", count, ends)
        await ledger.grant("acme", 100, "test")
        assert await ledger.day_counts() == [("key/day", 3, ends)]
        ledger.count_day("key/day", 4, ends)
        await ledger.grant("acme", 100, "test")
        assert await ledger.day_counts() == [("key/day", 4, ends)]
        await ledger.close()

    asyncio.run(run())


def test_a_caller_whose_loop_has_ended_does_not_stop_the_writer() -> None:
    shelf = Shelf()
    writer = shelf.writer()
    gate = threading.Event()

    async def leave() -> None:
        writer.submit(Do(lambda: gate.wait(10)))
        await asyncio.sleep(0)

    asyncio.run(leave())
    gate.set()

    async def come() -> Any:
        return await writer.submit(shelf.put(1))

    assert asyncio.run(come()) == 1
    writer.close()


def test_closing_finishes_what_was_queued() -> None:
    async def run() -> None:
        shelf = Shelf()
        writer = shelf.writer()
        tasks = [writer.submit(shelf.put(number)) for number in range(10)]
        await asyncio.to_thread(writer.close)
        writer.close()
        assert await asyncio.gather(*tasks) == [*range(10)]
        with pytest.raises(LedgerUnavailable):
            await writer.submit(shelf.put(1))

    asyncio.run(run())
