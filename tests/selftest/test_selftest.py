"""The quick self-test, as CI runs it, and how its command speaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from wiremark_conformance.judge import CHECKS
from wiremark_conformance.selftest import commands, subject
from wiremark_conformance.selftest.commands import selftest
from wiremark_conformance.selftest.names import chosen
from wiremark_conformance.selftest.plan import plan
from wiremark_reports.reader import check


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_quick_form_finds_no_hole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told, page = tmp_path / "matrix.json", tmp_path / "matrix.html"
    code = selftest(["--quick", "--json", str(told), "--html", str(page)])
    shown = capsys.readouterr().out
    assert code == 0, shown
    document = json.loads(told.read_text())
    check(document, "meta/selftest", "the matrix")
    summary = document["summary"]
    assert summary["detected"] == summary["faults"] > 40
    assert summary["false_alarms"] == 0
    assert document["complete"] is False
    assert document["faults"][0]["name"] in page.read_text()


def test_one_fault_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert selftest(["--only", "chat.stream.done-missing", "--workers", "1"]) == 0
    shown = capsys.readouterr().out
    assert "chat.stream.done-missing → chat.stream.done" in shown
    assert "chat.stream.done is proven by chat.stream.done-missing" in shown


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--only", "chat.stream.done-mising"], "chat.stream.done-missing"),
        (["--only", "CHAT.stream.done-missin"], "chat.stream.done-missing"),
        (["--only", "chat.stream.cut, no.such.*"], "there is no fault or variant 'no.such.*'"),
        (["--only", "zzzzzzzz"], "no fault or variant 'zzzzzzzz'; `wiremark faults` lists what there is"),
        (["--only", ""], "no fault or variant is named"),
        (["--only", " , "], "no fault or variant is named"),
    ],
)
def test_an_unknown_name_lists_the_nearest(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert selftest(argv) == 2
    assert said in capsys.readouterr().err


def test_a_requirement_without_a_check_is_told_before_anything_is_tried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = {name: check for name, check in CHECKS.items() if name != "chat.stream.done"}
    monkeypatch.setattr(commands, "CHECKS", left)
    assert selftest(["--only", "chat.stream.done-missing"]) == 1
    assert "no check judges chat.stream.done; nothing can prove it" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--json", "--html"])
def test_a_place_that_cannot_be_written_to_is_refused_before_anything_is_tried(
    flag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file" / "matrix"):
        assert selftest([flag, str(place)]) == 2
        told = capsys.readouterr()
        assert told.err.startswith(f"wiremark selftest: cannot write {tmp_path}")
        assert told.out == ""


def test_names_may_be_patterns_with_spaces_around() -> None:
    catalogue = subject.load().catalogue()
    names = chosen(catalogue, ["chat.stream.done-missing, chat.stream.done-*", "wire.sse.retry"])
    assert names[0] == "chat.stream.done-missing"
    assert names[-1] == "wire.sse.retry"
    assert len(names) == len(set(names)) > 5
    assert chosen(catalogue, []) == ()


@pytest.mark.parametrize("rate", ["2", "-1", "often", "nan"])
def test_a_rate_is_a_share(rate: str) -> None:
    with pytest.raises(SystemExit) as ended:
        selftest([f"--variants={rate}"])
    assert ended.value.code == 2


def test_the_catalogue_keeps_its_schema_and_is_large_enough() -> None:
    catalogue = subject.load().catalogue()
    check(catalogue, "meta/faults", "the catalogue")
    assert len(catalogue["faults"]) >= 500
    assert len(catalogue["variants"]) >= 60
    todo = plan(catalogue, seed=1, rate=0.05)
    assert len(todo.faults) == len(catalogue["faults"])
    assert len({trial.seed for trial in todo.mixtures}) >= 200
    assert len(plan(catalogue, seed=1, rate=0.05, quick=True).trials) < len(todo.trials) / 2
