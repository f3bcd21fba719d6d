"""The load generator's own targets, each beside its floor in the same run, medians of several.

    python benchmarks/loadgen/ours.py [--rows L1,L7] [--repeats 3] [--out benchmarks/loadgen/results]

| row | what                                                                                   |
|-----|----------------------------------------------------------------------------------------|
| L1  | CPU for each streamed chunk at 1,000 streams over the floor's                          |
| L2  | CPU for each streamed chunk at 256 streams, start-up included, over the best other tool |
| L3  | error of the time to first token at 1,000 streams, p50 and p99, in ms                  |
| L4  | error of the 99th percentile between tokens at 1,000 streams, relative                 |
| L5  | how late a stamp is at 256 streams with half of the core taken, p99, in ms             |
| L6  | streams that the server saw of 1,000                                                   |
| L7  | CPU for each plain request over the floor's                                            |
| L8  | the recorder's largest relative error; whether merging loses nothing                   |
| L9  | whether the run says that its generator was the bottleneck, alone and disturbed        |
| L10 | seconds and MiB of the audit of 1,000,000 receipts, and what it found of one µUSD      |
| L11 | requests for a CPU second of two workers over one's, times two                         |

L2 is read from results.json, which `run.py` writes. Rows that are left out keep what was measured before.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import run
import tools
from wiremark_loadtests.measure.recorder import Histogram

HERE = Path(__file__).parent
_BUSY = "import time\nwhile True: pass"
_MANY, _SOME = 1000, 256
Row = dict[str, float]


@contextlib.contextmanager
def neighbour(core: int) -> Iterator[None]:
    """A process that wants the whole core, and gets half of it."""
    command = ["taskset", "-c", str(core), sys.executable, "-c", _BUSY]
    with subprocess.Popen(command) as busy:
        try:
            yield
        finally:
            busy.kill()


class Bench:
    """Measures on one core; the programs that are compiled for it and what runs wrote are in `folder`."""

    def __init__(self, folder: Path, core: int) -> None:
        self._folder, self._core = folder, core
        self._floor = run.compiled("floor", folder)
        self._server = run.compiled("truth_server", folder)
        (self._tool,) = [tool for tool in tools.installed(None, None) if tool.name == "wiremark"]

    def streams(self, number: int, *, disturbed: bool = False) -> Row:
        """One run of streams, as errors."""
        with neighbour(self._core) if disturbed else contextlib.nullcontext():
            row = run.measure(self._tool, number, self._core, self._fresh(), self._server)
        truth, told = row["truth"], row["reported"]
        return {
            "ttft_p50_error_ms": told["ttft"]["p50"] - truth["time_to_first_token"]["p50"],
            "ttft_p99_error_ms": told["ttft"]["p99"] - truth["time_to_first_token"]["p99"],
            "itl_p99_error": told["itl"]["p99"] / truth["inter_token"]["p99"] - 1,
            "cpu_us": row["cpu_us_per_chunk_of_the_run"],
            "seen": truth["peak_streams"],
            "valid": float(row["generator"]["valid"]),
            "server_late_p99_ms": truth["late"]["p99"],
        }

    def many(self) -> Row:
        """Rows L1, L3, L4, L6 and L9."""
        cost = run.floor(self._floor, _MANY, self._core, self._server)["cpu_us_per_chunk"]
        return {"floor_us": cost, **self.streams(_MANY)}

    def lag(self) -> Row:
        """Row L5."""
        with run.truth(self._server, 0) as base_url, neighbour(self._core):
            command = [sys.executable, str(HERE / "lag.py"), base_url, str(_SOME), str(run.SECONDS)]
            told = json.loads(_output(["taskset", "-c", str(self._core), *command]))
        return {f"{name}_p99_ms": told[name]["p99"] for name in ("stamp", "read")}

    def plain(self, processes: int | None = None) -> Row:
        """Rows L7 and L11: CPU of a plain request, ours and the floor's, in µs."""
        swapped = replace(
            self._tool,
            command=lambda program, task: _plainly(self._tool.command(program, task), processes),
        )
        folder = self._fresh()
        row = run.measure(swapped, 64, self._core, folder, self._server)
        load = json.loads((folder / "load.json").read_text())
        cpu = sum(worker["cpu"] for worker in load["generator"]["workers"])
        with run.truth(self._server, 0) as base_url:
            port = base_url.rsplit(":", 1)[1].removesuffix("/v1")
            command = ["taskset", "-c", str(self._core), str(self._floor), port, "64", str(run.SECONDS)]
            told = json.loads(_output([*command, "plain"]))
        return {
            "cpu_us": cpu / max(1, row["truth"]["requests"]) * 1e6,
            "floor_us": told["cpu_seconds"] / max(1, told["requests"]) * 1e6,
        }

    def _fresh(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))


