"""A whole run of every format, recorded and judged again: the same report, whatever was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from wiremark_conformance import recorded
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


@pytest.mark.slow
def test_the_recording_of_every_format_gives_the_same_report(
    tmp_path: Path, judged: Any, altered: Callable[[str, Mapping[str, Any]], Contract]
) -> None:
    evidence = judged(altered(NAME, CHANGES), held_to=NAME).evidence
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
