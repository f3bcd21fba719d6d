"""Zero discrepancies over at least 100,000 requests of which many are cut off anywhere; `make audit-clean`.

    python benchmarks/loadgen/audit_clean.py [--requests 100000] [--users 64] [--out FOLDER]

Load runs on a clean reference server until there were so many requests; each run's bill is audited request by
request. Written: audit_clean.json. Ends with 0 when not one discrepancy was found.
"""

from __future__ import annotations

import argparse
import json
import os
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
_FIRST, _LEAST, _LONGEST = 10, 10, 900  # seconds of a run
_SUMMED = ("receipts", "ledger_rows", "expected_microusd", "charged_microusd")


def prove(requests: int, users: int, folder: Path) -> dict[str, Any]:
    keys, database = folder / "keys.yaml", folder / "ledger.db"
    serve = wiremark(
        *("serve", "--contract", "hermes-tokens", "--port", "0", "--seed", "1"),
        *("--db", str(database), "--credentials-file", str(keys)),
    )
    began = time.monotonic()
    found: dict[str, Any] = dict.fromkeys((*_SUMMED, "cut", "runs", "discrepancies"), 0)
    seconds = _FIRST
    with children.running(serve, piped=True) as server:
        base_url = children.Output(server).line_with("listening on ", 60)
        while found["receipts"] < requests:
            out = folder / str(found["runs"])
            command = wiremark(
                *("load", "--base-url", str(base_url), "--contract", "hermes-tokens"),
                *("--credentials", str(keys), "--scenario", "disconnects", "--users", str(users)),
                *("--duration", str(seconds), "--seed", str(1 + found["runs"]), "--out", str(out)),
            )
            subprocess.run(command, check=False)
            load = json.loads((out / "load.json").read_text(encoding="utf-8"))
            audit = load["audit"]
            if audit is None:
                raise SystemExit("the audit was not possible")
            found["runs"] += 1
            found["cut"] += load["requests"]["cut"]
            found["discrepancies"] += len(audit["discrepancies"])
            for name in _SUMMED:
                found[name] += audit[name]
            rate = load["requests"]["started"] / load["seconds"]
            left = 1.1 * (requests - found["receipts"])
            seconds = min(_LONGEST, max(_LEAST, round(left / max(1.0, rate))))
        children.stop(server, 30)
    verify = subprocess.run(wiremark("ledger", "verify", "--db", str(database)), check=False)
    return {
        "wiremark": version("wiremark"),
        "python": sys.version.split()[0],
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "seconds": round(time.monotonic() - began),
        "ledger_verify": verify.returncode,
        **found,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=64)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wiremark-audit-") as folder:
        found = prove(given.requests, given.users, Path(folder))
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "audit_clean.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    return 1 if found["discrepancies"] or found["ledger_verify"] else 0


if __name__ == "__main__":
    sys.exit(main())
