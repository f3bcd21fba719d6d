"""The database: how it is reached, and whether the ledger in it is one of this version.

The ledger lives in the first schema of the connection's search path, so `?options=-csearch_path%3Dname`
in the address keeps several of them in one database.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import psycopg

from wiremark_server.ledger import tables
from wiremark_server.ledger.postgres_rows import LOCK, Connection
from wiremark_server.ledger.records import LedgerFileError
from wiremark_server.ledger.tables import APPLICATION_ID, VERSION

_SETTINGS = (
    "SET synchronous_commit=on",  # a COMMIT that returned survives a power cut
    "SET timezone='UTC'",
    "SET statement_timeout='30s'",
    "SET idle_in_transaction_session_timeout='30s'",
)
_KNOWN = (
    "SELECT to_regclass(quote_ident(current_schema()) || '.wiremark_ledger') IS NOT NULL, current_schema()"
)


def name_of(url: str) -> str:
    """The address without the password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2] or "localhost"
    return f"{parts.scheme}://{host}{parts.path}"


def connect(url: str, **more: Any) -> Connection:
    """A session, in autocommit: transactions are written out. Raises psycopg.Error."""
    connection: Connection = psycopg.connect(
        url,
        autocommit=True,
        cursor_factory=psycopg.RawCursor,
        connect_timeout=5,
        application_name="wiremark",
        keepalives_idle=10,
        keepalives_interval=5,
        keepalives_count=3,
        **more,
    )
    try:
        for setting in _SETTINGS:
            connection.execute(setting)
    except psycopg.Error:
        connection.close()
        raise
    return connection


def prepare(connection: Connection, name: str) -> None:
    """Make the tables in a schema that has none, or check their version. Raises LedgerFileError."""
    connection.execute("BEGIN")
    try:
        connection.execute(LOCK)
        if not _is_ledger(connection):
            for statement in tables.POSTGRES:
                connection.execute(statement)
            connection.execute("CREATE TABLE wiremark_ledger(application BIGINT, version BIGINT)")
            connection.execute("INSERT INTO wiremark_ledger VALUES ($1, $2)", (APPLICATION_ID, VERSION))
        check(connection, name)
        connection.execute("COMMIT")
    except psycopg.errors.DuplicateTable as error:
        raise LedgerFileError(
            f"{name}: this schema has tables of another program ({error.diag.message_primary}); give another "
            "database, or another schema with ?options=-csearch_path%3DNAME"
        ) from None
    finally:
        if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            connection.execute("ROLLBACK")


def check(connection: Connection, name: str) -> None:
    """Raises LedgerFileError unless there is a ledger of this version."""
    if not _is_ledger(connection):
        raise LedgerFileError(
            f"{name}: there is no wiremark ledger here; give the address that the server was started with"
        )
    (version,) = connection.execute("SELECT version FROM wiremark_ledger").fetchone() or (None,)
    if version != VERSION:
        raise LedgerFileError(
            f"{name}: this ledger has version {version} and this wiremark writes version {VERSION}; "
            "use the wiremark that made it, or give another database"
        )


def _is_ledger(connection: Connection) -> bool:
    found, schema = connection.execute(_KNOWN).fetchone() or (False, None)
    if schema is None:
        raise LedgerFileError("the first schema of the search path does not exist; create it first")
    return bool(found)


def unusable(name: str, error: Exception) -> LedgerFileError:
    """The sentence for a database that cannot be worked with."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return LedgerFileError(
        f"{name}: cannot be used as a ledger ({lines[0]}); start the database or give another address"
    )
