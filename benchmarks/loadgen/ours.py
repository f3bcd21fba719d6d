"""The load generator's own targets, each beside its floor in the same run, medians of several.

    python benchmarks/loadgen/ours.py [--repeats 3] [--out benchmarks/loadgen/results]

| row | what                                                                            |
|-----|---------------------------------------------------------------------------------|
| L1  | CPU for each streamed chunk at 1,000 streams over the floor's                   |
| L3  | error of the time to first token at 1,000 streams                               |
| L4  | error of the 99th percentile between tokens at 1,000 streams                    |
| L5  | the same at 256 streams with half of the core taken by a neighbour              |
| L6  | streams that the server saw of 1,000                                            |
| L7  | CPU for each plain request over the floor's                                     |
| L9  | whether the run says that its generator was the bottleneck, alone and disturbed |
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import run
import tools

HERE = Path(__file__).parent
_BUSY = "import time\nwhile True: pass"


@contextlib.contextmanager
def neighbour(core: int) -> Iterator[None]:
    """A process that wants the whole core, and gets half of it."""
    command = ["taskset", "-c", str(core), sys.executable, "-c", _BUSY]
    with subprocess.Popen(command) as busy:
        try:
            yield
        finally:
            busy.kill()


def streams(number: int, core: int, folder: Path, *, disturbed: bool = False) -> dict[str, Any]:
    """One run of ours, as errors."""
    (tool,) = [tool for tool in tools.installed(None, None) if tool.name == "wiremark"]
    folder.mkdir()
    with neighbour(core) if disturbed else contextlib.nullcontext():
        row = run.measure(tool, number, core, folder)
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


def plain(core: int, folder: Path, floor: Path) -> dict[str, Any]:
    """CPU of a plain request, ours and the floor's, in µs."""
    (tool,) = [tool for tool in tools.installed(None, None) if tool.name == "wiremark"]
    folder.mkdir()
    swapped = replace(tool, command=lambda program, task: _plainly(tool.command(program, task)))
    row = run.measure(swapped, 64, core, folder)
    load = json.loads((folder / "load.json").read_text())
    cpu = sum(worker["cpu"] for worker in load["generator"]["workers"])
    with run.truth(0) as base_url:
        port = base_url.rsplit(":", 1)[1].removesuffix("/v1")
        command = ["taskset", "-c", str(core), str(floor), port, "64", str(run.SECONDS), "plain"]
        told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {
        "cpu_us": cpu / max(1, row["truth"]["requests"]) * 1e6,
        "floor_us": told["cpu_seconds"] / max(1, told["requests"]) * 1e6,
    }


def _plainly(command: list[str]) -> list[str]:
    return [word if not word.endswith("stream.yaml") else "plain" for word in command]


def medians(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {name: round(statistics.median(row[name] for row in rows), 4) for name in rows[0]}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    core, load = min(1, (os.cpu_count() or 1) - 1), os.getloadavg()[0]
    many: list[dict[str, Any]] = []
    disturbed: list[dict[str, Any]] = []
    plains: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="wiremark-bench-") as scratch:
        folder = Path(scratch)
        floor = folder / "floor"
        subprocess.run(["cc", "-O2", "-o", str(floor), str(HERE / "floor.c")], check=True)
        for turn in range(given.repeats):
            cost = run.floor(floor, 1000, core)["cpu_us_per_chunk"]
            many.append({"floor_us": cost, **streams(1000, core, folder / f"many{turn}")})
            disturbed.append(streams(256, core, folder / f"disturbed{turn}", disturbed=True))
            plains.append(plain(core, folder / f"plain{turn}", floor))
    alone, shared, single = medians(many), medians(disturbed), medians(plains)
    found = {
        "when": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "load_average_before": round(load, 1),
        "repeats": given.repeats,
        "L1_cpu_over_floor": round(alone["cpu_us"] / alone["floor_us"], 2),
        "L3_ttft_error_ms": [alone["ttft_p50_error_ms"], alone["ttft_p99_error_ms"]],
        "L4_itl_p99_error": alone["itl_p99_error"],
        "L5_itl_p99_error_disturbed": shared["itl_p99_error"],
        "L6_streams_seen": alone["seen"],
        "L7_cpu_over_floor": round(single["cpu_us"] / single["floor_us"], 2),
        "L9_valid": [alone["valid"], shared["valid"]],
        "medians": {"1000 streams": alone, "256 streams, disturbed": shared, "plain, 64": single},
    }
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "ours.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
