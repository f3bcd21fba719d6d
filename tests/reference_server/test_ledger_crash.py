"""A process killed in mid-load: what it acknowledged is there, what it left open is returned."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from wiremark_server.clock import SystemClock
from wiremark_server.ledger.store import Balance, Ledger
from wiremark_server.ledger.verify import verify

MONEY, HOLD, CHARGE, CLIENTS, KILL_AFTER = 10**9, 50, 20, 32, 400

LOAD = f"""
import asyncio, sys
from wiremark_server.clock import SystemClock
from wiremark_server.ledger.store import HoldRequest, Ledger

async def client(ledger, run, number):
    for turn in range(100_000):
        name = f"{{run}}.{{number}}.{{turn}}"
        await ledger.hold(HoldRequest(name, "acme", "key", "model", {HOLD}))
        await ledger.settle(name, {CHARGE}, 1, 1, 200, "ok")
        print(name, flush=True)

async def main(path, run):
    ledger = Ledger.open(path, SystemClock())
    await ledger.grant("acme", {MONEY}, "test", "once")
    await asyncio.gather(*(client(ledger, run, number) for number in range({CLIENTS})))

asyncio.run(main(*sys.argv[1:]))
"""


def killed_run(path: Path, run: int) -> list[str]:
    """Start the load, kill -9 it after some acknowledgements; every request acknowledged by then."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOAD, str(path), str(run)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process:
        acknowledged = [process.stdout.readline().strip() for _ in range(KILL_AFTER)]
        process.kill()
        rest = process.stdout.read()
    # the last line may be cut short: only what ends in a newline was written whole
    return acknowledged + rest[: rest.rfind("\n") + 1].split()


def test_a_killed_server_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    acknowledged = [name for run in range(3) for name in killed_run(path, run)]
    assert len(set(acknowledged)) == len(acknowledged) >= 3 * KILL_AFTER

    async def reopen() -> None:
        ledger = Ledger.open(path, SystemClock())
        rows = {row.request_id: row for row in (await ledger.usage("key", 10**6)).rows}
        assert {rows[name].state for name in acknowledged} == {"settled"}
        assert {row.state for row in rows.values()} <= {"settled", "released"}
        charged = sum(row.amount for row in rows.values())
        assert charged == CHARGE * sum(row.state == "settled" for row in rows.values())
        assert await ledger.balance("acme") == Balance(MONEY - charged, 0)
        await ledger.close()

    asyncio.run(reopen())
    assert [str(result) for result in verify(path) if not result.ok] == []
