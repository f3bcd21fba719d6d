"""Rows between `rows` and the tables of SQLite: what a group needs to see, and what it changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from functools import lru_cache
from typing import Any

from wiremark_server.ledger.records import KeyRow
from wiremark_server.ledger.rows import CLAIM_SECONDS, Account, Claim, Known, Needs, Request, Spending
from wiremark_server.ledger.tables import (
    BEGINNING_COLUMNS,
    KEY_COLUMNS,
    ORPHANS,
    REQUEST_COLUMNS,
    TRANSFER_COLUMNS,
)

_CHUNKS = (64, 8, 1)
"""Rows per INSERT: few statements, each of them kept prepared, instead of one per row."""

_REQUESTS = f"SELECT {REQUEST_COLUMNS} FROM usage WHERE request_id IN (SELECT value FROM json_each(?))"  # noqa: S608
_DUE = f"SELECT {REQUEST_COLUMNS} FROM usage WHERE state='held' AND deadline<=? ORDER BY deadline"  # noqa: S608
_OPEN = (
    f"SELECT {REQUEST_COLUMNS} FROM usage "  # noqa: S608
    "WHERE state='held' AND owner IN (SELECT value FROM json_each(?)) ORDER BY deadline"
)
_ACCOUNTS = "SELECT id, available, held FROM account WHERE id IN (SELECT value FROM json_each(?))"
_GRANTS = "SELECT ref FROM journal WHERE step='grant' AND ref IN (SELECT value FROM json_each(?))"
_SPENDING = "SELECT key_id, month, spent, held FROM spending WHERE key_id=? AND month=?"
_CLAIM = "SELECT digest, request_id, created, paid FROM claim WHERE key_id=? AND endpoint=? AND name=?"
_KEYS = f"SELECT {KEY_COLUMNS} FROM api_key WHERE id IN (SELECT value FROM json_each(?))"  # noqa: S608

_END = (
    "UPDATE usage SET state=?, amount=?, prompt_tokens=?, completion_tokens=?, status=?, outcome=?, cached=? "
    "WHERE request_id=?"
)
_PUT_ACCOUNT = (
    "INSERT INTO account(id, available, held) VALUES (?,?,?) "
    "ON CONFLICT DO UPDATE SET available=excluded.available, held=excluded.held"
)
_PUT_SPENDING = (
    "INSERT INTO spending(key_id, month, spent, held) VALUES (?,?,?,?) "
    "ON CONFLICT DO UPDATE SET spent=excluded.spent, held=excluded.held"
)
_PUT_CLAIM = (
    "INSERT OR REPLACE INTO claim(key_id, endpoint, name, digest, request_id, created, paid) "
    "VALUES (?,?,?,?,?,?,?)"
)
_FORGET_CLAIMS = "DELETE FROM claim WHERE created<=?"
_PUT_DAY = (
    "INSERT INTO day_count(name, count, ends) VALUES (?,?,?) "
    "ON CONFLICT DO UPDATE SET count=excluded.count, ends=excluded.ends"
)
_PUT_TASK = (
    "INSERT INTO task(id, key_id, done, owner, document) VALUES (?,?,?,?,?) "
    "ON CONFLICT DO UPDATE SET done=excluded.done, owner=excluded.owner, document=excluded.document"
)
_END_INSTANCE = "UPDATE instance SET ended=?, expired=? WHERE id=? AND ended IS NULL"
_REVISION = "SELECT coalesce(max(revision),0) FROM api_key"
_PUT_KEY = f"INSERT OR REPLACE INTO api_key({KEY_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608


_NONE: Mapping[str, Request] = {}


def load(
    connection: sqlite3.Connection,
    needs: Needs,
    owner: int,
    open_: Mapping[str, Request] = _NONE,
    newest: str | None = None,
) -> Known:
    """What the file has of it.

    open_:  open requests as they are in the file, which need not be read
    newest: the last request id in the file, if that is known; later ones need not be looked for
    """
    execute = connection.execute
    known = Known(owner)
    for claimed in needs.claims:
        row = execute(_CLAIM, claimed).fetchone()
        if row is not None:
            known.claims[claimed] = Claim(claimed, *row)
            needs.requests.add(row[1])
    unread = []
    for name in needs.requests:
        row = open_.get(name)
        if row is not None:
            known.requests[name] = row
        elif newest is None or name <= newest:
            unread.append(name)
    if unread:
        for row in execute(_REQUESTS, (json.dumps(unread),)):
            known.requests[row[0]] = Request(*row)
    if needs.due is not None:
        for row in execute(_DUE, (needs.due,)):
            known.requests[row[0]] = Request(*row)
            known.left.append(row[0])
    if needs.dead:
        for row in execute(_OPEN, (json.dumps([*needs.dead]),)):
            known.requests[row[0]] = Request(*row)
            known.left.append(row[0])
    for request in known.requests.values():
        needs.accounts.add(request.account_id)
        needs.spending.add((request.key_id, request.month))
    if needs.accounts:
        for row in execute(_ACCOUNTS, (json.dumps([*needs.accounts]),)):
            known.accounts[row[0]] = Account(*row)
    if needs.grants:
        known.grants.update(ref for (ref,) in execute(_GRANTS, (json.dumps([*needs.grants]),)))
    for month in needs.spending:
        row = execute(_SPENDING, month).fetchone()
        if row is not None:
            known.spending[month] = Spending(*row)
    if needs.api_keys:
        for row in execute(_KEYS, (json.dumps([*needs.api_keys]),)):
            known.api_keys[row[0]] = KeyRow(*row)
    if needs.revision:
        (known.revision,) = execute(_REVISION).fetchone()
    if needs.orphans:
        known.orphans = execute(ORPHANS).fetchall()
    return known


def save(connection: sqlite3.Connection, known: Known) -> None:
    changes = known.changes
    _insert(connection, "journal", TRANSFER_COLUMNS, changes.transfers)
    begun = changes.begun.values()
    _insert(connection, "usage", BEGINNING_COLUMNS, [row.beginning() for row in begun])
    ended = [*changes.ended.values(), *(row for row in begun if row.state != "held")]
    if ended:
        connection.executemany(_END, [row.ending() for row in ended])
    if changes.accounts:
        connection.executemany(
            _PUT_ACCOUNT, [(row.id, row.available, row.held) for row in changes.accounts.values()]
        )
    if changes.spending:
        connection.executemany(
            _PUT_SPENDING,
            [(row.key_id, row.month, row.spent, row.held) for row in changes.spending.values()],
        )
    for claim in changes.claims.values():
        connection.execute(_FORGET_CLAIMS, (claim.created - CLAIM_SECONDS,))
        connection.execute(_PUT_CLAIM, claim.columns())
    for key in changes.api_keys.values():
        connection.execute(_PUT_KEY, astuple(key))
    if changes.day_counts:
        connection.executemany(_PUT_DAY, [(name, *day) for name, day in changes.day_counts.items()])
    if changes.tasks:
        connection.executemany(_PUT_TASK, [(name, *task) for name, task in changes.tasks.items()])
    for owner, (at, expired) in changes.instances.items():
        connection.execute(_END_INSTANCE, (at, expired, owner))


def _insert(
    connection: sqlite3.Connection, table: str, columns: str, rows: Sequence[tuple[Any, ...]]
) -> None:
    start = 0
    for size in _CHUNKS:
        while len(rows) - start >= size:
            values = [value for row in rows[start : start + size] for value in row]
            connection.execute(_insertion(table, columns, size), values)
            start += size


@lru_cache(maxsize=64)
def _insertion(table: str, columns: str, rows: int) -> str:
    one = f"({','.join('?' * (columns.count(',') + 1))})"
    return f"INSERT INTO {table}({columns}) VALUES {','.join([one] * rows)}"  # noqa: S608 - our own names
