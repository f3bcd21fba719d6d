"""Reports to render, built by factories so that a test says only what it is about."""

from __future__ import annotations

from typing import Any, Protocol

import pytest
from wiremark_reports.record import Deviation, Evidence, Report, Result, Verdict


class MakeResult(Protocol):
    def __call__(self, requirement: str = ..., verdict: Verdict = ..., **changes: Any) -> Result: ...


class MakeReport(Protocol):
    def __call__(self, *results: Result, **changes: Any) -> Report: ...


class MakeLoad(Protocol):
    def __call__(self, **changes: Any) -> dict[str, Any]: ...


@pytest.fixture
def deviation() -> Deviation:
    return Deviation("chat.done", "the vendor knows", "ops", "2026-12-31", "https://example.com/42")


@pytest.fixture
def evidence() -> Evidence:
    return Evidence("chat.plain", "POST /v1/chat/completions", "HTTP/1.1 200 OK\r\n\r\n{}", "curl …")


@pytest.fixture
def make_result() -> MakeResult:
    def make(requirement: str = "chat.done", verdict: Verdict = Verdict.PASS, **changes: Any) -> Result:
        values: dict[str, Any] = {
            "requirement": requirement,
            "level": "MUST",
            "verdict": verdict,
            "area": requirement.partition(".")[0],
            "text": "The stream ends with [DONE].",
            "source_kind": "spec",
            "source_ref": "https://example.com/spec",
        }
        return Result(**(values | changes))

    return make


@pytest.fixture
def make_report() -> MakeReport:
    def make(*results: Result, **changes: Any) -> Report:
        values: dict[str, Any] = {
            "version": "0.1.0",
            "base_url": "http://127.0.0.1:8000/v1",
            "contract": "openai",
            "model": "m",
            "roles": ("default", "revoked"),
            "started": "2026-11-21T14:33:25Z",
            "seconds": 4.25,
            "requests": 47,
            "results": results,
        }
        return Report(**(values | changes))

    return make


@pytest.fixture
def make_load() -> MakeLoad:
    def make(**changes: Any) -> dict[str, Any]:
        latency = {"count": 9, "mean": 21.0, "p50": 20.0, "p90": 40.0, "p99": 80.0, "max": 99.5}
        document: dict[str, Any] = {
            "wiremark": "load/1",
            "tool": {"name": "wiremark", "version": "0.1.0"},
            "target": {"base_url": "http://127.0.0.1:8000/v1", "contract": "openai", "model": "m"},
            "started": "2026-11-21T14:35:00Z",
            "seconds": 30.25,
            "users": 20,
            "seed": 7,
            "requests": {"started": 12, "ok": 9, "refused": 1, "cut": 1, "failed": 1, "per_second": 0.4},
            "latency_ms": {"time_to_first_token": latency, "inter_token": latency, "end_to_end": latency},
            "tokens": {"input": 54000, "output": 72000, "output_per_second": 2384.125},
            "errors": {"rate_limited": 1},
            "audit": {
                "receipts": 9,
                "ledger_rows": 9,
                "expected_microusd": 854321,
                "charged_microusd": 854321,
                "discrepancies": [],
                "ok": True,
            },
        }
        return document | changes

    return make
