"""A whole run of every format, recorded and judged again: the same report, whatever was found."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from wiremark_conformance import recorded
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.replay import passive
from wiremark_conformance.requirement import load_register
from wiremark_conformance.verdicts import Facts, Verdicts, once
from wiremark_conformance.version import version
from wiremark_reports import writer
from wiremark_schemas.contracts import Contract

NAME = "every-format"
# What the server does that its contract does not promise: findings of every format.
CHANGES = {
    "/auth/schemes": ["bearer"],
    "/dialect_errors/anthropic": {"unknown_model": {"status": 400, "type": "model_not_found", "code": None}},
    "/operations/embeddings.create": None,
}
# All but what takes bodies of 20 MB.
WANTED = [requirement.id for requirement in load_register() if "limits.body" not in requirement.id]


@pytest.mark.slow
def test_the_recording_of_every_format_gives_the_same_report(
    tmp_path: Path, judged: Any, altered: Callable[[str, Mapping[str, Any]], Contract]
) -> None:
    evidence = judged(altered(NAME, CHANGES), held_to=NAME, only=WANTED).evidence
    facts = Facts(version(), evidence.target, "2026-01-01T00:00:00Z", 1.5, len(evidence.exchanges))
    live = Verdicts(evidence, {}, date(2026, 1, 1), once)
    for requirement in load_register():
        live.conclude(requirement.id)
    recorded.write(tmp_path / "run.ndjson", facts, live, {})

    report = facts.report(live.conclusions)
    found = Counter(result.verdict.value for result in report.results)
    assert found["fail"] > 10
    assert found["pass"] > 800
    assert writer.to_json(recorded.read(tmp_path / "run.ndjson").report) == writer.to_json(report)
    text = (tmp_path / "run.ndjson").read_bytes()
    assert [role for role, key in evidence.target.credentials.keys.items() if key.encode() in text] == []


def _entry(exchange: Exchange) -> dict[str, Any]:
    """The exchange as a browser keeps it."""
    asked, body = exchange.request, exchange.content
    request: dict[str, Any] = {"method": asked.method, "url": f"https://api.example.com{asked.target}"}
    if asked.body:
        request["postData"] = {"text": asked.body.decode()}
    content = {"size": len(body), "text": base64.b64encode(body).decode(), "encoding": "base64"}
    response: dict[str, Any] = {"status": exchange.status, "content": content}
    for document, headers in ((request, asked.headers), (response, exchange.headers)):
        document["headers"] = [{"name": name, "value": value} for name, value in headers]
    return {"request": request, "response": response}


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return len(data) < 100_000


@pytest.mark.slow
def test_a_har_of_a_good_endpoint_has_no_findings(tmp_path: Path, judged: Any) -> None:
    """Every question of the suite as one of another client: no check may take it for its own."""
    exchanges = judged(NAME, only=WANTED).evidence.exchanges.values()
    entries = [_entry(exchange) for exchange in exchanges if _is_text(exchange.request.body)]
    path = tmp_path / "run.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    results = passive.read(path, NAME, None, None).report.results
    found = Counter(result.verdict.value for result in results)
    assert [r.requirement for r in results if r.verdict.value in {"fail", "warn", "harness-error"}] == []
    assert found["pass"] > 250
    assert len(entries) > 300
