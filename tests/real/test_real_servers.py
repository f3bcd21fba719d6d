"""The suite on software that nobody here wrote: what it finds stays what was triaged by hand.

`reports/real/NAME.json` is the committed run; `reports/real/triage.yaml` says of every finding in
it why it is a true deviation. A new finding must be looked at before it is committed.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import servers
import yaml
from installing import NotAvailableError

FINDINGS = {"fail", "warn", "silent"}
# Two choices race in the engine, and a second may pass between two chunks: found in most runs, not in all.
WOBBLING = {"chat.n.stream.order", "chat.stream.index-zero", "chat.stream.created-constant"}
QUICK = ("llama.cpp", "aimock")
LONG = ("mockllm", "litellm")


def findings(report: Path) -> dict[str, str]:
    results = json.loads(report.read_text(encoding="utf-8"))["results"]
    return {row["requirement"]: row["verdict"] for row in results if row["verdict"] in FINDINGS}


def _judge_again(name: str, folder: Path) -> None:
    server = servers.SERVERS[name]
    try:
        with servers.running(server) as base_url:
            codes = {s: servers.judge(server, base_url, folder / s, s) for s in server.surfaces}
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
@pytest.mark.parametrize("name", QUICK)
def test_findings_are_the_triaged_ones(name: str, tmp_path: Path) -> None:
    _judge_again(name, tmp_path)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", LONG)
def test_findings_of_the_slow_ones_are_the_triaged_ones(name: str, tmp_path: Path) -> None:
    if not servers.SERVERS[name].recipe.installed():
        pytest.skip(f"{name} takes minutes to install; `python tests/real/servers.py judge {name}` does it")
    _judge_again(name, tmp_path)


def test_every_finding_is_triaged() -> None:
    triage = yaml.safe_load((servers.REPORTS / "triage.yaml").read_text(encoding="utf-8"))
    reports = {path.stem: findings(path) for path in sorted(servers.REPORTS.glob("*.json"))}
    assert len(reports) >= 2
    untriaged = {
        (name, requirement)
        for name, found in reports.items()
        for requirement in found
        if requirement not in triage.get(name, {})
    }
    assert not untriaged
    stale = {
        (name, requirement)
        for name, entries in triage.items()
        for requirement in entries
        if requirement not in reports.get(name, {})
    }
    assert not stale
