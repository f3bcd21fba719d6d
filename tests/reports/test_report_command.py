"""`wiremark report DIR`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from wiremark_reports import writer
from wiremark_reports.commands import report


@pytest.mark.parametrize(
    ("conformance", "load"), [(True, False), (False, True), (True, True)], ids=["report", "load", "both"]
)
def test_the_page_shows_what_is_there(
    conformance: bool,
    load: bool,
    make_report: Any,
    make_load: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if conformance:
        (tmp_path / "report.json").write_text(writer.dump(writer.to_json(make_report())))
    if load:
        (tmp_path / "load.json").write_text(json.dumps(make_load()))
    assert report([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'report.html'}\n"
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ('id="conformance"' in page) is conformance
    assert ('id="load"' in page) is load


def test_wrong_use_is_one_sentence_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "load.json").write_text("{}")
    (tmp_path / "empty").mkdir()
    for directory, said in (
        (tmp_path / "none", "there is no such directory"),
        (tmp_path / "empty", "neither report.json nor load.json is in here"),
        (tmp_path, "expected the key 'wiremark'"),
    ):
        assert report([str(directory)]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("wiremark report: ")
        assert said in captured.err
        assert captured.err.count("\n") == 1
        assert not (directory / "report.html").exists()


def test_a_page_that_cannot_be_written_is_a_sentence(
    make_load: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "load.json").write_text(json.dumps(make_load()))
    (tmp_path / "report.html").mkdir()
    assert report([str(tmp_path)]) == 2
    assert "report.html: cannot be written: " in capsys.readouterr().err


def test_a_missing_argument_ends_with_code_2() -> None:
    with pytest.raises(SystemExit) as ended:
        report([])
    assert ended.value.code == 2
