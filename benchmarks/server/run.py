"""Rows G1 to G8: what the reference server costs, each beside its floor or a peer in the same run.

    python benchmarks/server/run.py [--rows G1,G5] [--seconds 4] [--repeats 3] [--journal-rows 10000000]

Server on core 0, load on core 1, floor and subject in turn, medians. These machines are shared, so the
measure is requests per second of the server's processor time ("core-second"); wall clock stands beside it.
Needs wrk and taskset; G4 needs aimock and LiteLLM (`tests/real/servers.py` installs them), G6 PostgreSQL.
Writes `benchmarks/server/results.json` and prints the table.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import growth
import paced
from measure import HERE, Subject, listening, ours, post, wrk
from wiremark_loadtests import services

DISK = HERE.parent.parent / "out"
"""In the checkout, so that what is durable is on its disk and not in memory."""

_TOKENS = 20
_STREAM_TOKENS = 100
_CLIENTS = 64
_PACKAGES = ("uvicorn", "uvloop", "httptools", "msgspec", "limits", "psycopg", "redis")


@dataclass(frozen=True)
class Row:
    """value and first: in the unit of the row; met: whether "first" is reached"""

    row: str
    what: str
    measured: str
    value: float
    first: str
    met: bool
    details: dict[str, Any]


@dataclass(frozen=True)
class Options:
    seconds: float
    repeats: int
    journal_rows: int


@contextmanager
def floor() -> Iterator[Subject]:
    port = services.free_port()
    with listening([sys.executable, str(HERE / "floor.py"), str(port)], port, "sk-bench", "floor") as subject:
        yield subject


def in_turn(options: Options, tokens: int, **more: Any) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Floor and ours, alternately; the rates of each, and what an answer of ours looks like."""
    floors, subjects = [], []
    with tempfile.TemporaryDirectory(dir=DISK) as folder, floor() as ground, ours(Path(folder)) as subject:
        answer = post(subject, tokens, stream=more.get("stream", False))
        for _ in range(options.repeats):
            floors.append(wrk(ground, options.seconds, tokens, connections=_CLIENTS, **more))
            subjects.append(wrk(subject, options.seconds, tokens, connections=_CLIENTS, **more))
    return floors, subjects, {"events": answer.count(b"data: "), "bytes": len(answer)}


def g1(options: Options) -> Row:
    floors, subjects, _ = in_turn(options, _TOKENS)
    ground, rate = (median(r.per_core_second for r in rates) for rates in (floors, subjects))
    return Row(
        "G1",
        "key, limits, durable hold, answer, durable settle (SQLite, WAL, FULL)",
        f"{rate:,.0f} req/core-s against {ground:,.0f} of the floor",
        round(rate / ground, 3),
        ">= 0.25",
        rate / ground >= 0.25,
        {"floor": [asdict(r) for r in floors], "ours": [asdict(r) for r in subjects]},
    )


def g2(options: Options) -> Row:
    floors, subjects, told = in_turn(options, _STREAM_TOKENS, stream=True)
    ground = median(r.per_core_second for r in floors) * 101  # 100 events and [DONE]
    rate = median(r.per_core_second for r in subjects) * told["events"]
    return Row(
        "G2",
        "unpaced streams, events per core-second",
        f"{rate:,.0f} events/core-s against {ground:,.0f} of the floor ({told['events']} events an answer)",
        round(rate / ground, 3),
        ">= 0.4",
        rate / ground >= 0.4,
        {"floor": [asdict(r) for r in floors], "ours": [asdict(r) for r in subjects]},
    )


def g3(options: Options) -> Row:
    with tempfile.TemporaryDirectory(dir=DISK) as folder, ours(Path(folder), "--profile", "fixed") as subject:
        paced.run(subject, streams=50, tokens=20)  # warm
        runs = [paced.run(subject, streams=1000, tokens=50) for _ in range(options.repeats)]
    told = {name: median(run[name] for run in runs) for name in runs[0]}
    return Row(
        "G3",
        "1,000 streams paced at 20 ms: time over ideal, CPU per chunk",
        f"{told['ratio']:.3f} of the ideal time, {told['cpu_us_per_chunk']:.1f} µs a chunk",
        told["ratio"],
        "<= 1.10 and <= 20 µs",
        told["ratio"] <= 1.10 and told["cpu_us_per_chunk"] <= 20,
        {"runs": runs},
    )


