"""Files that are no ledger of this version are refused with a sentence, and left as they were."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from wiremark_server.clock import ManualClock
from wiremark_server.ledger import schema
from wiremark_server.ledger.store import Ledger, LedgerFileError
from wiremark_server.ledger.verify import verify


def make(path: Path) -> None:
    asyncio.run(Ledger.open(path, ManualClock()).close())


def other_version(path: Path) -> None:
    make(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=7")
    connection.close()


def other_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE notes(text)")
    connection.close()


def not_a_database(path: Path) -> None:
    path.write_text("dear diary, " * 100)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (other_version, r"has version 7 and this wiremark writes version 4; use the wiremark that made it"),
        (other_program, r"is not a wiremark ledger; give another path"),
        (not_a_database, r"cannot be used as a ledger \(file is not a database\)"),
    ],
)
def test_a_foreign_file_is_refused_and_untouched(
    tmp_path: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    path = tmp_path / "file.db"
    spoil(path)
    before = path.read_bytes()
    for use in (lambda: Ledger.open(path, ManualClock()), lambda: verify(path)):
        with pytest.raises(LedgerFileError, match=sentence) as caught:
            use()
        assert str(caught.value).startswith(str(path))
    assert path.read_bytes() == before


def test_a_missing_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerFileError, match="give a path in a folder that exists"):
        Ledger.open(tmp_path / "no" / "ledger.db", ManualClock())
    with pytest.raises(LedgerFileError, match="there is no such file"):
        verify(tmp_path / "ledger.db")


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(LedgerFileError):
        Ledger.open(tmp_path, ManualClock())


def test_one_process_owns_a_ledger_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    first = Ledger.open(path, ManualClock())
    with pytest.raises(LedgerFileError, match="another server process is using this ledger"):
        Ledger.open(path, ManualClock())
    assert all(result.ok for result in verify(path))  # readers are welcome
    asyncio.run(first.close())
    make(path)


def test_the_journal_refuses_to_be_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"

    async def run() -> None:
        ledger = Ledger.open(path, ManualClock())
        await ledger.grant("acme", 5, "test")
        await ledger.close()

    asyncio.run(run())
    connection = sqlite3.connect(path)
    for statement in ("UPDATE journal SET note='x'", "DELETE FROM journal"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()


def test_a_commit_is_on_disk_when_it_returns(tmp_path: Path) -> None:
    connection = schema.writer(tmp_path / "ledger.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    make(path)
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * (len(content) - 100))  # the header is whole, the pages are not
    for use in (lambda: Ledger.open(path, ManualClock()), lambda: verify(path)):
        with pytest.raises(LedgerFileError, match=r"cannot be (verified|used as a ledger) \("):
            use()


def test_a_ledger_whose_recovery_cannot_be_written_is_refused_and_let_go(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    make(path)
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TRIGGER broken BEFORE INSERT ON instance BEGIN SELECT raise(ABORT, 'disk I/O error'); END"
    )
    for _ in range(2):  # the second attempt shows that the first one released the file
        with pytest.raises(LedgerFileError, match=r"cannot be used as a ledger \(disk I/O error\)"):
            Ledger.open(path, ManualClock())
    connection.executescript("DROP TRIGGER broken")
    connection.close()
    make(path)
