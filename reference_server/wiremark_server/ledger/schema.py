"""The database file: its tables, its version, and how it is opened.

A file belongs to one server process at a time, by an advisory lock on `FILE.lock` that the kernel
drops with the process, so a `kill -9` never leaves it locked. Readers need no lock.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path

from wiremark_server.ledger.records import LedgerFileError

APPLICATION_ID = 0x574D4B4C
"""`WMKL`, in the header of every ledger file, so that no other database is taken for one."""

VERSION = 1

# posting  the truth: append-only. Postings that share `transfer` sum to zero. A hold is the transfer
#          `hold/REQUEST`, its only possible ending `end/REQUEST`, so the unique index is what makes
#          both happen at most once. Books: available and held are the customer's; revenue and funding
#          carry the customer they concern, so there is no hot row that every request must update.
# account  cache of a customer's two books, guarded by CHECK: no bug can commit a negative balance.
# usage    one row per request: its hold, how it ended, and what the customer is shown.
# spending cache of usage by key and UTC month, for monthly caps.
# recovery one row per opening, with the last request that an earlier process can have left open.
_TABLES = """
CREATE TABLE posting(
  id INTEGER PRIMARY KEY,
  transfer TEXT NOT NULL,
  request_id TEXT,
  kind TEXT NOT NULL CHECK (kind IN ('grant','hold','settle','release','expire','refund','overage')),
  book TEXT NOT NULL CHECK (book IN ('available','held','revenue','funding')),
  account_id TEXT NOT NULL,
  amount INTEGER NOT NULL,
  at INTEGER NOT NULL,
  note TEXT
) STRICT;
CREATE UNIQUE INDEX posting_once ON posting(transfer, book);
CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting
  BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER posting_no_delete BEFORE DELETE ON posting
  BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;

CREATE TABLE account(
  id TEXT PRIMARY KEY,
  available INTEGER NOT NULL DEFAULT 0 CHECK (available >= 0),
  held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage(
  seq INTEGER PRIMARY KEY,
  request_id TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL REFERENCES account(id),
  key_id TEXT NOT NULL,
  model TEXT NOT NULL,
  created INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  month TEXT NOT NULL,
  hold INTEGER NOT NULL CHECK (hold >= 0),
  state TEXT NOT NULL DEFAULT 'held' CHECK (state IN ('held','settled','released')),
  amount INTEGER NOT NULL DEFAULT 0 CHECK (amount BETWEEN 0 AND hold),
  prompt_tokens INTEGER NOT NULL DEFAULT 0 CHECK (prompt_tokens >= 0),
  completion_tokens INTEGER NOT NULL DEFAULT 0 CHECK (completion_tokens >= 0),
  status INTEGER NOT NULL DEFAULT 0,
  outcome TEXT NOT NULL DEFAULT '',
  cached INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX usage_of_key ON usage(key_id, seq);
CREATE INDEX usage_open ON usage(deadline) WHERE state = 'held';

CREATE TABLE spending(
  key_id TEXT NOT NULL,
  month TEXT NOT NULL,
  spent INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),
  held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  PRIMARY KEY (key_id, month)
) STRICT, WITHOUT ROWID;

CREATE TABLE recovery(
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  expired INTEGER NOT NULL
) STRICT;

CREATE TABLE api_key(
  id TEXT PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  account_id TEXT NOT NULL REFERENCES account(id),
  role_hint TEXT NOT NULL,
  allowed_models TEXT,
  monthly_cap INTEGER,
  limits TEXT,
  state TEXT NOT NULL CHECK (state IN ('active','revoked','disabled')),
  created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""


class FileLock:
    """Sole ownership of a ledger file for as long as this object is not released."""

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerFileError(
                f"{database}: cannot be opened ({error.strerror}); give a path in a folder that exists "
                "and can be written"
            ) from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise LedgerFileError(
                f"{database}: another server process is using this ledger; stop it first or give another path"
            ) from None

    def release(self) -> None:
        """Let go; safe to call twice."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def writer(path: Path) -> sqlite3.Connection:
    """The connection that may write; makes the tables of a new file.

    WAL with synchronous=FULL: a COMMIT that returned survives a power cut. Call it under a FileLock.
    Raises LedgerFileError.
    """
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, cached_statements=64, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise unusable(path, error) from None
    try:
        if _is_new(connection):
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(
                f"BEGIN IMMEDIATE; {_TABLES}"
                f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION}; COMMIT;"
            )
        else:
            _check_version(connection, path)
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from None
    except LedgerFileError:
        connection.close()
        raise
    return connection


def reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, to an existing ledger. Raises LedgerFileError."""
    if not path.is_file():
        raise LedgerFileError(
            f"{path}: there is no such file; give the path that the server was started with (--db)"
        )
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise unusable(path, error) from None
    try:
        _check_version(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from None
    except LedgerFileError:
        connection.close()
        raise
    return connection


def _is_new(connection: sqlite3.Connection) -> bool:
    return (
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        and not _header(connection)[0]
    )


def _header(connection: sqlite3.Connection) -> tuple[int, int]:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return application, version


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    application, version = _header(connection)
    if application != APPLICATION_ID:
        raise LedgerFileError(f"{path}: this database is not a wiremark ledger; give another path")
    if version != VERSION:
        raise LedgerFileError(
            f"{path}: this ledger has version {version} and this wiremark writes version {VERSION}; "
            "use the wiremark that made it, or give the path of a new file"
        )


def unusable(path: Path, error: sqlite3.Error) -> LedgerFileError:
    """The sentence for a file that SQLite itself cannot work with."""
    return LedgerFileError(
        f"{path}: cannot be used as a ledger ({error}); give the path of a new or healthy file"
    )
