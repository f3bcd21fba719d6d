"""Reports written and read back, and what the reader says of those it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from wiremark_reports import files, reader, writer
from wiremark_reports.record import Deviation, Evidence, Verdict
from wiremark_schemas import registry
from wiremark_schemas.explain import violations


@pytest.fixture
def every_verdict(make_result: Any, make_report: Any, evidence: Evidence, deviation: Deviation) -> Any:
    results = [
        make_result(f"chat.{verdict}", verdict, message="seen", evidence=(evidence,)) for verdict in Verdict
    ]
    return make_report(*results, make_result("auth.known", Verdict.FAIL, deviation=deviation))


def test_the_json_is_valid_and_its_summary_is_that_of_the_results(every_verdict: Any) -> None:
    document = writer.to_json(every_verdict)
    assert violations(registry.validator("meta/report"), document) == []
    assert document["summary"]["ok"] is False
    assert document["summary"]["verdicts"] == {
        verdict.value: 2 if verdict is Verdict.FAIL else 1 for verdict in Verdict
    }
    assert len(document["results"]) == len(Verdict) + 1


def test_a_report_read_back_is_the_report_written(
    every_verdict: Any, tmp_path: Path, deviation: Deviation
) -> None:
    writer.write(every_verdict, tmp_path)
    again = reader.read(tmp_path / "report.json")
    assert again.results[:-1] == every_verdict.results[:-1]
    kept = again.results[-1].deviation
    assert kept is not None
    assert (kept.reason, kept.owner, kept.expires, kept.link) == (
        deviation.reason,
        deviation.owner,
        deviation.expires,
        deviation.link,
    )
    assert again.roles == every_verdict.roles


def test_writing_makes_the_directory_and_leaves_nothing_but_the_two_files(
    make_report: Any, tmp_path: Path
) -> None:
    target = tmp_path / "a" / "b"
    writer.write(make_report(), target)
    writer.write(make_report(), target)
    assert sorted(path.name for path in target.iterdir()) == ["report.html", "report.json"]


def test_a_load_report_in_the_same_directory_is_on_the_page(
    make_report: Any, make_load: Any, tmp_path: Path
) -> None:
    (tmp_path / "load.json").write_text(json.dumps(make_load()))
    writer.write(make_report(), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert 'id="conformance"' in page
    assert 'id="load"' in page


def test_a_broken_load_report_costs_only_its_part_and_the_page_says_so(
    make_report: Any, tmp_path: Path
) -> None:
    (tmp_path / "load.json").write_text("{")
    writer.write(make_report(), tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "is left out" in page
    assert "is not JSON" in page
    assert 'id="conformance"' in page


def test_text_that_utf8_cannot_hold_survives_a_round_trip(
    make_result: Any, make_report: Any, tmp_path: Path
) -> None:
    message = "half a pair \ud83d, a NUL \x00, a bell \x07, Ünïcödé 漢字"
    writer.write(make_report(make_result(verdict=Verdict.FAIL, message=message)), tmp_path)
    assert reader.read(tmp_path / "report.json").results[0].message == message
    assert "漢字" in (tmp_path / "report.json").read_text(encoding="utf-8")


def test_a_failed_replacement_leaves_the_old_file_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.json"
    files.replace(path, "old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        files.replace(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def edited(document: dict[str, Any], *path: Any, value: Any) -> str:
    """The document as JSON with one value replaced."""
    changed: Any = json.loads(json.dumps(document))
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return json.dumps(changed)


BAD: list[tuple[tuple[Any, ...], Any, str]] = [
    (("wiremark",), "report/9", '/wiremark: expected "report/1"'),
    (("results", 0, "verdict"), "maybe", "/results/0/verdict: expected one of"),
    (("results", 0, "level"), "SHALL", "/results/0/level: expected one of"),
    (("seconds",), -1, "/seconds: expected at least 0"),
    (("summary", "verdicts"), {"pass": 7}, "/summary/verdicts: expected {'pass': 1}"),
    (("summary", "ok"), False, "/summary/ok: expected true"),
]


@pytest.mark.parametrize(("path", "value", "said"), BAD, ids=[case[2] for case in BAD])
def test_a_defect_is_named_by_file_place_and_expectation(
    path: tuple[Any, ...], value: Any, said: str, make_report: Any, make_result: Any, tmp_path: Path
) -> None:
    file = tmp_path / "report.json"
    file.write_text(edited(writer.to_json(make_report(make_result())), *path, value=value))
    with pytest.raises(reader.ReportError) as refused:
        reader.read(file)
    assert str(refused.value).startswith(f"{file}:1: {said}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ":1: is not JSON"),
        (b'{\n "a": }', ":2: is not JSON"),
        (b"\xff\xfe", ": is not UTF-8 text (byte 0)"),
        (b"[]", ":1: the document: expected type object"),
        (b"[" * 100_000, ": is nested too deeply"),
    ],
    ids=["empty", "syntax", "encoding", "shape", "depth"],
)
def test_what_is_no_report_is_refused_in_a_sentence(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(content)
    with pytest.raises(reader.ReportError) as refused:
        reader.read(file)
    assert str(refused.value).startswith(f"{file}{said}")


def test_the_line_of_a_defect_is_named(make_report: Any, make_result: Any, tmp_path: Path) -> None:
    writer.write(make_report(make_result()), tmp_path)
    file = tmp_path / "report.json"
    lines = file.read_text().split("\n")
    number = next(n for n, line in enumerate(lines, 1) if '"verdict": "pass"' in line)
    file.write_text("\n".join(lines).replace('"verdict": "pass"', '"verdict": "maybe"'))
    with pytest.raises(reader.ReportError) as refused:
        reader.read(file)
    assert str(refused.value).startswith(f"{file}:{number}: /results/0/verdict")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(reader.ReportError, match="there is no such file"):
        reader.read_load(tmp_path / "load.json")
    with pytest.raises(reader.ReportError, match="cannot be read"):
        reader.read(tmp_path)
