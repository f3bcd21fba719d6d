"""The demonstration, as `make demo` runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from wiremark_loadtests.demo import demo


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demo_ends_well_and_leaves_one_report(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # As in a checkout: the folder above has settings for pytest that are none of the demo's business.
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\nfilterwarnings = error\n")
    out = tmp_path / "out" / "demo"
    code = demo(["--out", str(out), "--duration", "2"])
    shown = capfd.readouterr().out
    assert code == 0, shown
    for part in ("checks: ", "requests made", "ledger audit: 0 discrepancies", f"report: {out}/report.html"):
        assert part in shown
    for name in ("hermes-tokens", "c0mpute", "apipie", "banana2", "aimlapi"):
        assert f"good  contract {name}: " in shown
        assert json.loads((out / "contracts" / name / "report.json").read_text())["summary"]["ok"] is True
    assert json.loads((out / "load.json").read_text())["audit"]["ok"] is True
    assert json.loads((out / "report.json").read_text())["summary"]["ok"] is True
    keys = ("hermes_pk_", "Bearer h")
    assert not any(key in (out / "report.html").read_text() for key in keys)


def test_the_demo_needs_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "file"
    path.write_text("")
    assert demo(["--out", str(path)]) == 2
    assert "is not a folder" in capsys.readouterr().err
