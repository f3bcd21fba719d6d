"""Every invariant has been seen to fail: each way of tampering is noticed by the right query."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from wiremark_server.clock import ManualClock
from wiremark_server.ledger.store import HoldRequest, Ledger
from wiremark_server.ledger.verify import INVARIANTS, SHOWN, verify

_UNGUARD = "DROP TRIGGER posting_no_update; DROP TRIGGER posting_no_delete;"
_GUARD = """
CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER posting_no_delete BEFORE DELETE ON posting BEGIN SELECT raise(ABORT, 'append-only'); END;
"""


async def fill(path: Path) -> None:
    """Two accounts; of one, a settled request, a released one, and an open hold."""
    ledger = Ledger.open(path, ManualClock())
    for account in ("acme", "other"):
        await ledger.grant(account, 1000, "test")
    for request, amount in (("settled", 300), ("released", 200), ("open", 100)):
        await ledger.hold(HoldRequest(request, "acme", "key", "model", amount))
    await ledger.settle("settled", 120, 10, 20, 200, "ok")
    await ledger.release("released", 500, "failed")
    await ledger.close()


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    asyncio.run(fill(path))
    return path


def broken(path: Path) -> set[str]:
    return {result.name for result in verify(path) if not result.ok}


TAMPERINGS = {
    "a posting changed": (
        "UPDATE posting SET amount=amount+1 WHERE transfer='end/settled' AND book='revenue'",
        {
            "the sum of all postings is zero",
            "the postings of every transfer sum to zero",
            "every usage amount is the settlement in the journal",
        },
    ),
    "money moved between transfers": (
        (
            "UPDATE posting SET amount=amount+1 WHERE transfer='end/settled' AND book='available';"
            "UPDATE posting SET amount=amount-1 WHERE transfer='end/released' AND book='available'"
        ),
        {"the postings of every transfer sum to zero"},
    ),
    "a balance raised": (
        "UPDATE account SET available=available+1 WHERE id='acme'",
        {"every account equals the sum of its journal"},
    ),
    "an account removed": (
        "DELETE FROM account WHERE id='other'",
        {"every account equals the sum of its journal"},
    ),
    "a balance below zero": (
        "PRAGMA ignore_check_constraints=1; UPDATE account SET available=-1 WHERE id='other'",
        {"every account equals the sum of its journal", "no balance is below zero"},
    ),
    "more taken than was there": (
        (
            "INSERT INTO posting(transfer, kind, book, account_id, amount, at) VALUES"
            " ('grant/x','grant','available','other',-1001,0), ('grant/x','grant','funding','other',1001,0)"
        ),
        {"every account equals the sum of its journal", "no balance is below zero"},
    ),
    "a second ending": (
        (
            "DROP INDEX posting_once;"
            "INSERT INTO posting(transfer, request_id, kind, book, account_id, amount, at)"
            " SELECT transfer, request_id, kind, book, account_id, amount, at"
            " FROM posting WHERE transfer='end/released'"
        ),
        {
            "every hold has at most one ending, and every ending a hold",
            "an ending gives up exactly what was held",
            "every account equals the sum of its journal",
            "no balance is below zero",
            "the journal is append-only",
        },
    ),
    "an ending that gives up less": (
        (
            "UPDATE posting SET amount=amount+5 WHERE transfer='end/settled' AND book='held';"
            "UPDATE posting SET amount=amount-5 WHERE transfer='end/settled' AND book='available'"
        ),
        {"an ending gives up exactly what was held", "every account equals the sum of its journal"},
    ),
    "a settlement above its hold": (
        (
            "UPDATE posting SET amount=500 WHERE transfer='end/settled' AND book='revenue';"
            "UPDATE posting SET amount=-200 WHERE transfer='end/settled' AND book='available'"
        ),
        {
            "no settlement is above its hold",
            "every account equals the sum of its journal",
            "every usage amount is the settlement in the journal",
        },
    ),
    "a hold that left the books": (
        "UPDATE usage SET state='released' WHERE request_id='open'",
        {
            "the held balance is the sum of the open holds",
            "every usage row says what the journal says",
            "what a key spent in a month is the sum of its usage",
        },
    ),
    "a usage amount lowered": (
        "UPDATE usage SET amount=amount-1 WHERE request_id='settled'",
        {
            "every usage amount is the settlement in the journal",
            "what a key spent in a month is the sum of its usage",
        },
    ),
    "a usage row removed": (
        "DELETE FROM usage WHERE request_id='released'",
        {"every posting of a request has its usage row"},
    ),
    "a request invented": (
        (
            "INSERT INTO usage(request_id, account_id, key_id, model, created, deadline, month, hold, state)"
            " VALUES ('invented','acme','key','model',0,0,'1970-01',0,'released')"
        ),
        {"every usage row says what the journal says"},
    ),
    "a cap's count lowered": (
        "UPDATE spending SET spent=spent-1",
        {"what a key spent in a month is the sum of its usage"},
    ),
    "a hold older than the last recovery": (
        "INSERT INTO recovery(at, last_seq, expired) SELECT 0, max(seq), 0 FROM usage",
        {"no hold outlives recovery"},
    ),
    "a transfer deleted": (
        "DELETE FROM posting WHERE transfer='end/settled'",
        {
            "every account equals the sum of its journal",
            "every usage row says what the journal says",
            "every usage amount is the settlement in the journal",
            "the journal is append-only",
        },
    ),
}


def test_an_honest_ledger_passes(ledger_file: Path) -> None:
    results = verify(ledger_file)
    assert [result.name for result in results] == [name for name, _ in INVARIANTS]
    assert broken(ledger_file) == set()
    assert str(results[0]) == "ok      the sum of all postings is zero"


@pytest.mark.parametrize("how", TAMPERINGS)
def test_tampering_is_noticed(ledger_file: Path, how: str) -> None:
    statements, expected = TAMPERINGS[how]
    connection = sqlite3.connect(ledger_file)
    connection.executescript(f"{_UNGUARD} {statements}; {_GUARD}")
    connection.close()
    assert broken(ledger_file) == expected


def test_missing_guards_are_noticed(ledger_file: Path) -> None:
    connection = sqlite3.connect(ledger_file)
    connection.executescript(_UNGUARD)
    connection.close()
    (result,) = [result for result in verify(ledger_file) if not result.ok]
    assert result.violations == ("posting_no_update is missing", "posting_no_delete is missing")


def test_every_invariant_has_a_tampering_that_breaks_it() -> None:
    assert {name for _, names in TAMPERINGS.values() for name in names} == {name for name, _ in INVARIANTS}


def test_violations_are_named_up_to_a_number(ledger_file: Path) -> None:
    connection = sqlite3.connect(ledger_file)
    connection.executemany(
        "INSERT INTO account(id, available) VALUES (?, 7)", ((f"a{n:02}",) for n in range(50))
    )
    connection.commit()
    connection.close()
    (result,) = [result for result in verify(ledger_file) if not result.ok]
    assert len(result.violations) == SHOWN
    assert result.violations[0] == "a00, 7, 0, 0, 0"


def test_verifying_changes_nothing(ledger_file: Path) -> None:
    before = ledger_file.read_bytes()
    verify(ledger_file)
    assert ledger_file.read_bytes() == before
