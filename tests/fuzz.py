"""Generated requests against the reference server over a socket; `make fuzz`.

    python tests/fuzz.py [--requests 20000] [--contract openai] [--seed N]

Ends with 0 when none of the requests was answered with a 5xx or a broken connection, and every property
held; else with 1. Prints the seed: the same seed sends the same requests.
"""

from __future__ import annotations

import argparse
import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wiremark_conformance.properties import PROPERTIES
from wiremark_loadtests import children
from wiremark_schemas import contracts

START_SECONDS = 60
_CLI = (sys.executable, "-m", "wiremark_conformance.cli")


@contextmanager
def server(contract: str, folder: Path) -> Iterator[str]:
    """A reference server process; its base URL."""
    arguments = ("--contract", contract, "--port", "0", "--profile", "instant", "--seed", "1")
    files = ("--db", str(folder / "ledger.db"), "--credentials-file", str(folder / "keys.yaml"))
    with children.running([*_CLI, "serve", *arguments, *files], piped=True) as process:
        output = children.Output(process)
        url = output.line_with("listening on ", START_SECONDS)
        if url is None:
            raise SystemExit("\n".join(["the reference server did not start:", *output.last]))
        yield url


def run(contract: str, requests: int, seed: int) -> int:
    """Judge the properties of one contract; the exit code."""
    claimed = contracts.load(contract).claimed
    offered = [found for found in PROPERTIES.values() if found.surface.capability in claimed]
    examples = -(-requests // len(offered))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server(contract, folder) as url:
            options = ("--base-url", url, "--contract", contract, "--credentials", str(folder / "keys.yaml"))
            chosen = ("-k", "properties", "--examples", str(examples), "--seed", str(seed), "--out", name)
            done = subprocess.run([*_CLI, "check", *options, *chosen], check=False)
        report = json.loads((folder / "report.json").read_text())
    print(
        f"{contract}: {report['requests']:,} requests of {len(offered)} properties, seed {seed},"
        f" {report['seconds']:.0f} s, exit {done.returncode}"
    )
    return done.returncode


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=20_000, help="of all properties together")
    parser.add_argument("--contract", default="openai")
    parser.add_argument("--seed", type=int, default=1 + secrets.randbelow(10**6))
    given = parser.parse_args()
    return run(given.contract, given.requests, given.seed)


if __name__ == "__main__":
    sys.exit(main())
