"""What only the shared store does: several processes, the death of one, sessions and databases that go."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from wiremark_loadtests import services
from wiremark_server.clock import ManualClock, SystemClock
from wiremark_server.keys import KeyStore
from wiremark_server.ledger import postgres
from wiremark_server.ledger.records import (
    Balance,
    Hold,
    HoldRequest,
    LedgerFileError,
    LedgerUnavailable,
    Refused,
)
from wiremark_server.ledger.store import Ledger
from wiremark_server.ledger.verify import verify

psycopg = pytest.importorskip("psycopg")

LEAVE_A_HOLD = """
import asyncio, os, sys
from wiremark_server.clock import SystemClock
from wiremark_server.ledger.store import HoldRequest, Ledger

async def main(place):
    ledger = Ledger.open(place, SystemClock())
    await ledger.hold(HoldRequest("left", "acme", "key", "model", 40))
    os.kill(os.getpid(), 9)

asyncio.run(main(sys.argv[1]))
"""


def wanted(name: str, amount: int = 1, cap: int | None = None) -> HoldRequest:
    return HoldRequest(name, "acme", "key", "model", amount, cap)


def broken(place: str) -> Sequence[str]:
    return [str(result) for result in verify(place) if not result.ok]


def execute(place: str, *statements: str) -> None:
    with psycopg.connect(place, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def leave_a_hold(place: str) -> int:
    return subprocess.run([sys.executable, "-c", LEAVE_A_HOLD, place], check=False).returncode


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """Released whenever a process has collected the news of keys."""
    news = threading.Semaphore(0)
    collect = postgres._KeyListener._collect

    def told(listener: Any, connection: Any) -> None:
        collect(listener, connection)
        news.release()

    monkeypatch.setattr(postgres._KeyListener, "_collect", told)
    return news


async def until(condition: Callable[[], bool], news: threading.Semaphore) -> None:
    """Look again after every piece of news."""
    while not condition():
        assert await asyncio.to_thread(news.acquire, timeout=10)


def test_processes_share_one_account_exactly(postgres_place: str) -> None:
    async def run() -> None:
        ledgers = [Ledger.open(postgres_place, SystemClock()) for _ in range(3)]
        await ledgers[0].grant("acme", 100, "test")
        answers = await asyncio.gather(
            *(ledgers[n % 3].hold(wanted(f"r{n}", cap=90 if n % 2 else None)) for n in range(200))
        )
        held = [n for n, answer in enumerate(answers) if isinstance(answer, Hold)]
        assert len(held) == 100 or (len(held) >= 90 and all(n % 2 == 0 for n in held[90:]))
        assert {answer.reason for answer in answers if isinstance(answer, Refused)} <= {
            "insufficient_credits",
            "monthly_cap_reached",
        }
        for number in held:  # whichever process holds, any can settle
            await ledgers[(number + 1) % 3].settle(f"r{number}", 1, 1, 1, 200, "ok")
        for ledger in ledgers:
            assert await ledger.balance("acme") == Balance(100 - len(held), 0)
            await ledger.close()

    asyncio.run(run())
    assert broken(postgres_place) == []


def test_what_a_killed_process_left_open_goes_back_while_others_live(postgres_place: str) -> None:
    async def run() -> None:
        alive = Ledger.open(postgres_place, SystemClock())
        await alive.grant("acme", 100, "test")
        await alive.hold(wanted("mine", 7))
        assert await asyncio.to_thread(leave_a_hold, postgres_place) == -9
        async with asyncio.timeout(10):
            while await alive.sweep() == 0:  # until the database has noticed that the process is gone
                pass
        assert await alive.balance("acme") == Balance(93, 7)
        assert await alive.sweep() == 0
        await alive.close()

    asyncio.run(run())
    assert broken(postgres_place) == []


def test_a_task_is_one_processs_own_until_that_has_ended(postgres_place: str) -> None:
    """So of several processes one alone makes it and tells of it."""

    async def run() -> None:
        first, second, third = (Ledger.open(postgres_place, SystemClock()) for _ in range(3))
        await first.put_task("t1", "k", "open", done=False)
        await first.put_task("t2", "k", "done", done=True)
        await second.sweep()
        assert await second.adopt_tasks() == []
        await first.close()
        async with asyncio.timeout(10):
            while not (left := await second.adopt_tasks()):  # until the database knows that it is gone
                await second.sweep()
        assert left == [("t1", "k", "open")]
        assert await third.adopt_tasks() == []
        assert await second.adopt_tasks() == []
        await second.close()
        await third.close()

    asyncio.run(run())


def test_a_revoked_key_is_gone_in_every_process(postgres_place: str, collected: threading.Semaphore) -> None:
    async def run() -> None:
        here, there = (Ledger.open(postgres_place, SystemClock()) for _ in range(2))
        ours, theirs = KeyStore(here), KeyStore(there)
        key, secret = await ours.create("acme", "sk-")
        await until(lambda: theirs.find(secret) is not None, collected)
        await ours.revoke(key.id)
        # Before the news has arrived, the store itself says no.
        answer = await there.hold(HoldRequest("r", "acme", key.id, "model", 0))
        assert answer == Refused("key_inactive")
        await until(lambda: theirs.find(secret) is None, collected)
        await here.close()
        await there.close()

    asyncio.run(run())


def test_sessions_that_are_cut_are_replaced_and_keep_their_holds(postgres_place: str) -> None:
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name='wiremark'"

    async def run() -> None:
        ledger = Ledger.open(postgres_place, SystemClock())
        await ledger.grant("acme", 100, "test")
        await ledger.hold(wanted("r1", 30))
        for turn in range(3):
            await asyncio.to_thread(execute, postgres_place, cut)
            assert isinstance(await ledger.hold(wanted(f"again{turn}", 1)), Hold)
            assert (await ledger.balance("acme")).held == 31 + turn
        assert await ledger.sweep() == 0  # the holds moved along, so they are nobody's inheritance
        assert (await ledger.settle("r1", 30, 1, 1, 200, "ok")).state == "settled"
        await ledger.close()

    asyncio.run(run())
    assert broken(postgres_place) == []


@pytest.fixture
def service() -> Iterator[services.Service]:
    """A PostgreSQL of the test's own, to be stopped."""
    try:
        with services.postgres_service("fsync=off") as found:
            yield found
    except services.Missing as missing:
        pytest.skip(str(missing))