def g4(options: Options) -> Row:
    sys.path.append(str(HERE.parent.parent / "tests" / "real"))
    import recipes

    rates: dict[str, list[float]] = {"ours": [], "aimock": [], "litellm": []}
    known = recipes.SERVERS
    ports = {name: services.free_port() for name in ("aimock", "litellm")}
    place = {name: recipes.Place(known[name].recipe.install(), port) for name, port in ports.items()}
    commands = {
        "aimock": known["aimock"].command(place["aimock"]),
        "litellm": [
            *(str(place["litellm"].folder / "bin" / "litellm"), "--config", str(HERE / "litellm.yaml")),
            *("--host", "127.0.0.1", "--port", str(ports["litellm"]), "--telemetry", "False"),
        ],
    }
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory(dir=DISK) as folder, ours(Path(folder)) as subject:
            rates["ours"].append(wrk(subject, options.seconds, _TOKENS).per_core_second)
        for name, command in commands.items():
            with listening(command, ports[name], "sk-bench", "mock-model") as subject:
                rates[name].append(wrk(subject, options.seconds, _TOKENS).per_core_second)
    mine, mock, proxy = (median(rates[name]) for name in ("ours", "aimock", "litellm"))
    return Row(
        "G4",
        "beside LiteLLM mock_response and aimock, req per core-second",
        f"{mine:,.0f} against {proxy:,.0f} (LiteLLM, x {mine / proxy:.0f}) "
        f"and {mock:,.0f} (aimock, x {mine / mock:.2f})",
        round(mine / mock, 3),
        ">= 80 x LiteLLM and >= 0.8 x aimock",
        mine >= 80 * proxy and mine >= 0.8 * mock,
        rates,
    )


def g5(options: Options) -> Row:
    found: dict[str, list[dict[str, Any]]] = {"raw": [], "ours": []}
    for turn in range(options.repeats):
        for kind in found:
            with tempfile.TemporaryDirectory(dir=DISK) as folder:
                place = f"{folder}/{kind}.sqlite"
                found[kind].append(script("ledger_rate.py", kind, place, options.seconds, _CLIENTS, turn))
    raw, mine = (median(r["per_second"] for r in found[kind]) for kind in ("raw", "ours"))
    wait = median(r["hold_p99_ms"] for r in found["ours"])
    return Row(
        "G5",
        "ledger alone, 64 in flight: durable hold and settle per second; hold p99",
        f"{mine:,.0f} req/s against {raw:,.0f} of a bare group commit; hold p99 {wait:.1f} ms",
        round(mine / raw, 3),
        ">= 0.5 and <= 10 ms",
        mine / raw >= 0.5 and wait <= 10,
        found,
    )


def g6(options: Options) -> Row:
    with services.postgres() as url:
        floors = {
            kind: script("pg_floor.py", kind, url, options.seconds)["transfers_per_second"]
            for kind in ("hot", "batch")
        }
        script("ledger_rate.py", "ours", url, 1, _CLIENTS, "warm")
        runs = []
        for turn in range(options.repeats):
            children = [
                start("ledger_rate.py", "ours", url, options.seconds, _CLIENTS, f"{turn}.{number}")
                for number in range(3)
            ]
            runs.append(2 * sum(json.loads(child.communicate()[0])["per_second"] for child in children))
    rate = median(runs)
    return Row(
        "G6",
        "PostgreSQL, 3 processes, one hot account: transfers per second",
        f"{rate:,.0f}/s against {floors['hot']:,.0f} (32 clients on a hot row) and {floors['batch']:,.0f} "
        f"(one writer of batches: x {rate / floors['batch']:.2f})",
        round(rate / floors["hot"], 2),
        ">= 5 x the hot row",
        rate >= 5 * floors["hot"],
        {"runs": runs, **floors},
    )


