"""`python -m wiremark_loadtests.chaos`: prove that money survives clients and servers that break off.

Clients ask, hang up at any byte, lose patience and ask again, while the server is killed without warning.
Afterwards the ledger must be sound, and agree with what the clients were told, to the µUSD.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wiremark_schemas import contracts

from wiremark_loadtests import services
from wiremark_loadtests.chaos import books
from wiremark_loadtests.chaos.client import Asked, Client, Purse
from wiremark_loadtests.chaos.server import BASE, CONTRACT, Server

_DRAIN_SECONDS = 60.0
_STORES = ("sqlite", "postgresql")


@dataclass(frozen=True, slots=True)
class Plan:
    """clients at once for so many seconds, with so many kills, drawn from the seed"""

    store: str
    clients: int
    seconds: float
    kills: int
    processes: int
    profile: str
    seed: int


def main(argv: Sequence[str]) -> int:
    """0 when everything agrees, 1 when something does not, 2 when a database is not installed."""
    parser = argparse.ArgumentParser(prog="python -m wiremark_loadtests.chaos", description=__doc__)
    parser.add_argument("--store", choices=_STORES, default="sqlite")
    parser.add_argument("--clients", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--processes", type=int, default=3, help="on postgresql (default: 3)")
    parser.add_argument("--profile", default="fixed", help="pace of the engine (default: fixed)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    given = parser.parse_args(argv)
    plan = Plan(**vars(given))
    print(f"chaos on {plan.store}: {plan.clients} clients, {plan.seconds:g} s, {plan.kills} kills, ", end="")
    print(f"seed {plan.seed}", flush=True)
    try:
        findings = prove(plan, lambda line: print(line, flush=True))
    except services.Missing as missing:
        print(f"chaos: {missing}", file=sys.stderr)
        return 2
    for finding in findings[:20]:
        print(f"FINDING {finding}")
    print("agrees to the µUSD" if not findings else f"{len(findings)} findings")
    return 1 if findings else 0


def prove(plan: Plan, say: Callable[[str], None]) -> list[str]:
    """Run the plan; what does not agree. Raises services.Missing."""
    with _server(plan) as server:
        purses = _purses(server)
        clients = asyncio.run(_storm(plan, server, purses))
        findings = [surprise for client in clients for surprise in client.surprises]
        asked = [one for client in clients for one in client.asked]
        findings += _settled(server, purses)
        rows = {purse: server.rows(purse.key) for purse in purses}
        for purse in purses:
            price = contracts.load(CONTRACT).model(purse.model)
            assert price is not None  # noqa: S101 - the purse was made from it
            mine = [one for one in asked if (one.name is not None) == purse.named]
            compare = books.named if purse.named else books.once
            findings += compare(mine, rows[purse], price.price)
            findings += books.still_open(rows[purse])
        code, said = server.verify()
        findings += [line for line in said.splitlines() if not line.startswith("ok ")] if code else []
        if server.stop() != 0:
            findings.append("the server did not end well")
        code, _ = server.verify()
        findings += ["the ledger is broken after the end"] if code else []
    _report(asked, purses, rows, say)
    return findings


def _report(
    asked: list[Asked], purses: Sequence[Purse], rows: dict[Purse, books.Rows], say: Callable[[str], None]
) -> None:
    named, once = (rows[purse] for purse in sorted(purses, key=lambda purse: not purse.named))
    sums = books.sums(asked, named, once)
    say(f"{sums.requests} requests in {sums.attempts} attempts, {sums.told} answered whole")
    say(f"{sums.replayed} of the answers were repeats of one that had been lost on its way")
    say(f"charged {sums.charged_named} µUSD under idempotency keys, {sums.charged_once} µUSD without")
    say("rows: " + ", ".join(f"{name} {count}" for name, count in sorted(sums.outcomes.items())))


@contextlib.contextmanager
def _server(plan: Plan) -> Iterator[Server]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wiremark-chaos-")))
        if plan.store == "sqlite":
            server = Server(folder, str(folder / "ledger.sqlite"), None, 1, plan.profile)
        else:
            place = stack.enter_context(services.postgres())
            limits = stack.enter_context(services.redis())
            server = Server(folder, place, limits, plan.processes, plan.profile)
        stack.callback(server.stop)
        yield server


def _purses(server: Server) -> tuple[Purse, ...]:
    """Two keys with money: one for requests that are repeated, one for those that are sent once."""
    models = [model.id for model in contracts.load(CONTRACT).models]
    allowed = server.get("/models", server.keys["restricted"])["data"]
    usable = [entry["id"] for entry in allowed if entry["id"] in models]
    return (
        Purse(server.keys["default"], models[0], named=True),
        Purse(server.keys["restricted"], usable[0], named=False),
    )


async def _storm(plan: Plan, server: Server, purses: tuple[Purse, ...]) -> list[Client]:
    rng = random.Random(plan.seed)  # noqa: S311 - a plan, not a secret
    ends = time.monotonic() + plan.seconds
    path = f"{BASE}/chat/completions"
    clients = [
        Client(server.port, path, purses, random.Random(rng.getrandbits(64)))  # noqa: S311
        for _ in range(plan.clients)
    ]
    running = [asyncio.create_task(client.run(lambda: time.monotonic() < ends)) for client in clients]
    pauses = sorted(rng.uniform(0.1, 0.9) * plan.seconds for _ in range(plan.kills))
    begun = time.monotonic()
    for pause in pauses:
        await asyncio.sleep(max(0.0, begun + pause - time.monotonic()))
        await asyncio.to_thread(server.kill, rng)
    async with asyncio.timeout(plan.seconds + _DRAIN_SECONDS):
        await asyncio.gather(*running)
    return clients


def _settled(server: Server, purses: Sequence[Purse]) -> list[str]:
    """Wait until nothing is held any more: what dead processes left open goes back by itself."""
    deadline = time.monotonic() + _DRAIN_SECONDS
    while any(server.get("/balance", purse.key)["held_microusd"] for purse in purses):
        if time.monotonic() > deadline:
            return [f"money is still held {_DRAIN_SECONDS:g} s after the last request"]
        time.sleep(0.2)
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
