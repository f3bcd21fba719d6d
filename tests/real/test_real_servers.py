"""The suite on software that nobody here wrote: what it finds stays what was triaged by hand.

`reports/real/NAME.json` is the committed run; `reports/real/triage.yaml` says of every finding in
it why it is a true deviation. A new finding must be looked at before it is committed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import server_table as table
import servers
from installing import NotAvailableError
from recipes import SERVERS

FINDINGS = {"fail", "warn", "silent"}
# Two choices race in the engine, and a second may pass between two chunks: found in most runs, not in all.
WOBBLING = {"chat.n.stream.order", "chat.stream.index-zero", "chat.stream.created-constant"}
# In every test run; all surfaces of all servers with WIREMARK_LONG=1.
QUICK = (
    ("llama.cpp", ("chat", "completions")),
    ("llama.cpp-vectors", ("embeddings",)),
    ("aimock", ("gemini",)),
)


def findings(report: Path) -> dict[str, str]:
    results = json.loads(report.read_text(encoding="utf-8"))["results"]
    return {row["requirement"]: row["verdict"] for row in results if row["verdict"] in FINDINGS}


def _judge_again(name: str, surfaces: tuple[str, ...], folder: Path) -> None:
    server = SERVERS[name]
    try:
        with servers.running(server) as started:
            codes = {surface: servers.judge(started, folder / surface, surface) for surface in surfaces}
    except NotAvailableError as reason:
        pytest.skip(str(reason))
    for surface, code in codes.items():
        assert code in {0, 1}, f"the suite could not judge the {surface} of {name}"
        kept = servers.REPORTS / f"{servers.report_name(server, surface)}.json"
        now, committed = findings(folder / surface / "report.json"), findings(kept)
        assert {key: now[key] for key in now.keys() - WOBBLING} == {
            key: committed[key] for key in committed.keys() - WOBBLING
        }


@pytest.mark.real
@pytest.mark.timeout(400)
@pytest.mark.parametrize(("name", "surfaces"), QUICK, ids=[name for name, _ in QUICK])
def test_findings_are_the_triaged_ones(name: str, surfaces: tuple[str, ...], tmp_path: Path) -> None:
    _judge_again(name, surfaces, tmp_path)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", SERVERS)
def test_all_findings_of_all_servers_are_the_triaged_ones(name: str, tmp_path: Path) -> None:
    if not os.environ.get("WIREMARK_LONG"):
        pytest.skip("every surface of every server takes minutes; `make real-test` judges them all again")
    _judge_again(name, SERVERS[name].surfaces, tmp_path)


def test_every_surface_of_five_servers_is_judged() -> None:
    wanted = {
        servers.report_name(server, surface) for server in SERVERS.values() for surface in server.surfaces
    }
    assert {path.stem for path in servers.REPORTS.glob("*.json")} == wanted
    assert len({server.home for server in SERVERS.values()}) >= 5


def test_every_finding_is_triaged() -> None:
    triage = table.triage()
    reports = {path.stem: findings(path) for path in servers.REPORTS.glob("*.json")}
    assert triage.keys() == reports.keys()
    told = {(name, key) for name, entry in triage.items() for key in entry["findings"] if key not in WOBBLING}
    found = {(name, key) for name, keys in reports.items() for key in keys if key not in WOBBLING}
    assert told == found


def test_a_deviation_that_is_known_upstream_names_the_thread() -> None:
    entries = [why for entry in table.triage().values() for why in entry["findings"].values()]
    threads = [why["issue"] for why in entries if isinstance(why, dict)]
    assert len(threads) >= 10
    assert all(
        thread.startswith("https://github.com/") and thread.rsplit("/", 2)[1] in {"issues", "pull"}
        for thread in threads
    )


def test_the_readme_has_the_table_of_the_committed_reports() -> None:
    page = table.README.read_text(encoding="utf-8")
    assert table.rewritten(page) == page, "`make real-table` writes it anew"