def test_a_database_that_disappears_refuses_and_goes_on_when_it_returns(service: services.Service) -> None:
    async def run() -> None:
        ledger = Ledger.open(service.url, SystemClock())
        await ledger.grant("acme", 100, "test")
        await ledger.hold(wanted("open", 7))
        await ledger.hold(wanted("answered", 9))
        await asyncio.to_thread(service.stop)
        with pytest.raises(LedgerUnavailable, match="nothing was written"):
            await ledger.hold(wanted("refused"))
        with pytest.raises(LedgerUnavailable):
            await ledger.settle("answered", 9, 1, 1, 200, "ok")
        with pytest.raises(LedgerUnavailable, match="cannot be read"):
            await ledger.balance("acme")
        await asyncio.to_thread(service.start)
        assert isinstance(await ledger.hold(wanted("after", 1)), Hold)
        # The answer could not be charged and so was not given; its hold has gone back by itself.
        assert await ledger.balance("acme") == Balance(92, 8)
        assert (await ledger.settle("open", 7, 1, 1, 200, "ok")).state == "settled"
        await ledger.close()

    asyncio.run(run())
    assert broken(service.url) == []


def test_a_ledger_that_cannot_be_used_is_refused_in_a_sentence(postgres_place: str) -> None:
    def opening(place: str, sentence: str) -> None:
        for use in (lambda: Ledger.open(place, ManualClock()), lambda: verify(place)):
            with pytest.raises(LedgerFileError, match=sentence):
                use()

    with pytest.raises(LedgerFileError, match="there is no wiremark ledger here"):
        verify(postgres_place)
    asyncio.run(Ledger.open(postgres_place, ManualClock()).close())
    execute(postgres_place, "UPDATE wiremark_ledger SET version=9")
    opening(postgres_place, "has version 9 and this wiremark writes version 4")
    opening("postgresql://me:s3cret@127.0.0.1:1/db", r"^postgresql://127\.0\.0\.1:1/db: cannot be used")


def test_tables_of_another_program_are_left_alone(postgres_place: str) -> None:
    execute(postgres_place, "CREATE TABLE account(id INTEGER)")
    with pytest.raises(LedgerFileError, match="tables of another program"):
        Ledger.open(postgres_place, ManualClock())
    execute(postgres_place, "INSERT INTO account VALUES (1)")


@pytest.mark.parametrize(
    "statement", ["UPDATE journal SET note='x'", "DELETE FROM journal", "TRUNCATE journal"]
)
def test_the_journal_refuses_to_be_rewritten(postgres_place: str, statement: str) -> None:
    asyncio.run(Ledger.open(postgres_place, ManualClock()).close())
    with pytest.raises(psycopg.Error, match="append-only"):
        execute(postgres_place, statement)


@pytest.mark.parametrize(
    ("tampering", "name"),
    [
        ("UPDATE account SET available=available+1", "every account equals the sum of its journal"),
        ("UPDATE spending SET spent=spent+1", "what a key spent in a month is the sum of its usage"),
        ("DROP TRIGGER journal_no_change ON journal", "the journal is append-only"),
        ("ALTER TABLE journal DROP CONSTRAINT journal_ref_step_key", "the journal is append-only"),
    ],
)
def test_tampering_is_noticed(postgres_place: str, tampering: str, name: str) -> None:
    async def fill() -> None:
        ledger = Ledger.open(postgres_place, ManualClock())
        await ledger.grant("acme", 100, "test")
        await ledger.hold(wanted("r1", 10))
        await ledger.settle("r1", 5, 1, 1, 200, "ok")
        await ledger.close()

    asyncio.run(fill())
    assert broken(postgres_place) == []
    execute(postgres_place, tampering)
    assert [line.partition(": ")[0] for line in broken(postgres_place)] == [f"BROKEN  {name}"]


def test_without_the_driver_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(LedgerFileError, match=r"pip install 'wiremark\[postgres\]'"):
        Ledger.open("postgresql://127.0.0.1/db", ManualClock())
    asyncio.run(Ledger.open(tmp_path / "ledger.db", ManualClock()).close())
