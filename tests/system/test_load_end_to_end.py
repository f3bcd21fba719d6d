"""A real gateway under a real load, its bill audited."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
from wiremark_loadtests import children, commands
from wiremark_loadtests.demo import wiremark
from wiremark_loadtests.traffic.arrivals import drawn
from wiremark_loadtests.traffic.stages import parse
from wiremark_schemas.explain import violations
from wiremark_schemas.registry import validator


@dataclass(frozen=True)
class Served:
    base_url: str
    credentials: Path


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    keys = folder / "keys.yaml"
    command = wiremark(
        *("serve", "--contract", "hermes-tokens", "--port", "0", "--seed", "1"),
        *("--db", str(folder / "ledger.db"), "--credentials-file", str(keys)),
    )
    with children.running(command, piped=True) as server:
        output = children.Output(server)
        base_url = output.line_with("listening on ", 30)
        assert base_url is not None, list(output.last)
        yield Served(base_url, keys)
        assert children.stop(server, 20) == 0, list(output.last)


def _load(served: Served, contract: str, out: Path, seconds: int) -> int:
    return commands.load(
        [
            *(
                "--base-url",
                served.base_url,
                "--contract",
                contract,
                "--credentials",
                str(served.credentials),
            ),
            *("--users", "5", "--duration", str(seconds), "--seed", "2", "--out", str(out)),
        ]
    )


def test_a_clean_server_has_no_discrepancy(served: Served, tmp_path: Path) -> None:
    assert _load(served, "hermes-tokens", tmp_path, 3) == 0
    load = json.loads((tmp_path / "load.json").read_text())
    assert violations(validator("meta/load-report"), load) == []
    requests, audit = load["requests"], load["audit"]
    assert requests["started"] == requests["ok"] == audit["receipts"] > 0
    assert audit["discrepancies"] == []
    assert audit["expected_microusd"] == audit["charged_microusd"] > 0
    counted = {name: found["count"] for name, found in load["latency_ms"].items()}
    assert counted["inter_token"] > counted["end_to_end"] >= counted["time_to_first_token"] > 0


def test_a_price_that_is_a_cent_off_in_a_million_tokens_is_found(served: Served, tmp_path: Path) -> None:
    """The ledger is held to another price than the one served: what a wrong price table looks like.

    Half a µUSD a request and more at these prompts: every second charge rounds to another number.
    """
    bundled = (
        files("wiremark_schemas").joinpath("contracts", "hermes-tokens.yaml").read_text(encoding="utf-8")
    )
    altered = tmp_path / "altered.yaml"
    altered.write_text(bundled.replace("input_per_million: 140000", "input_per_million: 150000"))
    assert _load(served, str(altered), tmp_path, 1) == 1
    audit = json.loads((tmp_path / "load.json").read_text())["audit"]
    found = audit["discrepancies"]
    assert {entry["kind"] for entry in found} == {"wrong-amount"}
    short = [entry["expected_microusd"] - entry["charged_microusd"] for entry in found]
    assert min(short) > 0
    assert sum(short) == audit["expected_microusd"] - audit["charged_microusd"]
    assert all(entry["request_id"] for entry in found)


@pytest.mark.slow
def test_workers_hand_every_receipt_to_the_master(served: Served, tmp_path: Path) -> None:
    """Locust's own command line on the same file, with two worker processes."""
    entry = files("wiremark_loadtests").joinpath("entry", "locustfile.py")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [
        *(sys.executable, "-m", "locust", "-f", str(entry), "--headless", "--only-summary"),
        *("--processes", "2", "--skip-log-setup", "--host", served.base_url),
        *("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port),
        *("--users", "4", "--spawn-rate", "4", "--run-time", "2s"),
        *("--wiremark-contract", "hermes-tokens", "--wiremark-credentials", str(served.credentials)),
        *("--wiremark-report", str(tmp_path)),
    ]
    with children.running(command) as locust:
        try:
            code = locust.wait(timeout=60)
        except subprocess.TimeoutExpired:
            pytest.fail("the distributed run did not end")
    assert code == 0
    load = json.loads((tmp_path / "load.json").read_text())
    assert load["requests"]["started"] == load["audit"]["receipts"] == load["audit"]["ledger_rows"] > 0


def test_an_open_loop_sends_what_is_due_and_counts_from_then(served: Served, tmp_path: Path) -> None:
    argv = ["--base-url", served.base_url, "--contract", "hermes-tokens", "--seed", "2"]
    argv += ["--credentials", str(served.credentials), "--out", str(tmp_path), "--users", "20"]
    assert commands.load([*argv, "--arrivals", "poisson", "--stages", "10-40@2"]) == 0
    load = json.loads((tmp_path / "load.json").read_text())
    assert load["demand"]["stages"] == [[10.0, 40.0, 2.0]]
    planned = list(drawn("poisson", parse("10-40@2"), seed=2))
    assert load["requests"]["started"] + load["requests"]["unsent"] == len(planned)
    assert load["requests"]["started"] > 0
    assert load["latency_ms"]["queueing"]["count"] == load["requests"]["ok"]
    assert load["audit"]["ok"]


def test_a_closed_loop_follows_its_stages(served: Served, tmp_path: Path) -> None:
    argv = ["--base-url", served.base_url, "--contract", "hermes-tokens", "--seed", "2"]
    argv += ["--credentials", str(served.credentials), "--out", str(tmp_path)]
    assert commands.load([*argv, "--stages", "1@1,3@1", "--slo", "e2e=60000"]) == 0
    load = json.loads((tmp_path / "load.json").read_text())
    assert (load["users"], load["generator"]["workers"][0]["peak"]) == (3, 3)
    assert load["goodput"]["share"] == 1.0
    slots = load["timeline"]["slots"]
    assert sum(slot["started"] for slot in slots) == load["requests"]["started"]
    assert sum(slot["ok"] for slot in slots) == load["requests"]["ok"]


def test_the_readme_s_two_hosts_work(served: Served, tmp_path: Path) -> None:
    """A master at one address and workers that know nothing but it, as on several machines."""
    with socket.create_server(("127.0.0.2", 0)) as free:
        port = str(free.getsockname()[1])
    master = wiremark(
        *("load", "--master", "127.0.0.2", "--master-port", port, "--workers", "2"),
        *(
            "--base-url",
            served.base_url,
            "--contract",
            "hermes-tokens",
            "--credentials",
            str(served.credentials),
        ),
        *("--arrivals", "poisson", "--rate", "20", "--users", "10", "--duration", "2", "--seed", "3"),
        *("--out", str(tmp_path)),
    )
    worker = wiremark("load", "--worker", f"127.0.0.2:{port}")
    late = {**os.environ, "WIREMARK_CLOCK_OFFSET": "-3600"}
    with children.running(master) as running, children.running(worker), children.running(worker, late):
        assert running.wait(timeout=90) == 0
    load = json.loads((tmp_path / "load.json").read_text())
    behind = sorted(worker["behind_ms"] for worker in load["generator"]["workers"])
    assert (behind[0], round(behind[1], -5)) == (0, 3_600_000)  # and put right
    assert all(worker["requests"] for worker in load["generator"]["workers"])
    planned = list(drawn("poisson", parse("20@2"), seed=3))
    assert load["requests"]["started"] + load["requests"]["unsent"] == len(planned)
    assert load["requests"]["started"] == load["audit"]["receipts"] > 0
    assert load["audit"]["ok"]


def test_sweep_finds_a_rate_and_compare_holds_runs_against_it(served: Served, tmp_path: Path) -> None:
    given = ["--base-url", served.base_url, "--contract", "hermes-tokens", "--seed", "2", "--users", "20"]
    given += ["--credentials", str(served.credentials), "--slo", "e2e=60000", "--duration", "1"]
    assert commands.load([*given, "--sweep", "2-4", "--out", str(tmp_path / "a")]) == 0
    load = json.loads((tmp_path / "a" / "load.json").read_text())
    assert load["sweep"]["highest_rate"] == 4
    assert [probe["rate"] for probe in load["sweep"]["probes"]] == [2, 4]
    assert commands.load(["compare", str(tmp_path / "a"), str(tmp_path / "a")]) in {0, 3}