def _plainly(command: list[str], processes: int | None) -> list[str]:
    more = [] if processes is None else ["--processes", str(processes)]
    return [*(word if not word.endswith("stream.yaml") else "plain" for word in command), *more]


def _output(command: list[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def recorder() -> Row:
    """Row L8, on values from a microsecond to a minute."""
    source = random.Random(1)  # noqa: S311  not for secrets
    values = [round(math.exp(source.uniform(math.log(1e3), math.log(6e10)))) for _ in range(200_000)]
    whole, parts = Histogram(), [Histogram() for _ in range(4)]
    merged = Histogram()
    for number, value in enumerate(values):
        whole.record(value)
        parts[number % 4].record(value)
    for part in parts:
        merged.merge(Histogram.from_wire(part.to_wire()))
    values.sort()
    shares = [n / 1000 for n in range(1, 1001)]
    exact = [values[max(0, math.ceil(share * len(values)) - 1)] for share in shares]
    worst = max(
        abs((whole.quantile(share) or 0.0) / value - 1) for share, value in zip(shares, exact, strict=True)
    )
    return {"worst_error": worst, "lossless": float(merged.buckets == whole.buckets)}


def medians(take: Callable[[], Row], repeats: int) -> Row:
    rows = [take() for _ in range(repeats)]
    return {name: round(statistics.median(row[name] for row in rows), 4) for name in rows[0]}


def _beside_others(results: Path) -> dict[str, Any]:
    """Row L2."""
    path = results / "results.json"
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    costs = {
        row["tool"]: row["cpu_us_per_chunk"]
        for row in rows
        if row["streams"] == _SOME and "reported" in row and row["truth"]["peak_streams"] >= 0.9 * _SOME
    }
    others = {name: cost for name, cost in costs.items() if name != "wiremark"}
    if "wiremark" not in costs or not others:
        return {}
    best = min(others, key=lambda name: others[name])
    return {"L2_cpu_over_best_other": [round(costs["wiremark"] / others[best], 3), best]}


def measured(bench: Bench, rows: set[str], repeats: int, results: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if rows & {"L1", "L3", "L4", "L6", "L9"}:
        alone = medians(bench.many, repeats)
        shared = medians(lambda: bench.streams(_SOME, disturbed=True), repeats)
        found |= {
            "L1_cpu_over_floor": round(alone["cpu_us"] / alone["floor_us"], 2),
            "L1_cpu_us": [alone["cpu_us"], alone["floor_us"]],
            "L3_ttft_error_ms": [alone["ttft_p50_error_ms"], alone["ttft_p99_error_ms"]],
            "L4_itl_p99_error": alone["itl_p99_error"],
            "L6_streams_seen": alone["seen"],
            "L9_valid": [alone["valid"], shared["valid"]],
            "medians_1000_streams": alone,
            "medians_256_disturbed": shared,
        }
    if "L2" in rows:
        found |= _beside_others(results)
    if "L5" in rows:
        lag = medians(bench.lag, repeats)
        found |= {"L5_stamp_lag_p99_ms": lag["stamp_p99_ms"], "medians_lag": lag}
    if rows & {"L7", "L11"}:
        single = medians(bench.plain, repeats)
        found |= {
            "L7_cpu_over_floor": round(single["cpu_us"] / single["floor_us"], 2),
            "medians_plain": single,
        }
        if "L11" in rows:
            double = medians(lambda: bench.plain(2), repeats)
            found["L11_two_workers_over_one"] = round(2 * single["cpu_us"] / double["cpu_us"], 2)
    if "L8" in rows:
        found["L8_recorder"] = {name: round(value, 5) for name, value in recorder().items()}
    if "L10" in rows:
        found["L10_audit"] = json.loads(_output([sys.executable, str(HERE / "audit.py")]))
    return {name: value for name, value in found.items() if name.split("_")[0] in {*rows, "medians"}}


def priority() -> str:
    """What this process, and so all that it starts, has before others of the machine."""
    if os.sched_getscheduler(0) in {os.SCHED_RR, os.SCHED_FIFO}:
        return "real-time"
    return f"nice {os.getpriority(os.PRIO_PROCESS, 0)}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default=",".join(f"L{n}" for n in range(1, 12)))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    core, load = min(1, (os.cpu_count() or 1) - 1), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="wiremark-bench-") as folder:
        found = measured(Bench(Path(folder), core), set(given.rows.split(",")), given.repeats, given.out)
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    noted = {
        "when": when,
        "load_average_before": round(load, 1),
        "priority": priority(),
        "repeats": given.repeats,
    }
    path = given.out / "ours.json"
    before: Mapping[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    kept = {name: value for name, value in before.items() if name.startswith(("L", "medians", "measured"))}
    moments = {**kept.pop("measured", {}), **dict.fromkeys(given.rows.split(","), noted)}
    given.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"measured": moments, **kept, **found}, indent=1) + "\n")
    print(json.dumps({**noted, **found}, indent=1))


if __name__ == "__main__":
    main()
