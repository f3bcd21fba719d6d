"""The transfers of the ledger, as operations on a connection inside a transaction.

What belongs here: which postings make a transfer, and which guards refuse one. What this file does
not know: threads, transactions, files, time. Every operation checks first and writes after, so a
refusal or an error leaves no trace.

    grant    funding -a    available +a
    hold     available -h  held +h
    settle   held -h       revenue +s     available +(h-s)
    release  held -h       available +h   (expire: the same, by the sweeper or at recovery)
"""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Literal

from wiremark_server.ledger.records import (
    MAX_AMOUNT,
    Balance,
    Hold,
    HoldRequest,
    LedgerConflict,
    Refused,
    Resolution,
    UnknownCursor,
    UsagePage,
    UsageRow,
)

_POST = "INSERT INTO posting(transfer, request_id, kind, book, account_id, amount, at) VALUES (?,?,?,?,?,?,?)"
_USAGE_COLUMNS = (
    "request_id, created, model, status, prompt_tokens, completion_tokens, amount, state, outcome, cached"
)


def month_of(seconds: float) -> str:
    """The UTC calendar month, as `2026-02`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m")


def open_account(connection: sqlite3.Connection, account_id: str) -> None:
    connection.execute("INSERT OR IGNORE INTO account(id) VALUES (?)", (account_id,))


def grant(
    connection: sqlite3.Connection, account_id: str, amount: int, reason: str, transfer: str, now: int
) -> None:
    """Give an account money from funding; once per `transfer`, whoever asks again."""
    if connection.execute("SELECT 1 FROM posting WHERE transfer=?", (transfer,)).fetchone():
        return
    if not 0 < amount <= MAX_AMOUNT - balance(connection, account_id).balance:
        raise LedgerConflict(
            f"a grant of {amount} µUSD to {account_id}: expected 1 up to a balance of {MAX_AMOUNT}"
        )
    open_account(connection, account_id)
    connection.execute("UPDATE account SET available=available+? WHERE id=?", (amount, account_id))
    connection.executemany(
        "INSERT INTO posting(transfer, kind, book, account_id, amount, at, note) "
        "VALUES (?,'grant',?,?,?,?,?)",
        (
            (transfer, "funding", account_id, -amount, now, reason),
            (transfer, "available", account_id, amount, now, reason),
        ),
    )


def hold(connection: sqlite3.Connection, wanted: HoldRequest, now: int, deadline: int) -> Hold | Refused:
    """Set the amount aside, unless the cap or the balance does not allow it."""
    known = connection.execute(
        "SELECT account_id, key_id, model, hold, deadline FROM usage WHERE request_id=?", (wanted.request_id,)
    ).fetchone()
    if known is not None:
        if known[:4] != (wanted.account_id, wanted.key_id, wanted.model, wanted.amount):
            raise LedgerConflict(f"request {wanted.request_id}: asked for a second hold with other values")
        return Hold(wanted.request_id, wanted.amount, known[4])
    month = month_of(now)
    if (refusal := _over_cap(connection, wanted, month)) is not None:
        return refusal
    request, account, amount = wanted.request_id, wanted.account_id, wanted.amount
    if amount > MAX_AMOUNT or not _take(connection, account, amount):
        return Refused("insufficient_credits", balance(connection, account).held)
    connection.execute(
        "INSERT INTO usage(request_id, account_id, key_id, model, created, deadline, month, hold) "
        "VALUES (?,?,?,?,?,?,?,?)",
        (request, account, wanted.key_id, wanted.model, now, deadline, month, amount),
    )
    transfer = f"hold/{request}"
    connection.execute(_POST, (transfer, request, "hold", "available", account, -amount, now))
    connection.execute(_POST, (transfer, request, "hold", "held", account, amount, now))
    connection.execute(
        "INSERT INTO spending(key_id, month, held) VALUES (?,?,?) "
        "ON CONFLICT DO UPDATE SET held=held+excluded.held",
        (wanted.key_id, month, amount),
    )
    return Hold(request, amount, deadline)


def _take(connection: sqlite3.Connection, account: str, amount: int) -> bool:
    """The guarded update: it touches no row when the money is not there."""
    updated = connection.execute(
        "UPDATE account SET available=available-?1, held=held+?1 WHERE id=?2 AND available>=?1",
        (amount, account),
    )
    return updated.rowcount == 1


def _over_cap(connection: sqlite3.Connection, wanted: HoldRequest, month: str) -> Refused | None:
    """A cap that is reached refuses free requests too: the key is done for the month."""
    if wanted.monthly_cap is None:
        return None
    spent, held = connection.execute(
        "SELECT coalesce(sum(spent),0), coalesce(sum(held),0) FROM spending WHERE key_id=? AND month=?",
        (wanted.key_id, month),
    ).fetchone()
    committed = spent + held
    if committed >= wanted.monthly_cap or committed + wanted.amount > wanted.monthly_cap:
        return Refused("monthly_cap_reached", held)
    return None


def settle(
    connection: sqlite3.Connection,
    request_id: str,
    amount: int,
    prompt_tokens: int,
    completion_tokens: int,
    status: int,
    outcome: str,
    cached: bool,
    now: int,
) -> Resolution:
    """Charge part or all of a hold and return the rest."""
    row = _ending(connection, request_id)
    if row is None:
        raise LedgerConflict(f"request {request_id}: there is no hold to settle")
    account, key, month, held, state, charged = row
    if state == "settled" and charged != amount:
        raise LedgerConflict(
            f"request {request_id}: settled at {charged} µUSD and now asked to settle at {amount}"
        )
    if state != "held":
        return Resolution(request_id, state, charged)
    if not 0 <= amount <= held:
        raise LedgerConflict(f"request {request_id}: a charge of {amount} µUSD on a hold of {held}")
    connection.execute(
        "UPDATE usage SET state='settled', amount=?, prompt_tokens=?, completion_tokens=?, status=?, "
        "outcome=?, cached=? WHERE request_id=?",
        (amount, prompt_tokens, completion_tokens, status, outcome, int(cached), request_id),
    )
    _end(connection, request_id, "settle", account, key, month, held, amount, now)
    return Resolution(request_id, "settled", amount)


def release(
    connection: sqlite3.Connection,
    request_id: str,
    status: int,
    outcome: str,
    now: int,
    kind: Literal["release", "expire"] = "release",
) -> Resolution | None:
    """Return a whole hold; None when there never was one (it was refused)."""
    row = _ending(connection, request_id)
    if row is None:
        return None
    account, key, month, held, state, charged = row
    if state != "held":
        return Resolution(request_id, state, charged)
    connection.execute(
        "UPDATE usage SET state='released', status=?, outcome=? WHERE request_id=?",
        (status, outcome, request_id),
    )
    _end(connection, request_id, kind, account, key, month, held, 0, now)
    return Resolution(request_id, "released", 0)


def expire(connection: sqlite3.Connection, now: int, before: int | None = None) -> int:
    """Release holds whose deadline is `before` or earlier, or every open one; returns how many."""
    if before is None:
        rows = connection.execute("SELECT request_id FROM usage WHERE state='held'").fetchall()
    else:
        rows = connection.execute(
            "SELECT request_id FROM usage WHERE state='held' AND deadline<=?", (before,)
        ).fetchall()
    for (request_id,) in rows:
        release(connection, request_id, 0, "expired", now, "expire")
    return len(rows)


def recover(connection: sqlite3.Connection, now: int) -> int:
    """Expire what a dead process left open, and write down that this was done.

    The charge of an answer is durable before its last byte is sent, so an open hold belongs to an
    answer that nobody received whole: the customer gets all of it back.
    """
    expired = expire(connection, now)
    connection.execute(
        "INSERT INTO recovery(at, last_seq, expired) SELECT ?, coalesce(max(seq),0), ? FROM usage",
        (now, expired),
    )
    return expired


def _ending(
    connection: sqlite3.Connection, request_id: str
) -> tuple[str, str, str, int, Literal["held", "settled", "released"], int] | None:
    row: tuple[str, str, str, int, Literal["held", "settled", "released"], int] | None = connection.execute(
        "SELECT account_id, key_id, month, hold, state, amount FROM usage WHERE request_id=?", (request_id,)
    ).fetchone()
    return row


def _end(
    connection: sqlite3.Connection,
    request: str,
    kind: str,
    account: str,
    key: str,
    month: str,
    held: int,
    charged: int,
    now: int,
) -> None:
    """The postings that end a hold; the charge counts in the month in which the request began."""
    transfer = f"end/{request}"
    connection.execute(_POST, (transfer, request, kind, "held", account, -held, now))
    if charged:
        connection.execute(_POST, (transfer, request, kind, "revenue", account, charged, now))
    if held > charged:
        connection.execute(_POST, (transfer, request, kind, "available", account, held - charged, now))
    connection.execute(
        "UPDATE account SET held=held-?, available=available+? WHERE id=?", (held, held - charged, account)
    )
    connection.execute(
        "UPDATE spending SET held=held-?, spent=spent+? WHERE key_id=? AND month=?",
        (held, charged, key, month),
    )


def balance(connection: sqlite3.Connection, account_id: str) -> Balance:
    """An account nobody opened has nothing."""
    row = connection.execute("SELECT available, held FROM account WHERE id=?", (account_id,)).fetchone()
    return Balance(*row) if row is not None else Balance(0, 0)


def usage(connection: sqlite3.Connection, key_id: str, limit: int, after: str | None) -> UsagePage:
    """A page of usage rows, newest first, beginning after the request `after`."""
    below = 2**63 - 1
    if after is not None:
        row = connection.execute(
            "SELECT seq FROM usage WHERE request_id=? AND key_id=?", (after, key_id)
        ).fetchone()
        if row is None:
            raise UnknownCursor(
                "`after` names no request of this key; use the next_after of the previous page"
            )
        below = row[0]
    found = connection.execute(
        f"SELECT {_USAGE_COLUMNS} FROM usage WHERE key_id=? AND seq<? ORDER BY seq DESC LIMIT ?",  # noqa: S608
        (key_id, below, limit + 1),
    ).fetchall()
    rows = tuple(UsageRow(*(*entry[:9], bool(entry[9]))) for entry in found[:limit])
    return UsagePage(rows, rows[-1].request_id if len(found) > limit else None)
