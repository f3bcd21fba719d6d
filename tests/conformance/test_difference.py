"""Reports beside each other: the document, key by key."""

from __future__ import annotations

import pytest
from wiremark_conformance.comparing.difference import document
from wiremark_conformance.version import version
from wiremark_reports.figures import tally
from wiremark_reports.record import Report, Result, Verdict


def _result(name: str, verdict: Verdict, message: str = "") -> Result:
    return Result(name, "MUST", verdict, "chat", f"{name} holds.", "spec", "x", message)


def _report(*results: Result, url: str = "http://a/v1", model: str | None = "m") -> Report:
    return Report("0", url, "generic", model, (), "2026-01-01T00:00:00Z", 1.0, 3, results)


def test_the_document_is_whole() -> None:
    met, broken = _result("chat.id", Verdict.PASS), _result("chat.id", Verdict.FAIL, "It is not.")
    one = _report(met, _result("chat.model", Verdict.PASS))
    two = _report(_result("chat.n", Verdict.WARN, "One."), broken, url="http://b/v1", model=None)
    found = {
        name: {"id": name, "level": "MUST", "area": "chat", "text": f"{name} holds."}
        for name in ("chat.id", "chat.model", "chat.n")
    }
    passed, failed = {"verdict": "pass", "message": ""}, {"verdict": "fail", "message": "It is not."}
    assert document(["a", "b"], [one, two]) == {
        "wiremark": "comparison/1",
        "version": version(),
        "sources": [
            {
                "name": "a",
                "base_url": "http://a/v1",
                "contract": "generic",
                "model": "m",
                "started": "2026-01-01T00:00:00Z",
                "verdicts": {key.value: number for key, number in tally(one.results).items()},
            },
            {
                "name": "b",
                "base_url": "http://b/v1",
                "contract": "generic",
                "model": None,
                "started": "2026-01-01T00:00:00Z",
                "verdicts": {key.value: number for key, number in tally(two.results).items()},
            },
        ],
        "summary": {"requirements": 3, "differ": 1},
        "requirements": [
            {**found["chat.id"], "differs": True, "found": [passed, failed]},
            {**found["chat.model"], "differs": False, "found": [passed, None]},
            {**found["chat.n"], "differs": False, "found": [None, {"verdict": "warn", "message": "One."}]},
        ],
    }


def test_every_report_has_a_name() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        document(["a", "b"], [_report()])
