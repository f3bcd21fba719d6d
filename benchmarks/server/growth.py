"""A ledger with a long past: millions of settled requests and many keys, written without the gateway."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from wiremark_server.clock import SystemClock
from wiremark_server.ledger.store import Ledger

_ACCOUNTS = 1000
_PART = 250_000  # requests per transaction; each has two journal rows


def fill(path: Path, journal_rows: int, keys: int) -> str:
    """A sound ledger: every past request was held and settled at 40 of 100 µUSD. Returns its place.

    Requests have ids in order of time, as the gateway's have. The index by key is made when all rows are
    there.
    """
    asyncio.run(_grants(path, journal_rows))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA cache_size=-400000")
    (index,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name='usage_of_key'").fetchone()
    connection.execute("DROP INDEX usage_of_key")
    requests = journal_rows // 2
    for begin in range(0, requests, _PART):
        end = min(begin + _PART, requests)
        connection.executescript(f"""
        BEGIN;
        CREATE TEMP TABLE past AS WITH RECURSIVE n(i) AS (
          SELECT {begin} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {end})
          SELECT i, printf('req_%012x%020x', 1764547200000 + i, i) AS name,
            'a' || (i % {_ACCOUNTS}) AS account, 'key_' || (i % {keys}) AS key FROM n;
        INSERT INTO journal(ref, step, kind, account_id, available, held, revenue, funding, at)
          SELECT name, 'hold', 'hold', account, -100, 100, 0, 0, 1764547200 FROM past;
        INSERT INTO journal(ref, step, kind, account_id, available, held, revenue, funding, at)
          SELECT name, 'end', 'settle', account, 60, -100, 40, 0, 1764547200 FROM past;
        INSERT INTO usage(request_id, account_id, key_id, model, created, deadline, month, hold, owner, state,
            amount, prompt_tokens, completion_tokens, status, outcome, cached)
          SELECT name, account, key, 'model', 1764547200, 1764550800, '2025-12', 100, 0, 'settled',
            40, 12, 40, 200, 'ok', 0 FROM past;
        DROP TABLE past;
        COMMIT;
        """)  # noqa: S608 - our own numbers
    connection.executescript(f"""
    UPDATE account SET available = available - 40 * spent.requests
      FROM (SELECT account_id, count(*) AS requests FROM usage GROUP BY account_id) AS spent
      WHERE account.id = spent.account_id;
    {index};
    INSERT INTO spending(key_id, month, spent, held)
      SELECT key_id, '2025-12', 40 * count(*), 0 FROM usage GROUP BY key_id;
    INSERT INTO api_key(id, digest, account_id, role_hint, state, created, revision)
      WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {keys})
      SELECT 'key_' || i, randomblob(32), 'a' || (i % {_ACCOUNTS}), '', 'active', 1764547200, i + 1 FROM n;
    PRAGMA wal_checkpoint(TRUNCATE);
    """)  # noqa: S608
    connection.close()
    return str(path)


async def _grants(path: Path, journal_rows: int) -> None:
    ledger = Ledger.open(path, SystemClock())
    each = 100 * (journal_rows // _ACCOUNTS + 1)
    await asyncio.gather(*(ledger.grant(f"a{number}", each, "past") for number in range(_ACCOUNTS)))
    await ledger.close()
