"""A long run at a steady rate with clients that hang up, its bill audited, the memory of both sides watched.

    python benchmarks/loadgen/soak.py --minutes 30 --rate 60 --out benchmarks/loadgen/results

Written: soak.json, the resident memory of the server and the generator over time, and what the audit said.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from wiremark_loadtests import children
from wiremark_loadtests.demo import wiremark

HERE = Path(__file__).parent
_SAMPLE_SECONDS = 15
_WARM = 0.2  # share of the run after which memory should grow no more


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


def soak(minutes: float, rate: float, folder: Path) -> dict[str, Any]:
    keys = folder / "keys.yaml"
    serve = wiremark(
        *("serve", "--contract", "hermes-tokens", "--port", "0", "--seed", "1"),
        *("--db", str(folder / "ledger.db"), "--credentials-file", str(keys)),
    )
    seconds = round(minutes * 60)
    samples = []
    with children.running(serve, piped=True) as server:
        base_url = children.Output(server).line_with("listening on ", 30)
        load = wiremark(
            *("load", "--base-url", str(base_url), "--contract", "hermes-tokens", "--credentials", str(keys)),
            *("--scenario", "disconnects", "--arrivals", "poisson", "--rate", str(rate), "--users", "200"),
            *("--duration", str(seconds), "--seed", "1", "--out", str(folder / "out")),
        )
        began = time.monotonic()
        with children.running(load) as generator:
            while True:
                try:
                    code = generator.wait(_SAMPLE_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    samples.append(
                        [round(time.monotonic() - began), resident(server.pid), resident(generator.pid)]
                    )
        children.stop(server, 30)
    verify = subprocess.run(wiremark("ledger", "verify", "--db", str(folder / "ledger.db")), check=False)
    told = json.loads((folder / "out" / "load.json").read_text(encoding="utf-8"))
    # The audit at the end reads the whole ledger, which is no leak.
    warm = [sample for sample in samples if _WARM * seconds <= sample[0] <= seconds] or samples[-1:]
    return {
        "wiremark": version("wiremark"),
        "minutes": minutes,
        "rate": rate,
        "exit_code": code,
        "ledger_verify": verify.returncode,
        "requests": told["requests"],
        "generator": {name: told["generator"][name] for name in ("valid", "reasons")},
        "audit": told["audit"] and {**told["audit"], "discrepancies": told["audit"]["discrepancies"][:20]},
        "growth_kib": {"server": warm[-1][1] - warm[0][1], "generator": warm[-1][2] - warm[0][2]},
        "samples": {"columns": ["second", "server_kib", "generator_kib"], "rows": samples},
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--rate", type=float, default=60)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wiremark-soak-") as folder:
        found = soak(given.minutes, given.rate, Path(folder))
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "soak.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps({name: found[name] for name in found if name != "samples"}, indent=1))
    return int(found["exit_code"])


if __name__ == "__main__":
    sys.exit(main())
