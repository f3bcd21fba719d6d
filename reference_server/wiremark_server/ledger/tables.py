"""The tables of the ledger, in the words of both stores, and the statements that both understand.

journal    the truth: append-only, one row per transfer. Its four books sum to zero, by CHECK: available and
           held are the customer's; revenue and funding carry the customer they concern, so there is no hot
           row that every request must update. A hold is the step `hold` of a request, its only possible
           ending the step `end`, a charge given back the step `refund`: the unique constraint is what makes
           each happen at most once.
posting    the journal again, one row per book: a view for auditors.
account    cache of a customer's two books, guarded by CHECK: no bug can commit a negative balance.
usage      one row per request: its hold, how it ended, and what the customer is shown.
spending   cache of usage by key and UTC month, for monthly caps.
day_count  requests per day, so that a restart is no way around the limit.
task       media tasks, who works on each, and what it takes to go on with them after a restart.
claim      idempotency keys, by API key and endpoint.
api_key    a digest in place of each secret.
instance   server processes that have opened the ledger; `ended` once their open holds have been returned.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

APPLICATION_ID = 0x574D4B4C
"""`WMKL`, in every ledger, so that no other database is taken for one."""

VERSION = 4

_TABLES = Template("""
CREATE TABLE journal(
  id $identity,
  ref TEXT NOT NULL,
  step TEXT NOT NULL CHECK (step IN ('grant','hold','end','refund')),
  kind TEXT NOT NULL CHECK (kind IN ('grant','hold','settle','release','expire','refund')),
  account_id TEXT NOT NULL,
  available $integer NOT NULL,
  held $integer NOT NULL,
  revenue $integer NOT NULL,
  funding $integer NOT NULL,
  at $integer NOT NULL,
  note TEXT,
  UNIQUE (ref, step),
  CHECK (available + held + revenue + funding = 0)
) $strict;

CREATE VIEW posting AS
  SELECT id, ref, step, kind, 'available' AS book, account_id, available AS amount, at FROM journal
    WHERE available <> 0
  UNION ALL SELECT id, ref, step, kind, 'held', account_id, held, at FROM journal WHERE held <> 0
  UNION ALL SELECT id, ref, step, kind, 'revenue', account_id, revenue, at FROM journal WHERE revenue <> 0
  UNION ALL SELECT id, ref, step, kind, 'funding', account_id, funding, at FROM journal WHERE funding <> 0;

CREATE TABLE account(
  id TEXT PRIMARY KEY,
  available $integer NOT NULL DEFAULT 0 CHECK (available >= 0),
  held $integer NOT NULL DEFAULT 0 CHECK (held >= 0)
) $narrow;

CREATE TABLE usage(
  seq $identity,
  request_id TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  model TEXT NOT NULL,
  created $integer NOT NULL,
  deadline $integer NOT NULL,
  month TEXT NOT NULL,
  hold $integer NOT NULL CHECK (hold >= 0),
  owner $integer NOT NULL,
  state TEXT NOT NULL DEFAULT 'held' CHECK (state IN ('held','settled','released','refunded')),
  amount $integer NOT NULL DEFAULT 0 CHECK (amount BETWEEN 0 AND hold),
  prompt_tokens $integer NOT NULL DEFAULT 0 CHECK (prompt_tokens >= 0),
  completion_tokens $integer NOT NULL DEFAULT 0 CHECK (completion_tokens >= 0),
  status INTEGER NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL DEFAULT '',
  cached INTEGER NOT NULL DEFAULT 0
) $strict;

CREATE INDEX usage_of_key ON usage(key_id, seq);

CREATE INDEX usage_open ON usage(deadline) WHERE state = 'held';

CREATE TABLE spending(
  key_id TEXT NOT NULL,
  month TEXT NOT NULL,
  spent $integer NOT NULL DEFAULT 0 CHECK (spent >= 0),
  held $integer NOT NULL DEFAULT 0 CHECK (held >= 0),
  PRIMARY KEY (key_id, month)
) $narrow;

CREATE TABLE day_count(
  name TEXT PRIMARY KEY,
  count $integer NOT NULL,
  ends $integer NOT NULL
) $narrow;

CREATE TABLE task(
  id TEXT PRIMARY KEY,
  key_id TEXT NOT NULL,
  done $integer NOT NULL,
  owner $integer NOT NULL,
  document TEXT NOT NULL
) $narrow;

CREATE TABLE claim(
  key_id TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  name TEXT NOT NULL,
  digest $bytes NOT NULL,
  request_id TEXT NOT NULL,
  created $integer NOT NULL,
  paid $integer NOT NULL CHECK (paid >= 0),
  PRIMARY KEY (key_id, endpoint, name)
) $narrow;

CREATE INDEX claim_age ON claim(created);

CREATE TABLE api_key(
  id TEXT PRIMARY KEY,
  digest $bytes NOT NULL UNIQUE,
  account_id TEXT NOT NULL,
  role_hint TEXT NOT NULL,
  allowed_models TEXT,
  monthly_cap $integer,
  limits TEXT,
  state TEXT NOT NULL CHECK (state IN ('active','revoked','disabled')),
  created $integer NOT NULL,
  contract TEXT,
  revision $integer NOT NULL
) $narrow;

CREATE INDEX api_key_revision ON api_key(revision);

CREATE TABLE instance(
  id $identity,
  started $integer NOT NULL,
  ended $integer,
  expired $integer NOT NULL DEFAULT 0
) $strict
""")

_SQLITE: Mapping[str, str] = {
    "identity": "INTEGER PRIMARY KEY",
    "integer": "INTEGER",
    "bytes": "BLOB",
    "strict": "STRICT",
    "narrow": "STRICT, WITHOUT ROWID",
}
_POSTGRES: Mapping[str, str] = {
    "identity": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "integer": "BIGINT",
    "bytes": "BYTEA",
    "strict": "",
    # room on the page for the next version of a row that every request updates
    "narrow": "WITH (fillfactor = 50)",
}

SQLITE = (
    _TABLES.substitute(_SQLITE)
    + """;
CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal
  BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal
  BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
"""
)
POSTGRES = (
    *_TABLES.substitute(_POSTGRES).split(";\n\n"),
    """
CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$
""",
    """
CREATE TRIGGER journal_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
  FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only()
""",
)
"""Statements, since PostgreSQL's protocol takes one at a time."""

POSTGRES_TYPES: Mapping[str, str] = {
    **dict.fromkeys(
        (
            *("id", "ref", "step", "kind", "account_id", "note"),
            *("request_id", "key_id", "model", "month", "state", "outcome", "endpoint", "name", "document"),
        ),
        "text",
    ),
    "digest": "bytea",
}
"""Columns that are not `bigint`."""

BEGINNING_COLUMNS = "request_id, account_id, key_id, model, created, deadline, month, hold, owner"
REQUEST_COLUMNS = (
    f"{BEGINNING_COLUMNS}, state, amount, prompt_tokens, completion_tokens, status, outcome, cached"
)
KEY_COLUMNS = (
    "id, digest, account_id, role_hint, allowed_models, monthly_cap, limits, state, created, contract,"
    " revision"
)
ORPHANS = (
    "SELECT id, key_id, document FROM task"
    " WHERE done=0 AND owner IN (SELECT id FROM instance WHERE ended IS NOT NULL)"
)
TRANSFER_COLUMNS = "ref, step, kind, account_id, available, held, revenue, funding, at, note"
