"""Whether one run is worse than another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from wiremark_loadtests import comparing

TIMES = {"count": 9, "mean": 10.0, "p50": 10.0, "p90": 20.0, "p99": 30.0, "max": 40.0}
WRONG = {"kind": "wrong-amount", "request_id": "r", "message": "m"}
AUDIT = {
    "receipts": 1,
    "ledger_rows": 1,
    "expected_microusd": 1,
    "charged_microusd": 2,
    "ok": False,
    "discrepancies": [WRONG | {"expected_microusd": 1, "charged_microusd": 2}],
}


def _latency(**changes: float) -> dict[str, Any]:
    return {
        "time_to_first_token": TIMES,
        "inter_token": TIMES,
        "end_to_end": TIMES | changes,
    }


CASES: dict[str, tuple[dict[str, Any], int, str]] = {
    "the same": ({}, 0, "B is no worse than A"),
    "within the tolerance": ({"latency_ms": _latency(p99=32.0)}, 0, "B is no worse"),
    "slower": ({"latency_ms": _latency(p99=34.0)}, 1, "end to end, p99: 30, then 34 (+13.3 %)"),
    "faster": ({"latency_ms": _latency(p99=20.0)}, 0, "better"),
    "fewer tokens": (
        {"tokens": {"input": 1, "output": 1, "output_per_second": 0.1}},
        1,
        "output tokens per second",
    ),
    "new errors": ({"errors": {"rate_limited": 1, "http-500": 2}}, 1, "not there before: http-500 x2"),
    "another bill": ({"audit": AUDIT}, 1, "the bill does not add up: 1 discrepancies"),
    "other users": ({"users": 21}, 3, "users differs: 20, then 21"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_regression_is_named(
    case: str, load_json: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, code, message = CASES[case]
    for name, change in (("a", {}), ("b", changes)):
        (tmp_path / name).mkdir()
        document = load_json(**({"latency_ms": _latency()} | change))
        (tmp_path / name / "load.json").write_text(json.dumps(document))
    paths = [str(tmp_path / "a"), str(tmp_path / "b" / "load.json")]
    assert comparing.compare(paths) == code
    assert message in capsys.readouterr().out
    assert comparing.compare([*paths, "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert bool(told["worse"]) == (code == 1)


def test_what_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert comparing.compare([str(tmp_path), str(tmp_path)]) == 2
    assert "load.json" in capsys.readouterr().err
