"""`wiremark demo`: the main job, end to end, on a real gateway process over real sockets.

A reference server is started, the conformance suite is run against it by the pytest plugin, a load is
driven through it and its bill audited, it is stopped, its ledger is verified on disk, and all of it ends
in one HTML report. Then one process serves every system and each is held to its contract. Every step is
the command that a user would type.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wiremark_schemas import contracts

from wiremark_loadtests import children
from wiremark_loadtests.arguments import whole_seconds

_CONTRACT = "hermes-tokens"
_SYSTEMS = ("hermes-tokens", "c0mpute", "apipie", "banana2", "aimlapi")
_USERS = 20
_SECONDS = 8
_SEED = 1
_PROFILE = "8b-h100"  # tokens come at a real engine's pace, so that the times mean something
_START_SECONDS = 30.0
_SUITE_SECONDS = 120.0
_LOAD_SECONDS = 120.0  # beyond the load itself: drain, audit, report
_VERIFY_SECONDS = 30.0
_STOP_SECONDS = 20.0
_LISTENING = "listening on "
_WIREMARK = "import sys; from wiremark_conformance.cli import main; sys.exit(main())"


@dataclass(frozen=True, slots=True)
class Step:
    """How one step ended; `good` also says whether the demo may end well."""

    name: str
    good: bool
    detail: str


def wiremark(*words: str) -> list[str]:
    """The command line of `wiremark …`, whether or not its script is on the PATH."""
    return [sys.executable, "-c", _WIREMARK, *words]


def demo(argv: Sequence[str]) -> int:
    """Run the demonstration; return 0 when all of it went well, 1 otherwise, 2 for wrong use."""
    parser = argparse.ArgumentParser(prog="wiremark demo", description="The main job, end to end.")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), metavar="DIR", help="default: out/demo")
    parser.add_argument(
        "--duration", type=whole_seconds, default=_SECONDS, metavar="SECONDS", help="of the load; default: 8"
    )
    options = parser.parse_args(argv)
    out: Path = options.out.resolve()
    if out.exists() and not out.is_dir():
        print(f"wiremark: {out} is not a folder; name a folder for the report by --out", file=sys.stderr)
        return 2
    out.mkdir(parents=True, exist_ok=True)
    for stale in ("report.json", "load.json", "report.html", "junit.xml"):
        (out / stale).unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="wiremark-demo-") as scratch:
        steps = _run(out, Path(scratch), options.duration) + _systems(out / "contracts", Path(scratch))
    return _conclude(steps, out)


def _run(out: Path, scratch: Path, seconds: int) -> list[Step]:
    database, keys = scratch / "ledger.db", scratch / "keys.yaml"
    serve = wiremark(
        *("serve", "--contract", _CONTRACT, "--port", "0", "--db", str(database)),
        *("--credentials-file", str(keys), "--seed", str(_SEED), "--profile", _PROFILE),
    )
    with children.running(serve, piped=True) as server:
        output = children.Output(server)
        base_url = output.line_with(_LISTENING, _START_SECONDS)
        if base_url is None:
            return [Step("server", False, "did not start:\n" + "\n".join(output.last))]
        print(f"server: listening on {base_url} (contract {_CONTRACT}, seed {_SEED})", flush=True)
        steps = [_suite("checks", _CONTRACT, base_url, keys, out), _load(base_url, keys, out, seconds)]
        code = children.stop(server, _STOP_SECONDS)
        steps.append(Step("server", code == 0, f"stopped with exit code {code}"))
    steps.append(_verify(database))
    return steps


def _systems(out: Path, scratch: Path) -> list[Step]:
    """Every system, served by one process, held to its contract."""
    keys = scratch / "systems.yaml"
    serve = wiremark(
        *("serve", "--contract", ",".join(_SYSTEMS), "--port", "0", "--seed", str(_SEED)),
        *("--db", str(scratch / "systems.db"), "--credentials-file", str(keys)),
    )
    with children.running(serve, piped=True) as server:
        output = children.Output(server)
        origin = output.line_with(_LISTENING, _START_SECONDS)
        if origin is None:
            return [Step("contracts", False, "did not start:\n" + "\n".join(output.last))]
        steps = [
            _suite(
                f"contract {name}",
                name,
                f"{origin}/{name}{contracts.load(name).base_path}",
                keys.with_name(f"{keys.stem}.{name}{keys.suffix}"),
                out / name,
            )
            for name in _SYSTEMS
        ]
        children.stop(server, _STOP_SECONDS)
    return steps


def _suite(step: str, contract: str, base_url: str, keys: Path, out: Path) -> Step:
    """The conformance suite, run by pytest from an empty folder: no project's settings reach it."""
    with tempfile.TemporaryDirectory(prefix="wiremark-demo-") as empty:
        code = _call(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *(f"--base-url={base_url}", f"--wiremark-contract={contract}"),
                *(f"--wiremark-credentials={keys}", f"--wiremark-report={out}"),
            ],
            _SUITE_SECONDS,
            folder=Path(empty),
        )
    report = _read(out / "report.json")
    if report is None:
        return Step(step, False, f"pytest ended with exit code {code} and wrote no report")
    verdicts = ", ".join(f"{count} {name}" for name, count in report["summary"]["verdicts"].items() if count)
    return Step(step, code == 0, f"{verdicts}; {report['requests']} requests made")


def _load(base_url: str, keys: Path, out: Path, seconds: int) -> Step:
    code = _call(
        wiremark(
            *("load", "--base-url", base_url, "--contract", _CONTRACT, "--credentials", str(keys)),
            *("--users", str(_USERS), "--duration", str(seconds), "--seed", str(_SEED), "--out", str(out)),
        ),
        seconds + _LOAD_SECONDS,
    )
    load = _read(out / "load.json")
    if load is None:
        return Step("load", False, f"ended with exit code {code} and wrote no report")
    audit = load["audit"]
    found = "was not possible" if audit is None else f"{len(audit['discrepancies'])} discrepancies"
    sums = (
        "" if audit is None else f" in {audit['receipts']} receipts, {audit['charged_microusd']} µUSD charged"
    )
    detail = f"{load['requests']['started']} requests made; ledger audit: {found}{sums}"
    return Step("load", code == 0 and audit is not None, detail)


def _verify(database: Path) -> Step:
    code = _call(wiremark("ledger", "verify", "--db", str(database)), _VERIFY_SECONDS)
    return Step("ledger", code == 0, "every invariant holds" if code == 0 else f"verify: exit code {code}")


def _call(command: Sequence[str], seconds: float, folder: Path | None = None) -> int | None:
    """Run a command to its end; None when it took longer than `seconds` and was stopped."""
    with children.running(command, folder=folder) as child:
        try:
            return child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _conclude(steps: Sequence[Step], out: Path) -> int:
    print("\nwiremark demo")
    for step in steps:
        print(f"  {'good' if step.good else 'BAD '}  {step.name}: {step.detail}")
    page = out / "report.html"
    if page.exists():
        print(f"report: {page}")
    return 0 if all(step.good for step in steps) and page.exists() else 1
