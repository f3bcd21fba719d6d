"""The invariants of the ledger, each one a query that selects what breaks it.

They read only the file, in one snapshot, and so hold of a running server as of a dead one. The
journal is the witness: every other table is compared with it.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from wiremark_server.ledger import schema
from wiremark_server.ledger.records import LedgerFileError

SHOWN = 20
"""Violations named per invariant; one is enough to fail it."""


@dataclass(frozen=True, slots=True)
class InvariantResult:
    """violations: what the query selected, as text, at most SHOWN of them; empty when ok."""

    name: str
    sql: str
    ok: bool
    violations: tuple[str, ...]

    def __str__(self) -> str:
        return f"ok      {self.name}" if self.ok else f"BROKEN  {self.name}: {'; '.join(self.violations)}"


INVARIANTS: tuple[tuple[str, str], ...] = (
    (
        "the sum of all postings is zero",
        "SELECT total FROM (SELECT coalesce(sum(amount), 0) AS total FROM posting) WHERE total <> 0",
    ),
    (
        "the postings of every transfer sum to zero",
        "SELECT transfer, sum(amount) FROM posting GROUP BY transfer HAVING sum(amount) <> 0",
    ),
    (
        "every account equals the sum of its journal",
        """
        SELECT id, available, held, posted_available, posted_held FROM (
          SELECT ids.id AS id, a.available, a.held,
            coalesce(sum(p.amount) FILTER (WHERE p.book = 'available'), 0) AS posted_available,
            coalesce(sum(p.amount) FILTER (WHERE p.book = 'held'), 0) AS posted_held
          FROM (SELECT id FROM account UNION SELECT account_id FROM posting) AS ids
          LEFT JOIN account AS a ON a.id = ids.id
          LEFT JOIN posting AS p ON p.account_id = ids.id
          GROUP BY ids.id)
        WHERE available IS NOT posted_available OR held IS NOT posted_held
        """,
    ),
    (
        "no balance is below zero",
        """
        SELECT id, available, held FROM account WHERE available < 0 OR held < 0
        UNION ALL
        SELECT account_id, book, sum(amount) FROM posting WHERE book IN ('available', 'held')
        GROUP BY account_id, book HAVING sum(amount) < 0
        """,
    ),
    (
        "every hold has at most one ending, and every ending a hold",
        """
        SELECT request_id,
          count(*) FILTER (WHERE kind = 'hold') AS holds,
          count(*) FILTER (WHERE kind IN ('settle', 'release', 'expire')) AS endings
        FROM posting WHERE book = 'held' GROUP BY request_id HAVING holds <> 1 OR endings > 1
        """,
    ),
    (
        "an ending gives up exactly what was held",
        """
        SELECT request_id, sum(amount) FROM posting WHERE book = 'held'
        GROUP BY request_id HAVING count(*) > 1 AND sum(amount) <> 0
        """,
    ),
    (
        "no settlement is above its hold",
        """
        SELECT s.request_id, s.amount, h.amount FROM posting AS s
        LEFT JOIN posting AS h ON h.transfer = 'hold/' || s.request_id AND h.book = 'held'
        WHERE s.kind = 'settle' AND s.book = 'revenue' AND s.amount NOT BETWEEN 0 AND coalesce(h.amount, -1)
        """,
    ),
    (
        "the held balance is the sum of the open holds",
        """
        SELECT a.id, a.held, coalesce(sum(u.hold), 0) FROM account AS a
        LEFT JOIN usage AS u ON u.account_id = a.id AND u.state = 'held'
        GROUP BY a.id HAVING a.held <> coalesce(sum(u.hold), 0)
        """,
    ),
    (
        "every usage row says what the journal says",
        """
        SELECT u.request_id, u.state, u.hold, u.amount, h.amount, e.kind FROM usage AS u
        LEFT JOIN posting AS h ON h.transfer = 'hold/' || u.request_id AND h.book = 'held'
        LEFT JOIN posting AS e ON e.transfer = 'end/' || u.request_id AND e.book = 'held'
        WHERE h.amount IS NOT u.hold OR h.account_id IS NOT u.account_id
          OR u.state IS NOT CASE e.kind WHEN 'settle' THEN 'settled'
               WHEN 'release' THEN 'released' WHEN 'expire' THEN 'released' ELSE 'held' END
        """,
    ),
    (
        "every usage amount is the settlement in the journal",
        """
        SELECT u.request_id, u.amount, coalesce(sum(p.amount), 0) FROM usage AS u
        LEFT JOIN posting AS p ON p.transfer = 'end/' || u.request_id AND p.book = 'revenue'
        GROUP BY u.request_id HAVING u.amount <> coalesce(sum(p.amount), 0)
        """,
    ),
    (
        "every posting of a request has its usage row",
        """
        SELECT id, transfer, kind FROM posting
        WHERE kind <> 'grant'
          AND NOT EXISTS (SELECT 1 FROM usage AS u WHERE u.request_id = posting.request_id)
        """,
    ),
    (
        "what a key spent in a month is the sum of its usage",
        """
        SELECT key_id, month, sum(spent), sum(held) FROM (
          SELECT key_id, month, spent, held FROM spending
          UNION ALL
          SELECT key_id, strftime('%Y-%m', created, 'unixepoch'), -amount,
            CASE state WHEN 'held' THEN -hold ELSE 0 END FROM usage)
        GROUP BY key_id, month HAVING sum(spent) <> 0 OR sum(held) <> 0
        """,
    ),
    (
        "no hold outlives recovery",
        """
        SELECT request_id, hold FROM usage
        WHERE state = 'held' AND seq <= (SELECT max(last_seq) FROM recovery)
        """,
    ),
    (
        "the journal is append-only",
        """
        WITH wanted(name) AS (VALUES ('posting_no_update'), ('posting_no_delete'), ('posting_once'))
        SELECT name || ' is missing' FROM wanted WHERE name NOT IN (
          SELECT name FROM sqlite_master WHERE tbl_name = 'posting')
        UNION ALL
        SELECT 'postings are missing: ' || (top - rows) FROM (
          SELECT count(*) AS rows, coalesce(max(id), 0) AS top FROM posting) WHERE rows <> top
        """,
    ),
)


def verify(path: str | Path) -> tuple[InvariantResult, ...]:
    """Run every invariant on a ledger file, without writing. Raises LedgerFileError."""
    connection = schema.reader(Path(path))
    try:
        connection.execute("BEGIN")  # one snapshot for all, also while a server writes
        return tuple(_run(connection, name, sql) for name, sql in INVARIANTS)
    except sqlite3.Error as error:
        raise LedgerFileError(
            f"{path}: cannot be verified ({error}); the file is damaged or was changed"
        ) from None
    finally:
        connection.close()


def _run(connection: sqlite3.Connection, name: str, sql: str) -> InvariantResult:
    rows = connection.execute(sql).fetchmany(SHOWN)
    return InvariantResult(name, sql, not rows, tuple(", ".join(map(str, row)) for row in rows))
