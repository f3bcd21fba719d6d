"""Every invariant has been seen to fail: each way of tampering is noticed by the right query."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from wiremark_server.clock import ManualClock
from wiremark_server.ledger.records import ClaimRequest, HoldRequest
from wiremark_server.ledger.store import Ledger
from wiremark_server.ledger.verify import INVARIANTS, SHOWN, verify

_UNGUARD = """
PRAGMA ignore_check_constraints=1; DROP TRIGGER journal_no_update; DROP TRIGGER journal_no_delete;
"""
_GUARD = """
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT raise(ABORT, 'append-only'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT raise(ABORT, 'append-only'); END;
"""


async def fill(path: Path) -> None:
    """Two accounts; of one, a request of each state, the settled one with an idempotency key."""
    ledger = Ledger.open(path, ManualClock())
    for account in ("acme", "other"):
        await ledger.grant(account, 1000, "test")
    claim = ClaimRequest("chat", "name", b"digest")
    for request, amount in (("settled", 300), ("released", 200), ("refunded", 50), ("open", 100)):
        wanted = HoldRequest(request, "acme", "key", "model", amount)
        wanted.claim = claim if request == "settled" else None
        await ledger.hold(wanted)
    await ledger.settle("settled", 120, 10, 20, 200, "ok")
    await ledger.settle("refunded", 40, 10, 20, 200, "ok")
    await ledger.refund("refunded", 503, "failed")
    await ledger.release("released", 500, "failed")
    await ledger.close()


@pytest.fixture
def ledger_file(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    asyncio.run(fill(path))
    return path


def broken(path: Path) -> set[str]:
    return {result.name for result in verify(path) if not result.ok}


ACCOUNT = "every account equals the sum of its journal"
AMOUNT = "every usage amount is the revenue in the journal"
MONTH = "what a key spent in a month is the sum of its usage"
TRANSFER = "the postings of every transfer sum to zero"
TOTAL = "the sum of all postings is zero"
STATE = "every usage row says what the journal says"
ORPHAN = "every transfer of a request has its usage row"
ONCE = "every hold has at most one ending, and every ending a hold"
EXACT = "an ending gives up exactly what was held"
WITHIN = "no settlement is above its hold, and no refund above its settlement"
BELOW_ZERO = "no balance is below zero"
HELD = "the held balance is the sum of the open holds"
RECOVERED = "no hold outlives recovery"
CLAIMED = "every idempotency key names a request of its API key"
APPEND_ONLY = "the journal is append-only"

TAMPERINGS = {
    "a posting changed": (
        "UPDATE journal SET revenue=revenue+1 WHERE ref='settled' AND step='end'",
        {TOTAL, TRANSFER, AMOUNT},
    ),
    "money moved between transfers": (
        (
            "UPDATE journal SET available=available+1 WHERE ref='settled' AND step='end';"
            "UPDATE journal SET available=available-1 WHERE ref='released' AND step='end'"
        ),
        {TRANSFER},
    ),
    "a balance raised": ("UPDATE account SET available=available+1 WHERE id='acme'", {ACCOUNT}),
    "an account removed": ("DELETE FROM account WHERE id='other'", {ACCOUNT}),
    "a balance below zero": ("UPDATE account SET available=-1 WHERE id='other'", {ACCOUNT, BELOW_ZERO}),
    "more taken than was there": (
        (
            "INSERT INTO journal(ref, step, kind, account_id, available, held, revenue, funding, at)"
            " VALUES ('x','grant','grant','other',-1001,0,0,1001,0)"
        ),
        {ACCOUNT, BELOW_ZERO},
    ),
    "a second ending": (
        (
            "PRAGMA legacy_alter_table=1; CREATE TABLE copy AS SELECT * FROM journal; DROP TABLE journal;"
            "ALTER TABLE copy RENAME TO journal;"
            "CREATE TEMP TABLE again AS SELECT * FROM journal WHERE ref='released' AND step='end';"
            "UPDATE again SET id=id+20; INSERT INTO journal SELECT * FROM again"
        ),
        {ONCE, EXACT, ACCOUNT, BELOW_ZERO, APPEND_ONLY},
    ),
    "an ending that gives up less": (
        "UPDATE journal SET held=held+5, available=available-5 WHERE ref='settled' AND step='end'",
        {EXACT, ACCOUNT},
    ),
    "a settlement above its hold": (
        "UPDATE journal SET revenue=500, available=-200 WHERE ref='settled' AND step='end'",
        {WITHIN, ACCOUNT, AMOUNT},
    ),
    "a refund above its settlement": (
        "UPDATE journal SET revenue=-60, available=60 WHERE ref='refunded' AND step='refund'",
        {WITHIN, ACCOUNT, AMOUNT},
    ),
    "a hold that left the books": (
        "UPDATE usage SET state='released' WHERE request_id='open'",
        {HELD, STATE, MONTH},
    ),
    "a usage amount lowered": (
        "UPDATE usage SET amount=amount-1 WHERE request_id='settled'",
        {AMOUNT, MONTH},
    ),
    "a usage row removed": ("DELETE FROM usage WHERE request_id='released'", {ORPHAN}),
    "a request invented": (
        (
            "INSERT INTO usage(request_id, account_id, key_id, model, created, deadline, month, hold, owner,"
            " state) VALUES ('invented','acme','key','model',0,0,'1970-01',0,1,'released')"
        ),
        {STATE},
    ),
    "a cap's count lowered": ("UPDATE spending SET spent=spent-1", {MONTH}),
    "a hold older than the last recovery": ("UPDATE instance SET ended=1", {RECOVERED}),
    "an idempotency key of somebody else": ("UPDATE claim SET request_id='elsewhere'", {CLAIMED}),
    "a transfer deleted": (
        "DELETE FROM journal WHERE ref='settled' AND step='end'",
        {ACCOUNT, STATE, AMOUNT, APPEND_ONLY},
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
    assert result.violations == ("journal_no_update is missing", "journal_no_delete is missing")


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
