"""Rows between `rows` and the tables of PostgreSQL: what a group needs to see, and what it changed.

Statements travel in pipelines: a group costs three round trips, however many commands it has. Every
transaction takes the ledger's one lock first, so groups of all processes happen one after the other:
no deadlock, no retry, and each group sees what the groups before it did. With group commit a single
writer at a time is far faster than many that wait for each other's rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple
from functools import lru_cache
from typing import Any

import psycopg

from wiremark_server.ledger.records import KeyRow
from wiremark_server.ledger.rows import CLAIM_SECONDS, Account, Claim, Known, Needs, Request, Spending
from wiremark_server.ledger.tables import (
    APPLICATION_ID,
    KEY_COLUMNS,
    ORPHANS,
    POSTGRES_TYPES,
    REQUEST_COLUMNS,
    TRANSFER_COLUMNS,
)

Connection = psycopg.Connection[tuple[Any, ...]]
_Cursor = psycopg.Cursor[tuple[Any, ...]]

LOCK = f"SELECT pg_advisory_xact_lock({APPLICATION_ID})"
CHANNEL = "wiremark_keys"

_CLAIMED = "FROM unnest($1::text[], $2::text[], $3::text[]) AS w(key_id, endpoint, name) "
_CLAIMS = (
    "SELECT key_id, endpoint, name, digest, request_id, created, paid "
    f"{_CLAIMED} JOIN claim USING (key_id, endpoint, name)"
)
_OF_CLAIMS = (
    f"SELECT {REQUEST_COLUMNS} FROM usage WHERE request_id IN "  # noqa: S608
    f"(SELECT request_id {_CLAIMED} JOIN claim USING (key_id, endpoint, name))"
)
_REQUESTS = f"SELECT {REQUEST_COLUMNS} FROM usage WHERE request_id = ANY($1)"  # noqa: S608
_DUE = f"SELECT {REQUEST_COLUMNS} FROM usage WHERE state='held' AND deadline<=$1 ORDER BY deadline"  # noqa: S608
_OPEN = f"SELECT {REQUEST_COLUMNS} FROM usage WHERE state='held' AND owner = ANY($1) ORDER BY deadline"  # noqa: S608
_GRANTS = "SELECT ref FROM journal WHERE step='grant' AND ref = ANY($1)"
_KEYS = f"SELECT {KEY_COLUMNS} FROM api_key WHERE id = ANY($1)"  # noqa: S608
_REVISION = "SELECT coalesce(max(revision),0) FROM api_key"
_ACCOUNTS = "SELECT id, available, held FROM account WHERE id = ANY($1)"
_SPENDING = (
    "SELECT key_id, month, spent, held FROM unnest($1::text[], $2::text[]) AS w(key_id, month) "
    "JOIN spending USING (key_id, month)"
)

_ENDING = "state, amount, prompt_tokens, completion_tokens, status, outcome, cached, request_id"
_PUT_ACCOUNTS = " ON CONFLICT (id) DO UPDATE SET available=excluded.available, held=excluded.held"
_PUT_TASKS = (
    " ON CONFLICT (id) DO UPDATE SET done=excluded.done, owner=excluded.owner, document=excluded.document"
)
_PUT_SPENDING = " ON CONFLICT (key_id, month) DO UPDATE SET spent=excluded.spent, held=excluded.held"
_CLAIM_COLUMNS = "key_id, endpoint, name, digest, request_id, created, paid"
_PUT_CLAIMS = (
    " ON CONFLICT (key_id, endpoint, name) DO UPDATE"
    " SET digest=excluded.digest, request_id=excluded.request_id, created=excluded.created,"
    " paid=excluded.paid"
)
_PUT_DAYS = " ON CONFLICT (name) DO UPDATE SET count=excluded.count, ends=excluded.ends"
_FORGET_CLAIMS = "DELETE FROM claim WHERE created<=$1"
_PUT_KEY = (
    f"INSERT INTO api_key({KEY_COLUMNS}) "  # noqa: S608
    "VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11) "
    "ON CONFLICT (id) DO UPDATE SET digest=excluded.digest, role_hint=excluded.role_hint, "
    "allowed_models=excluded.allowed_models, monthly_cap=excluded.monthly_cap, limits=excluded.limits, "
    "state=excluded.state, revision=excluded.revision"
)
_END_INSTANCE = "UPDATE instance SET ended=$1, expired=$2 WHERE id=$3 AND ended IS NULL"


def load(connection: Connection, needs: Needs, owner: int) -> Known:
    """Begin a transaction, take the lock, and see what the commands need."""
    known = Known(owner)
    ask = connection.execute
    requests: list[_Cursor] = []
    left: list[_Cursor] = []
    claims = grants = keys = revision = accounts = spending = orphans = None
    with connection.pipeline():
        ask("BEGIN")
        ask(LOCK)
        if needs.claims:
            columns = _turned(needs.claims)
            claims = ask(_CLAIMS, columns)
            requests.append(ask(_OF_CLAIMS, columns))
        if needs.requests:
            requests.append(ask(_REQUESTS, ([*needs.requests],)))
        if needs.due is not None:
            left.append(ask(_DUE, (needs.due,)))
        if needs.dead:
            left.append(ask(_OPEN, ([*needs.dead],)))
        if needs.grants:
            grants = ask(_GRANTS, ([*needs.grants],))
        if needs.api_keys:
            keys = ask(_KEYS, ([*needs.api_keys],))
        if needs.revision:
            revision = ask(_REVISION)
        if needs.orphans:
            orphans = ask(ORPHANS)
    for cursor in (*requests, *left):
        for row in cursor.fetchall():
            request = known.requests[row[0]] = Request(*row)
            needs.accounts.add(request.account_id)
            needs.spending.add((request.key_id, request.month))
            if cursor in left:
                known.left.append(request.request_id)
    with connection.pipeline():
        if needs.accounts:
            accounts = ask(_ACCOUNTS, ([*needs.accounts],))
        if needs.spending:
            spending = ask(_SPENDING, _turned(needs.spending))
    known.claims = {row[:3]: Claim(row[:3], *row[3:]) for row in _rows(claims)}
    known.grants = {ref for (ref,) in _rows(grants)}
    known.api_keys = {row[0]: KeyRow(*row) for row in _rows(keys)}
    known.revision = sum(number for (number,) in _rows(revision))
    known.orphans = [*_rows(orphans)]
    known.accounts = {row[0]: Account(*row) for row in _rows(accounts)}
    known.spending = {row[:2]: Spending(*row) for row in _rows(spending)}
    return known


def save(connection: Connection, known: Known) -> None:
    """Write what changed and commit."""
    changes = known.changes
    ask = connection.execute
    with connection.pipeline():
        _put(connection, "journal", TRANSFER_COLUMNS, changes.transfers)
        _put(connection, "usage", REQUEST_COLUMNS, [row.columns() for row in changes.begun.values()])
        if changes.ended:
            ask(_endings(), _turned([row.ending() for row in changes.ended.values()]))
        accounts = [(row.id, row.available, row.held) for row in changes.accounts.values()]
        _put(connection, "account", "id, available, held", accounts, _PUT_ACCOUNTS)
        spent = [(row.key_id, row.month, row.spent, row.held) for row in changes.spending.values()]
        _put(connection, "spending", "key_id, month, spent, held", spent, _PUT_SPENDING)
        if changes.claims:
            ask(_FORGET_CLAIMS, (max(c.created for c in changes.claims.values()) - CLAIM_SECONDS,))
            claims = [claim.columns() for claim in changes.claims.values()]
            _put(connection, "claim", _CLAIM_COLUMNS, claims, _PUT_CLAIMS)
        for key in changes.api_keys.values():
            ask(_PUT_KEY, astuple(key))
        days = [(name, *day) for name, day in changes.day_counts.items()]
        _put(connection, "day_count", "name, count, ends", days, _PUT_DAYS)
        tasks = [(name, *task) for name, task in changes.tasks.items()]
        _put(connection, "task", "id, key_id, done, owner, document", tasks, _PUT_TASKS)
        for owner, (at, expired) in changes.instances.items():
            ask(_END_INSTANCE, (at, expired, owner))
        if changes.api_keys:
            ask(f"NOTIFY {CHANNEL}")
        ask("COMMIT")


def _put(
    connection: Connection, table: str, columns: str, rows: Sequence[tuple[Any, ...]], conflict: str = ""
) -> None:
    if rows:
        connection.execute(_insertion(table, columns, conflict), _turned(rows))


@lru_cache(maxsize=64)
def _insertion(table: str, columns: str, conflict: str) -> str:
    return f"INSERT INTO {table}({columns}) SELECT * FROM unnest({_arrays(columns)}){conflict}"  # noqa: S608


@lru_cache(maxsize=1)
def _endings() -> str:
    names = _ENDING.split(", ")
    settings = ", ".join(f"{name}=v.{name}" for name in names[:-1])
    return (
        f"UPDATE usage SET {settings} FROM unnest({_arrays(_ENDING)}) AS v({_ENDING}) "  # noqa: S608
        "WHERE usage.request_id = v.request_id"
    )


def _arrays(columns: str) -> str:
    """`$1::text[],$2::bigint[]`, by the types of the columns."""
    names = columns.split(", ")
    return ",".join(f"${at}::{POSTGRES_TYPES.get(name, 'bigint')}[]" for at, name in enumerate(names, 1))


def _turned(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Columns of rows: one array each instead of one parameter per value."""
    return [list(column) for column in zip(*rows, strict=True)]


def _rows(cursor: _Cursor | None) -> list[tuple[Any, ...]]:
    return [] if cursor is None else cursor.fetchall()
