"""How many requests a ledger carries: each holds, waits until that is durable, settles, waits again.

    python benchmarks/server/ledger_rate.py ours PLACE SECONDS CLIENTS [RUN]     PLACE: a file or postgresql://…
    python benchmarks/server/ledger_rate.py raw FILE SECONDS CLIENTS      group commit of bare statements

All clients spend from one account. Prints one JSON line.
"""

from __future__ import annotations

import asyncio
import json
import queue
import resource
import sqlite3
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from wiremark_server.clock import SystemClock
from wiremark_server.ledger.store import HoldRequest, Ledger

Once = Callable[[str], Awaitable[None]]
_RAW = """
CREATE TABLE account(id TEXT PRIMARY KEY, posted INTEGER NOT NULL, held INTEGER NOT NULL DEFAULT 0,
  CHECK (held >= 0)) STRICT, WITHOUT ROWID;
CREATE TABLE journal(seq INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, kind INTEGER NOT NULL,
  debit TEXT NOT NULL, credit TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount >= 0),
  pending INTEGER, at INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX once ON journal(pending) WHERE pending IS NOT NULL;
INSERT INTO account VALUES ('bench', 1000000000000, 0), ('revenue', 0, 0);
"""
_SET_ASIDE = "UPDATE account SET held=held+100 WHERE id='bench' AND posted-held>=100"
_HOLD = "INSERT INTO journal(ref, kind, debit, credit, amount, at) VALUES (?,2,'bench','revenue',100,0)"
_SETTLE = (
    "INSERT INTO journal(ref, kind, debit, credit, amount, pending, at) VALUES (?,3,'bench','revenue',40,?,0)"
)
_SPEND = "UPDATE account SET held=held-100, posted=posted-40 WHERE id='bench'"
_EARN = "UPDATE account SET posted=posted+40 WHERE id='revenue'"


async def drive(hold: Once, settle: Once, seconds: float, clients: int, run: str) -> dict[str, Any]:
    waits: list[float] = []
    ends = time.monotonic() + seconds

    async def client(number: int) -> None:
        turn = 0
        while (begun := time.monotonic()) < ends:
            # In order of time, as the gateway's own are.
            name = f"req_{time.time_ns() // 1_000_000:012x}.{run}.{number}.{turn}"
            turn += 1
            await hold(name)
            waits.append(time.monotonic() - begun)
            await settle(name)

    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    await asyncio.gather(*(client(number) for number in range(clients)))
    took, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    waits.sort()
    return {
        "requests": len(waits),
        "per_second": round(len(waits) / took, 1),
        "per_core_second": round(len(waits) / cpu, 1),
        "hold_p50_ms": round(1000 * waits[len(waits) // 2], 2),
        "hold_p99_ms": round(1000 * waits[len(waits) * 99 // 100], 2),
    }


async def ours(place: str, seconds: float, clients: int, run: str) -> dict[str, Any]:
    ledger = Ledger.open(place, SystemClock())
    await ledger.grant("bench", 10**12, "benchmark", "bench")

    async def hold(name: str) -> None:
        await ledger.hold(HoldRequest(name, "bench", "key", "model", 100))

    async def settle(name: str) -> None:
        await ledger.settle(name, 40, 12, 40, 200, "ok")

    try:
        return await drive(hold, settle, seconds, clients, run)
    finally:
        await ledger.close()


async def raw(path: str, seconds: float, clients: int, run: str) -> dict[str, Any]:
    """The least that double entry in group commits does: a journal row for each step, a hold that ends once,
    and the balances of both sides.
    """
    waiting: queue.SimpleQueue[tuple[str, int | None, asyncio.Future[int]] | None] = queue.SimpleQueue()
    loop = asyncio.get_running_loop()

    def write() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(_RAW)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA wal_autocheckpoint=4000")
        execute = connection.execute
        while (item := waiting.get()) is not None:
            group = [item]
            while len(group) < 512:
                try:
                    more = waiting.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    waiting.put(None)
                    break
                group.append(more)
            done: list[tuple[asyncio.Future[int], int]] = []
            execute("BEGIN IMMEDIATE")
            for name, held, future in group:
                if held is None:
                    execute(_SET_ASIDE)
                    done.append((future, execute(_HOLD, (f"h{name}",)).lastrowid or 0))
                else:
                    execute(_SETTLE, (f"s{name}", held))
                    execute(_SPEND)
                    execute(_EARN)
                    done.append((future, 0))
            execute("COMMIT")
            loop.call_soon_threadsafe(lambda done=done: [future.set_result(seq) for future, seq in done])
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()

    holds: dict[str, int] = {}

    async def step(name: str, held: int | None) -> int:
        future: asyncio.Future[int] = loop.create_future()
        waiting.put((name, held, future))
        return await future

    async def hold(name: str) -> None:
        holds[name] = await step(name, None)

    async def settle(name: str) -> None:
        await step(name, holds.pop(name))

    try:
        return await drive(hold, settle, seconds, clients, run)
    finally:
        waiting.put(None)
        writer.join()


if __name__ == "__main__":
    kind, place, seconds, clients, *rest = sys.argv[1:]
    work = {"ours": ours, "raw": raw}[kind](place, float(seconds), int(clients), rest[0] if rest else "r")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(work)), flush=True)
