"""What the suite costs: rows S1 to S5, each beside its floor, measured in one run; `make bench-suite`.

    python benchmarks/suite/run.py [--rows S1,S3] [--out benchmarks/suite/results/suite.json]

Rows that are not asked for stay as they were measured last; S1, S2 and S4 come from one run.

S1  wall time of a full run, all surfaces, against a local reference server on the instant profile
S2  HTTP requests per requirement judged
S3  wall time against an endpoint of 500 ms per answer, eight at a time, over requests * 0.5 s / 8
S4  judging one recorded exchange with all its checks, over parsing its JSON once
S5  the inert plugin in somebody else's pytest run, over the same run without it
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wiremark_conformance.client import Client, Endpoint
from wiremark_conformance.judge import Evidence, Judgement, judge_exchange
from wiremark_conformance.probes import PROBES, ProbeContext
from wiremark_conformance.target import Target
from wiremark_conformance.version import version
from wiremark_schemas import contracts, credentials

HERE = Path(__file__).parent
CONTRACT = "every-format"
PAUSE, WORKERS = 0.5, 8
TURNS = 25  # of floor and subject, in turn
_CLI = (sys.executable, "-m", "wiremark_conformance.cli")
server = runpy.run_path(str(HERE.parents[1] / "tests" / "fuzz.py"))["server"]


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. value: what is compared with `first` (to be reached) and `goal`."""

    row: str
    what: str
    value: float
    unit: str
    first: float
    goal: float
    details: Mapping[str, Any]

    @property
    def reached(self) -> str:
        return "goal" if self.value <= self.goal else "first" if self.value <= self.first else "no"


def _check(folder: Path, *options: str) -> tuple[float, float, Mapping[str, Any]]:
    """Wall seconds, CPU seconds of the judge's process, and the report of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [*_CLI, "check", *options, "--out", str(folder)], capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode not in {0, 1}:
        raise SystemExit(done.stdout + done.stderr)
    return wall, cpu, json.loads((folder / "report.json").read_text())


def full_run(folder: Path) -> tuple[Row, Row, Row]:
    with server(CONTRACT, folder) as url:
        keys = str(folder / "keys.yaml")
        wall, cpu, report = _check(folder, "--base-url", url, "--contract", CONTRACT, "--credentials", keys)
        judging = _judging(url, keys)
    judged = [row for row in report["results"] if row["verdict"] not in {"undeclared", "not-testable"}]
    details = {
        "contract": CONTRACT,
        "requests": report["requests"],
        "judged": len(judged),
        "cpu_seconds": round(cpu, 2),
    }
    return (
        Row("S1", "wall time of a full run", round(wall, 2), "s", 60, 15, details),
        Row(
            "S2", "requests per requirement", round(report["requests"] / len(judged), 3), "", 1 / 3, 1 / 5, {}
        ),
        judging,
    )


def slow_run(folder: Path) -> Row:
    command = [sys.executable, str(HERE / "slow_endpoint.py"), str(PAUSE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101
        url = process.stdout.readline().strip()
        wall, cpu, report = _check(folder, "--base-url", url, "--concurrency", str(WORKERS))
        process.stdin.close()
    floor = report["requests"] * PAUSE / WORKERS
    details = {
        "requests": report["requests"],
        "wall_seconds": round(wall, 2),
        "floor_seconds": round(floor, 2),
        "cpu_seconds": round(cpu, 2),
    }
    return Row("S3", "500 ms per answer, 8 at a time", round(wall / floor, 2), "x floor", 1.5, 1.1, details)


def _best(action: Callable[[], object], repeats: int) -> float:
    """The median time of one call, in seconds."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _judging(url: str, keys: str) -> Row:
    """The plain chat answer, with every check that needs nothing else."""
    contract, probe = contracts.load(CONTRACT), "chat.plain"
    endpoint = Endpoint.parse(url)
    target = Target(
        contract,
        contract.models[0].id,
        endpoint.base_path,
        credentials.load(Path(keys)),
        endpoint.url,
        endpoint.host_header,
    )
    request = PROBES[probe].build(ProbeContext(target, {}))
    if request is None:
        raise SystemExit(f"the contract {CONTRACT} has no {probe}")
    exchange = Client(endpoint).send(probe, request)

    def judge() -> tuple[Judgement, ...]:
        return judge_exchange(probe, Evidence(target, {probe: exchange}))  # a fresh one: parsing counts

    parsing = _best(lambda: json.loads(exchange.body), 300)
    judging = _best(judge, 300)
    details = {
        "checks": len(judge()),
        "bytes": len(exchange.body),
        "parse_us": round(parsing * 1e6, 1),
        "judge_us": round(judging * 1e6, 1),
    }
    return Row("S4", "judging over parsing", round(judging / parsing, 1), "x floor", 50, 10, details)


def inert_plugin(folder: Path) -> Row:
    """Both runs load pytest-base-url, on which the plugin rests, and one plugin more: an empty one, or ours.

    To name a plugin makes pytest look through all that is installed, whatever the plugin is. Where plugins
    load by themselves that happens once for all of them, so it is no cost of this one.
    """
    (folder / "test_other.py").write_text("def test_other():\n    pass\n")
    (folder / "empty_plugin.py").touch()
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "base_url", "test_other.py", "-p"]
    floor_run, subject = [*command, "empty_plugin"], [*command, "wiremark"]

    def cpu(run: list[str]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(run, cwd=folder, env=environment, capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    pairs = [(cpu(floor_run), cpu(subject)) for _ in range(TURNS)]
    floor, full = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    details = {
        "floor_ms": round(floor, 1),
        "with_plugin_ms": round(full, 1),
        "turns": TURNS,
        "measure": "CPU",
    }
    return Row("S5", "inert plugin", round(full - floor, 2), "ms more", 5, 2, details)


MEASURES: Mapping[tuple[str, ...], Callable[[Path], tuple[Row, ...]]] = {
    ("S1", "S2", "S4"): full_run,
    ("S3",): lambda folder: (slow_run(folder),),
    ("S5",): lambda folder: (inert_plugin(folder),),
}


def measured(row: Row, load: float) -> dict[str, Any]:
    """A row as it is kept, with what it was measured by and when."""
    return {
        **asdict(row),
        "reached": row.reached,
        "command": f"python benchmarks/suite/run.py --rows {row.row}",
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "wiremark": version(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average_before": round(load, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure rows S1 to S5.")
    parser.add_argument("--rows", default="S1,S2,S3,S4,S5")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "suite.json")
    given = parser.parse_args()
    wanted = set(given.rows.split(","))
    known = json.loads(given.out.read_text())["rows"] if given.out.exists() else []
    rows = {row["row"]: row for row in known}
    with tempfile.TemporaryDirectory() as name:
        for names, measure in MEASURES.items():
            if wanted.intersection(names):
                load = os.getloadavg()[0]
                rows |= {row.row: measured(row, load) for row in measure(Path(name))}
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({"rows": [rows[name] for name in sorted(rows)]}, indent=2) + "\n")
    for name, row in sorted(rows.items()):
        bounds = f"first {row['first']:.3g}, goal {row['goal']:.3g}"
        value = f"{row['value']:>8g} {row['unit']:<8}"
        print(f"{name}  {row['what']:<32} {value} {bounds:<24} reached: {row['reached']}")
    return 0 if all(row["reached"] != "no" for row in rows.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
