"""A power cut at any moment: what was answered is there afterwards, and the books agree.

A disk that loses power keeps what was synchronised, and of what was written since then any 512-byte sectors
or none. SQLite synchronises the log when a transaction commits, and before it copies pages of the log into
the database; a log is begun anew only after the database was synchronised, its first sector before the
others. So from the files after each answer every state that a cut can leave is drawn here, sector by sector.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from wiremark_server.clock import ManualClock
from wiremark_server.ledger.rows import Command, Known, Needs
from wiremark_server.ledger.sqlite import SqliteStore
from wiremark_server.ledger.store import HoldRequest, Ledger
from wiremark_server.ledger.verify import verify

SECTOR = 512
REQUESTS = 40
CHECKPOINT = 25  # pages of log: small, so that it is copied into the database again and again


class OftenCheckpointed:
    """Makes the store copy its log into the database after every few pages."""

    def __init__(self, store: SqliteStore) -> None:
        self._connection = store._connection

    def add_needs(self, needs: Needs) -> None: ...

    def apply(self, known: Known) -> None:  # noqa: ARG002 - the signature of a command
        assert self._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL, as the model has it
        self._connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT}")


@dataclass(frozen=True)
class Moment:
    """The files right after an answer of the ledger, and what it had answered until then.

    settled: charge by request
    """

    database: bytes
    log: bytes
    settled: dict[str, int]


async def history(path: Path) -> list[Moment]:
    clock = ManualClock()
    store = SqliteStore.open(path, clock)
    ledger = Ledger(store, clock)
    often: Command = OftenCheckpointed(store)
    await store.submit(often)
    await ledger.grant("acme", 10**6, "test")
    settled: dict[str, int] = {}
    moments: list[Moment] = []

    def look() -> None:
        log = path.with_name(path.name + "-wal").read_bytes()
        moments.append(Moment(path.read_bytes(), log, dict(settled)))

    look()
    for number in range(REQUESTS):
        name = f"req_{number:04}"
        await ledger.hold(HoldRequest(name, "acme", "key", "model", 100))
        look()
        await ledger.settle(name, number, 5, 5, 200, "ok")
        settled[name] = number
        look()
    await ledger.close()
    return moments


def torn(before: bytes, after: bytes, rng: random.Random) -> bytes:
    """`before` on its way to `after`: of each sector either one, and an end that may not be there yet."""
    share = rng.random()
    length = max(len(before), rng.randrange(len(after) + 1))
    grown = before.ljust(length, b"\0")
    sectors = range(0, length, SECTOR)
    return b"".join((after if rng.random() < share else grown)[at : at + SECTOR] for at in sectors)


def cut(before: Moment, after: Moment, rng: random.Random) -> tuple[bytes, bytes]:
    """Database and log as a power cut between two answers leaves them."""
    if rng.random() < 0.5:  # the log was synchronised, and its pages are on their way into the database
        return torn(before.database, after.database, rng), after.log
    if after.log[:32] == before.log[:32]:  # the transaction is on its way into the log
        return before.database, torn(before.log, after.log, rng)
    # The log is begun anew: everything in the old one is in the database, and the new beginning comes first.
    begun = after.log[:SECTOR] + before.log[SECTOR:]
    return before.database, rng.choice((before.log, torn(begun, after.log, rng)))


async def recovered(path: Path) -> dict[str, int]:
    """Charges by request, as they are once the ledger has been opened again."""
    ledger = Ledger.open(path, ManualClock())
    rows = await ledger.fetch("SELECT request_id, amount FROM usage WHERE state='settled'")
    await ledger.close()
    return dict(rows)


@pytest.mark.parametrize("seed", range(2))
def test_a_power_cut_loses_nothing_that_was_answered(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - a repeatable draw
    moments = asyncio.run(history(tmp_path / "ledger.db"))
    assert len({moment.log[:32] for moment in moments}) > 3, "the log was hardly ever begun anew"
    for number, (before, after) in enumerate(itertools.pairwise(moments)):
        path = tmp_path / f"cut-{number}" / "ledger.db"
        path.parent.mkdir()
        database, log = cut(before, after, rng)
        path.write_bytes(database)
        path.with_name("ledger.db-wal").write_bytes(log)
        found = asyncio.run(recovered(path))
        assert found in (before.settled, after.settled), f"cut {number} of seed {seed}"
        assert [result for result in verify(path) if not result.ok] == [], f"cut {number} of seed {seed}"
