"""A long run at half of what the server can do, its bill audited, both sides' memory watched; `make soak`.

    python benchmarks/loadgen/soak.py [--minutes 30] [--probe 10] [--bounds 20-2000] [--quick] [--out FOLDER]

A sweep finds the highest rate of cut and whole streams that meets the SLO; the soak sends half of that. It
ends with 0 when the bill adds up, the ledger's invariants hold, and neither side's memory grew. Written:
soak.json and the plot soak.html. `--quick` takes a minute in all and writes nothing unless told where.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wiremark_loadtests import children
from wiremark_loadtests.demo import wiremark
from wiremark_reports.render import html, plots

HERE = Path(__file__).parent
SLO = "ttft=1000,e2e=5000"
USERS = 200
_WARM = 0.4  # share of the run after which memory should grow no more
_START_SECONDS = 8  # until a generator sends
_FLAT_KIB = 4096  # growth after that which is no growth: caches that are not full, and the audit's marks
_FLAT_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """seconds of the soak, of each probe of the sweep, and between two looks at the memory"""

    seconds: int
    probe: int
    sample: int
    bounds: str


def resident(pid: int) -> int:
    """KiB of a process and its children."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        if pid in (int(folder.name), int(fields["PPid"])) and "VmRSS" in fields:
            total += int(fields["VmRSS"].split()[0])
    return total


def soak(plan: Plan, folder: Path) -> dict[str, Any]:
    keys, database = folder / "keys.yaml", folder / "ledger.db"
    serve = wiremark(
        *("serve", "--contract", "hermes-tokens", "--port", "0", "--seed", "1"),
        *("--db", str(database), "--credentials-file", str(keys)),
    )
    with children.running(serve, piped=True) as server:
        base_url = children.Output(server).line_with("listening on ", 60)
        given = [
            *("load", "--base-url", str(base_url), "--contract", "hermes-tokens"),
            *("--credentials", str(keys), "--scenario", "disconnects", "--arrivals", "poisson"),
            *("--users", str(USERS)),
        ]
        capacity = _capacity(given, plan, folder / "sweep")
        rate = round(capacity / 2, 2)
        load = wiremark(
            *given, *("--rate", str(rate), "--duration", str(plan.seconds), "--out", str(folder / "out"))
        )
        samples, code = _watched(load, server.pid, plan)
        children.stop(server, 30)
    verify = subprocess.run(wiremark("ledger", "verify", "--db", str(database)), check=False)
    told = json.loads((folder / "out" / "load.json").read_text(encoding="utf-8"))
    growth = {name: _growth(samples, plan, column) for column, name in ((1, "server"), (2, "generator"))}
    return {
        "wiremark": version("wiremark"),
        "python": sys.version.split()[0],
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "seconds": plan.seconds,
        "capacity_per_second": capacity,
        "rate": rate,
        "exit_code": code,
        "ledger_verify": verify.returncode,
        "requests": told["requests"],
        "generator": {name: told["generator"][name] for name in ("valid", "reasons")},
        "audit": told["audit"] and {**told["audit"], "discrepancies": told["audit"]["discrepancies"][:20]},
        "growth": growth,
        "samples": {"columns": ["second", "server_kib", "generator_kib"], "rows": samples},
    }


def _capacity(given: Sequence[str], plan: Plan, out: Path) -> float:
    """The highest rate that meets the SLO, in requests per second."""
    command = wiremark(
        *given, *("--sweep", plan.bounds, "--slo", SLO, "--duration", str(plan.probe), "--out", str(out))
    )
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        raise SystemExit(f"the sweep found no rate that meets {SLO} (exit code {code}); nothing to soak at")
    told = json.loads((out / "load.json").read_text(encoding="utf-8"))
    return float(told["sweep"]["highest_rate"])


def _watched(load: Sequence[str], server: int, plan: Plan) -> tuple[list[list[int]], int]:
    """Seconds, and KiB of both sides, while the load runs; and its exit code."""
    samples: list[list[int]] = []
    began = time.monotonic()
    with children.running(load) as generator:
        while True:
            try:
                return samples, generator.wait(plan.sample)
            except subprocess.TimeoutExpired:
                samples.append([round(time.monotonic() - began), resident(server), resident(generator.pid)])


def _growth(samples: Sequence[Sequence[int]], plan: Plan, column: int) -> dict[str, Any]:
    """KiB once it is warm. The audit at the end reads the whole ledger, which is no leak."""
    warm = [row[column] for row in samples if _WARM * plan.seconds + _START_SECONDS <= row[0] <= plan.seconds]
    if len(warm) < 2:
        return {"kib": None, "flat": False}
    grown = warm[-1] - warm[0]
    return {"from_kib": warm[0], "kib": grown, "flat": grown <= max(_FLAT_KIB, _FLAT_SHARE * warm[0])}


def page(found: dict[str, Any]) -> str:
    """The plot of both sides' memory."""
    rows = found["samples"]["rows"]
    series = {
        name: [(float(row[0]), row[column] / 1024) for row in rows]
        for column, name in ((1, "server"), (2, "generator"))
    }
    chart = plots.lines(f"resident memory at {found['rate']:g} requests per second", series, "s", "MiB")
    return html.shell("wiremark soak", *([chart] if chart is not None else []))


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--probe", type=int, default=10, help="seconds of each rate that the sweep tries")
    parser.add_argument("--bounds", default="20-2000", help="of the sweep, in requests per second")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    out = given.out or (None if given.quick else HERE / "results")
    plan = (
        Plan(20, 2, 1, "5-320")
        if given.quick
        else Plan(round(given.minutes * 60), given.probe, 15, given.bounds)
    )
    with tempfile.TemporaryDirectory(prefix="wiremark-soak-") as folder:
        found = soak(plan, Path(folder))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "soak.json").write_text(json.dumps(found, indent=1) + "\n")
        (out / "soak.html").write_text(page(found))
    print(json.dumps({name: found[name] for name in found if name != "samples"}, indent=1))
    good = not found["exit_code"] and not found["ledger_verify"]
    return 0 if good and all(side["flat"] for side in found["growth"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
