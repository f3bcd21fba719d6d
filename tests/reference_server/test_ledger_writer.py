"""Group commit: one COMMIT per group, failures that stay with whom they concern, a writer that lives on."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from wiremark_server.clock import ManualClock
from wiremark_server.ledger.records import Hold, HoldRequest, LedgerUnavailable
from wiremark_server.ledger.store import Balance, Ledger
from wiremark_server.ledger.verify import verify
from wiremark_server.ledger.writer import GROUP_SIZE, GroupWriter, Operation


def memory() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.execute("CREATE TABLE t(x INTEGER CHECK (x < 100)) STRICT")
    return connection


def insert(number: int) -> Operation[Any]:
    def operation(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO t VALUES (?)", (number,))
        return number

    return operation


def count(connection: sqlite3.Connection) -> int:
    (rows,) = connection.execute("SELECT count(*) FROM t").fetchone()
    return int(rows)


def test_what_waits_together_commits_together() -> None:
    async def run() -> None:
        writer = GroupWriter(memory())
        gate = threading.Event()
        blocker = asyncio.ensure_future(writer.submit(lambda _: gate.wait(10)))
        waiting = [asyncio.ensure_future(writer.submit(count)) for _ in range(GROUP_SIZE + 5)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(blocker, *waiting)
        assert writer.operations == GROUP_SIZE + 6
        assert writer.groups <= 3
        writer.close()

    asyncio.run(run())


def test_an_operation_that_breaks_its_group_fails_alone() -> None:
    async def run() -> None:
        writer = GroupWriter(memory())
        gate = threading.Event()
        jobs: list[Coroutine[Any, Any, Any]] = [writer.submit(lambda _: gate.wait(10))]
        jobs += [writer.submit(insert(number)) for number in (1, 2, 100, 3)]
        tasks = [asyncio.ensure_future(job) for job in jobs]
        await asyncio.sleep(0)
        gate.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(answers[3], sqlite3.IntegrityError)
        assert [*answers[1:3], answers[4]] == [1, 2, 3]
        assert await writer.submit(count) == 3
        writer.close()

    asyncio.run(run())


def test_a_full_disk_refuses_and_loses_nothing_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"

    async def run() -> None:
        ledger = Ledger.open(path, ManualClock())
        await ledger.grant("acme", 10**6, "test")

        def pages(limit: str) -> None:
            ledger._writer._connection.execute(f"PRAGMA max_page_count={limit}")

        (used,) = await ledger.run(lambda connection: connection.execute("PRAGMA page_count").fetchone())
        await ledger.run(lambda _: pages(str(used)))
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
        await ledger.run(lambda _: pages("1000000"))
        await ledger.hold(HoldRequest("after", "acme", "key", "model", 1))
        assert await ledger.balance("acme") == Balance(10**6 - len(held) - 1, len(held) + 1)
        await ledger.close()

    asyncio.run(run())
    assert all(result.ok for result in verify(path))


def test_a_store_in_trouble_is_unavailable_to_the_whole_group() -> None:
    def damaged(_: sqlite3.Connection) -> None:
        raise sqlite3.DatabaseError("database disk image is malformed")

    async def run() -> None:
        writer = GroupWriter(memory())
        gate = threading.Event()
        jobs: list[Coroutine[Any, Any, Any]] = [writer.submit(lambda _: gate.wait(10))]
        jobs += [writer.submit(damaged), writer.submit(insert(1))]
        tasks = [asyncio.ensure_future(job) for job in jobs]
        await asyncio.sleep(0)
        gate.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(answers[1], LedgerUnavailable)
        assert "malformed" in str(answers[1])
        assert await writer.submit(count) == sum(answer == 1 for answer in answers)
        writer.close()

    asyncio.run(run())


def test_a_caller_whose_loop_has_ended_does_not_stop_the_writer() -> None:
    writer = GroupWriter(memory())
    gate = threading.Event()

    async def leave() -> None:
        task = asyncio.ensure_future(writer.submit(lambda _: gate.wait(10)))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    gate.set()
    assert asyncio.run(writer.submit(count)) == 0
    writer.close()


def test_closing_finishes_what_was_queued() -> None:
    async def run() -> None:
        writer = GroupWriter(memory())
        tasks = [asyncio.ensure_future(writer.submit(count)) for _ in range(10)]
        await asyncio.sleep(0)
        await asyncio.to_thread(writer.close)
        writer.close()
        assert await asyncio.gather(*tasks) == [0] * 10
        with pytest.raises(LedgerUnavailable):
            await writer.submit(count)

    asyncio.run(run())
