"""The database file: its version, and how it is opened.

A file belongs to one server process at a time, by an advisory lock on `FILE.lock` that the kernel
drops with the process, so a `kill -9` never leaves it locked. Readers need no lock.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path

from wiremark_server.ledger import tables
from wiremark_server.ledger.records import LedgerFileError
from wiremark_server.ledger.tables import APPLICATION_ID, VERSION


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


def writer(path: Path, *, durable: bool = True) -> sqlite3.Connection:
    """The connection that may write; makes the tables of a new file.

    WAL with synchronous=FULL: a COMMIT that returned survives a power cut, or the end of the process only
    when it need not be `durable`. Call it under a FileLock.
    Raises LedgerFileError.
    """
    try:
        connection = sqlite3.connect(
            path, isolation_level=None, cached_statements=128, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise unusable(path, error) from None
    try:
        if _is_new(connection):
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(
                f"BEGIN IMMEDIATE; {tables.SQLITE}"
                f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={VERSION}; COMMIT;"
            )
        else:
            _check_version(connection, path)
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from None
    except LedgerFileError:
        connection.close()
        raise
    return connection


def reader(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """A connection that cannot write, to an existing ledger. Raises LedgerFileError."""
    if not path.is_file():
        raise LedgerFileError(
            f"{path}: there is no such file; give the path that the server was started with (--db)"
        )
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro",
            uri=True,
            isolation_level=None,
            check_same_thread=not any_thread,
        )
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
