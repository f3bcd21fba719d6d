"""The invariants of the ledger, each one a query that selects what breaks it.

They only read, in one snapshot, and so hold of a running server as of a dead one. The journal is the
witness: every other table is compared with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from string import Template
from typing import Any

from wiremark_server.ledger import schema, stores
from wiremark_server.ledger.records import LedgerFileError

_Ask = Callable[[str], Iterable[tuple[Any, ...]]]

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
        "SELECT total FROM (SELECT coalesce(sum(amount), 0) AS total FROM posting) AS t WHERE total <> 0",
    ),
    (
        "the postings of every transfer sum to zero",
        """
        SELECT ref, step, available + held + revenue + funding FROM journal
        WHERE available + held + revenue + funding <> 0
        """,
    ),
    (
        "every account equals the sum of its journal",
        """
        SELECT id, available, held, journal_available, journal_held FROM (
          SELECT ids.id AS id, a.available, a.held,
            coalesce(j.available, 0) AS journal_available, coalesce(j.held, 0) AS journal_held
          FROM (SELECT id FROM account UNION SELECT account_id FROM journal) AS ids
          LEFT JOIN account AS a ON a.id = ids.id
          LEFT JOIN (
            SELECT account_id, sum(available) AS available, sum(held) AS held FROM journal GROUP BY account_id
          ) AS j ON j.account_id = ids.id) AS t
        WHERE available $differs journal_available OR held $differs journal_held ORDER BY id
        """,
    ),
    (
        "no balance is below zero",
        """
        SELECT id, available, held FROM account WHERE available < 0 OR held < 0
        UNION ALL
        SELECT account_id, sum(available), sum(held) FROM journal
        GROUP BY account_id HAVING sum(available) < 0 OR sum(held) < 0
        """,
    ),
    (
        "every hold has at most one ending, and every ending a hold",
        """
        SELECT ref, holds, endings, refunds FROM (
          SELECT ref, count(*) FILTER (WHERE step = 'hold') AS holds,
            count(*) FILTER (WHERE step = 'end') AS endings,
            count(*) FILTER (WHERE step = 'refund') AS refunds
          FROM journal WHERE step <> 'grant' GROUP BY ref) AS t
        WHERE holds <> 1 OR endings > 1 OR refunds > endings
        """,
    ),
    (
        "an ending gives up exactly what was held",
        """
        SELECT ref, sum(held) FROM journal WHERE step IN ('hold', 'end')
        GROUP BY ref HAVING count(*) > 1 AND sum(held) <> 0
        """,
    ),
    (
        "no settlement is above its hold, and no refund above its settlement",
        """
        SELECT e.ref, e.step, e.revenue, h.held FROM journal AS e
        LEFT JOIN journal AS h ON h.ref = e.ref AND h.step = 'hold'
        WHERE e.step = 'end' AND e.revenue NOT BETWEEN 0 AND coalesce(h.held, -1)
        UNION ALL
        SELECT r.ref, r.step, r.revenue, e.revenue FROM journal AS r
        LEFT JOIN journal AS e ON e.ref = r.ref AND e.step = 'end'
        WHERE r.step = 'refund' AND -r.revenue NOT BETWEEN 0 AND coalesce(e.revenue, -1)
        """,
    ),
    (
        "the held balance is the sum of the open holds",
        """
        SELECT a.id, a.held, coalesce(u.held, 0) FROM account AS a
        LEFT JOIN (
          SELECT account_id, sum(hold) AS held FROM usage WHERE state = 'held' GROUP BY account_id
        ) AS u ON u.account_id = a.id
        WHERE a.held <> coalesce(u.held, 0)
        """,
    ),
    (
        "every usage row says what the journal says",
        """
        SELECT u.request_id, u.state, u.hold, h.held, e.kind FROM usage AS u
        LEFT JOIN journal AS h ON h.ref = u.request_id AND h.step = 'hold'
        LEFT JOIN journal AS e ON e.ref = u.request_id AND e.step = 'end'
        LEFT JOIN journal AS r ON r.ref = u.request_id AND r.step = 'refund'
        WHERE h.held $differs u.hold OR h.account_id $differs u.account_id
          OR u.state $differs CASE WHEN r.kind IS NOT NULL THEN 'refunded'
               WHEN e.kind = 'settle' THEN 'settled' WHEN e.kind IS NOT NULL THEN 'released' ELSE 'held' END
        """,
    ),
    (
        "every usage amount is the revenue in the journal",
        """
        SELECT u.request_id, u.amount, coalesce(e.revenue, 0) + coalesce(r.revenue, 0) FROM usage AS u
        LEFT JOIN journal AS e ON e.ref = u.request_id AND e.step = 'end'
        LEFT JOIN journal AS r ON r.ref = u.request_id AND r.step = 'refund'
        WHERE u.amount <> coalesce(e.revenue, 0) + coalesce(r.revenue, 0)
        """,
    ),
    (
        "every transfer of a request has its usage row",
        """
        SELECT id, ref, step FROM journal
        WHERE step <> 'grant' AND NOT EXISTS (SELECT 1 FROM usage AS u WHERE u.request_id = journal.ref)
        """,
    ),
    (
        "what a key spent in a month is the sum of its usage",
        """
        SELECT key_id, month, sum(spent), sum(held) FROM (
          SELECT key_id, month, spent, held FROM spending
          UNION ALL
          SELECT key_id, $month_of_created, -amount, CASE state WHEN 'held' THEN -hold ELSE 0 END FROM usage
        ) AS t
        GROUP BY key_id, month HAVING sum(spent) <> 0 OR sum(held) <> 0
        """,
    ),
    (
        "no hold outlives recovery",
        """
        SELECT request_id, hold, owner FROM usage
        WHERE state = 'held' AND owner IN (SELECT id FROM instance WHERE ended IS NOT NULL)
        """,
    ),
    (
        "every idempotency key names a request of its API key",
        """
        SELECT c.key_id, c.endpoint, c.request_id FROM claim AS c
        LEFT JOIN usage AS u ON u.request_id = c.request_id WHERE u.key_id $differs c.key_id
        """,
    ),
    ("the journal is append-only", "$unguarded"),
)

SQLITE: Mapping[str, str] = {
    "differs": "IS NOT",
    "month_of_created": "strftime('%Y-%m', created, 'unixepoch')",
    "unguarded": """
        WITH wanted(name) AS (
          VALUES ('journal_no_update'), ('journal_no_delete'), ('sqlite_autoindex_journal_1'))
        SELECT name || ' is missing' FROM wanted WHERE name NOT IN (
          SELECT name FROM sqlite_master WHERE tbl_name = 'journal')
        UNION ALL
        SELECT 'rows are missing: ' || (top - rows) FROM (
          SELECT count(*) AS rows, coalesce(max(id), 0) AS top FROM journal) WHERE rows <> top
        """,
}
POSTGRES: Mapping[str, str] = {
    "differs": "IS DISTINCT FROM",
    "month_of_created": "to_char(to_timestamp(created) AT TIME ZONE 'UTC', 'YYYY-MM')",
    "unguarded": """
        SELECT 'journal_no_change is missing' WHERE NOT EXISTS (
          SELECT 1 FROM pg_trigger WHERE tgrelid = 'journal'::regclass AND tgname = 'journal_no_change'
            AND tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT 'a hold may end twice' WHERE NOT EXISTS (
          SELECT 1 FROM pg_constraint WHERE conrelid = 'journal'::regclass AND contype = 'u')
        """,
}
"""How a store writes what the standard leaves open. PostgreSQL's identities may skip numbers, so there a
missing row shows only in the sums."""


def verify(place: str | Path) -> tuple[InvariantResult, ...]:
    """Run every invariant on a ledger, a file or postgresql://…, without writing. Raises LedgerFileError."""
    return _verify_postgres(str(place)) if stores.is_shared(place) else _verify_file(Path(place))


def _verify_file(path: Path) -> tuple[InvariantResult, ...]:
    connection = schema.reader(path)
    try:
        connection.execute("BEGIN")  # one snapshot for all, also while a server writes
        return _run(connection.execute, SQLITE)
    except sqlite3.Error as error:
        raise LedgerFileError(
            f"{path}: cannot be verified ({error}); the file is damaged or was changed"
        ) from None
    finally:
        connection.close()


def _verify_postgres(url: str) -> tuple[InvariantResult, ...]:
    stores.need_psycopg()
    import psycopg

    from wiremark_server.ledger import postgres_schema

    name = postgres_schema.name_of(url)
    try:
        with postgres_schema.connect(url) as connection:
            connection.execute("SET statement_timeout=0")
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            postgres_schema.check(connection, name)
            return _run(connection.execute, POSTGRES)
    except psycopg.Error as error:
        raise postgres_schema.unusable(name, error) from None


def _run(ask: _Ask, words: Mapping[str, str]) -> tuple[InvariantResult, ...]:
    results = []
    for name, template in INVARIANTS:
        sql = Template(template).substitute(words)
        shown = tuple(", ".join(map(str, row)) for row in islice(ask(sql), SHOWN))
        results.append(InvariantResult(name, sql, not shown, shown))
    return tuple(results)