def g7(options: Options) -> Row:
    rates: dict[str, list[dict[str, Any]]] = {"empty": [], "full": []}
    with tempfile.TemporaryDirectory(dir=DISK) as folder:
        full = growth.fill(Path(folder) / "full.sqlite", options.journal_rows, keys=10_000)
        for turn in range(options.repeats):
            empty = str(Path(folder) / f"empty-{turn}.sqlite")
            for kind, place in (("empty", empty), ("full", full)):
                rates[kind].append(
                    script("ledger_rate.py", "ours", place, options.seconds, _CLIENTS, f"g{turn}")
                )
    before, after = (median(r["per_core_second"] for r in rates[kind]) for kind in ("empty", "full"))
    return Row(
        "G7",
        f"rate with {options.journal_rows:,} journal rows and 10,000 keys over rate when empty",
        f"{after:,.0f} against {before:,.0f} req/core-s of the ledger",
        round(after / before, 3),
        ">= 0.9",
        after / before >= 0.9,
        rates,
    )


def g8(options: Options) -> Row:
    starts, sizes, costs = [], [], []
    for _ in range(options.repeats):
        with tempfile.TemporaryDirectory(dir=DISK) as folder:
            begun = time.monotonic()
            with ours(Path(folder)) as subject:
                models = urllib.request.Request(  # noqa: S310 - loopback
                    f"{subject.base_url}/models", headers={"authorization": f"Bearer {subject.key}"}
                )
                with urllib.request.urlopen(models, timeout=10) as answer:  # noqa: S310
                    answer.read()
                starts.append(time.monotonic() - begun)
                sizes.append(subject.rss_mib())
                costs.append(subject.cpu())
    start_seconds, size = median(starts), median(sizes)
    return Row(
        "G8",
        "resident memory when idle; start to the first 200",
        f"{size:.0f} MiB, {start_seconds:.2f} s, of them {median(costs):.2f} of processor time",
        round(size, 1),
        "<= 80 MiB and <= 1.0 s",
        size <= 80 and start_seconds <= 1.0,
        {"seconds": starts, "cpu_seconds": costs, "mib": sizes},
    )


ROWS: dict[str, Callable[[Options], Row]] = {
    "G1": g1,
    "G2": g2,
    "G3": g3,
    "G4": g4,
    "G5": g5,
    "G6": g6,
    "G7": g7,
    "G8": g8,
}


def start(name: str, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(HERE / name), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def script(name: str, *words: object) -> dict[str, Any]:
    told, _ = (child := start(name, *words)).communicate()
    if child.returncode:
        raise RuntimeError(f"{name} ended with {child.returncode}")
    found: dict[str, Any] = json.loads(told)
    return found


def versions() -> dict[str, str]:
    found = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "kernel": platform.release(),
    }
    found |= {name: importlib.metadata.version(name) for name in _PACKAGES}
    found["cores"] = str(os.cpu_count())
    return found


def table(rows: dict[str, Any]) -> str:
    """The results as they stand, for people."""
    lines = ["| row | what | measured | first | | load average |", "|---|---|---|---|---|---|"]
    for name, row in rows.items():
        reached = "reached" if row["met"] else "not reached"
        cells = (name, row["what"], row["measured"], row["first"], reached, row["load_average_before"])
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str]) -> int:
    """0 when every row that was asked for reached "first", 1 when one did not."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--journal-rows", type=int, default=10_000_000)
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    given = parser.parse_args(argv)
    options = Options(given.seconds, given.repeats, given.journal_rows)
    known = json.loads(given.out.read_text())["rows"] if given.out.exists() else {}
    good = True
    DISK.mkdir(exist_ok=True)
    for name in given.rows.split(","):
        load = os.getloadavg()[0]
        row = ROWS[name](options)
        good &= row.met
        print(
            f"{row.row}  {'first' if row.met else 'NOT YET':8} {row.measured}  ({row.value} for {row.first})",
            flush=True,
        )
        known[name] = asdict(row) | {
            "command": f"python benchmarks/server/run.py --rows {name} --seconds {options.seconds:g} "
            f"--repeats {options.repeats} --journal-rows {options.journal_rows}",
            "load_average_before": round(load, 1),
            "versions": versions(),
        }
        known = dict(sorted(known.items()))
        given.out.write_text(json.dumps({"rows": known}, indent=1) + "\n")
        given.out.with_suffix(".md").write_text(table(known))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
