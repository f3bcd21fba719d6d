"""What PostgreSQL itself carries on one hot account: one writer that batches, and clients that do not.

    python benchmarks/server/pg_floor.py batch URL SECONDS     256 transfers per statement, one connection
    python benchmarks/server/pg_floor.py hot URL SECONDS       32 connections, one transaction per transfer

Prints one JSON line: transfers per second.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import psycopg

_TABLES = """
DROP TABLE IF EXISTS floor_journal; DROP TABLE IF EXISTS floor_account;
CREATE TABLE floor_account(id TEXT PRIMARY KEY, available BIGINT NOT NULL CHECK (available >= 0))
  WITH (fillfactor = 50);
CREATE TABLE floor_journal(id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ref TEXT NOT NULL UNIQUE,
  account TEXT NOT NULL, amount BIGINT NOT NULL);
INSERT INTO floor_account VALUES ('bench', 1000000000000);
"""
_BATCH, _CLIENTS = 256, 32
_TAKE = "UPDATE floor_account SET available = available - 1 WHERE id = 'bench'"
_MANY = (
    "WITH j AS (INSERT INTO floor_journal(ref, account, amount) "
    "SELECT r, 'bench', 1 FROM unnest(%s::text[]) r) "
    "UPDATE floor_account SET available = available - %s WHERE id = 'bench'"
)


def batch(url: str, seconds: float) -> int:
    done = 0
    with psycopg.connect(url, autocommit=True) as connection:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            connection.execute(_MANY, ([f"b{done + n}" for n in range(_BATCH)], _BATCH), prepare=True)
            done += _BATCH
    return done


def hot(url: str, seconds: float) -> int:
    counts = [0] * _CLIENTS

    def client(number: int) -> None:
        with psycopg.connect(url) as connection:
            while time.monotonic() < ends:
                with connection.transaction():
                    connection.execute(
                        "UPDATE floor_account SET available = available - 1 WHERE id = 'bench'"
                    )
                    connection.execute(
                        "INSERT INTO floor_journal(ref, account, amount) VALUES (%s, 'bench', 1)",
                        (f"h{number}.{counts[number]}",),
                    )
                counts[number] += 1

    ends = time.monotonic() + seconds
    threads = [threading.Thread(target=client, args=(number,)) for number in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


if __name__ == "__main__":
    kind, url, seconds = sys.argv[1:]
    with psycopg.connect(url, autocommit=True) as setup:
        setup.execute(_TABLES)
    begun = time.monotonic()
    transfers = {"batch": batch, "hot": hot}[kind](url, float(seconds))
    print(json.dumps({"transfers_per_second": round(transfers / (time.monotonic() - begun), 1)}), flush=True)
