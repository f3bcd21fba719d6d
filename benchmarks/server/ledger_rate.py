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
CREATE TABLE account(id TEXT PRIMARY KEY, available INTEGER, held INTEGER) WITHOUT ROWID;
CREATE TABLE journal(id INTEGER PRIMARY KEY, ref TEXT, step TEXT, amount INTEGER, UNIQUE(ref, step));
INSERT INTO account VALUES ('bench', 1000000000000, 0);
"""


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
    """The least that a group commit does: a guarded update and a journal row for each step."""
    waiting: queue.SimpleQueue[tuple[str, str, asyncio.Future[None]] | None] = queue.SimpleQueue()
    loop = asyncio.get_running_loop()

    def write() -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(_RAW)
        connection.execute("PRAGMA synchronous=FULL")
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
            connection.execute("BEGIN IMMEDIATE")
            for name, step, _ in group:
                sql = (
                    "UPDATE account SET available=available-100, held=held+100 WHERE id=? AND available>=100"
                    if step == "hold"
                    else "UPDATE account SET available=available+60, held=held-100 WHERE id=?"
                )
                connection.execute(sql, ("bench",))
                connection.execute("INSERT INTO journal(ref, step, amount) VALUES (?,?,100)", (name, step))
            connection.execute("COMMIT")
            loop.call_soon_threadsafe(lambda done=group: [future.set_result(None) for _, _, future in done])
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()

    async def step(name: str, kind: str) -> None:
        future: asyncio.Future[None] = loop.create_future()
        waiting.put((name, kind, future))
        await future

    try:
        return await drive(lambda n: step(n, "hold"), lambda n: step(n, "end"), seconds, clients, run)
    finally:
        waiting.put(None)
        writer.join()


if __name__ == "__main__":
    kind, place, seconds, clients, *rest = sys.argv[1:]
    work = {"ours": ours, "raw": raw}[kind](place, float(seconds), int(clients), rest[0] if rest else "r")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(work)), flush=True)
