"""Known deviations: what an entry does to a verdict, and files that are refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from wiremark_conformance import deviations
from wiremark_conformance.deviations import Standing
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Deviation, Verdict
from wiremark_schemas.yamlfile import BadFile

LAST_DAY = date(2027, 1, 31)
ENTRY = Deviation("chat.stream.done", "vendor ticket 7", "ops", LAST_DAY.isoformat())


@pytest.mark.parametrize(
    ("verdict", "today", "standing"),
    [
        (Verdict.FAIL, LAST_DAY, Standing.COVERED),
        (Verdict.WARN, LAST_DAY, Standing.COVERED),
        (Verdict.SILENT, LAST_DAY, Standing.COVERED),
        (Verdict.FAIL, date(2027, 2, 1), Standing.EXPIRED),
        (Verdict.PASS, LAST_DAY, Standing.STALE),
        (Verdict.PASS, date(2027, 2, 1), Standing.STALE),
        (Verdict.INFRA, LAST_DAY, Standing.NONE),
        (Verdict.NOT_TESTABLE, LAST_DAY, Standing.NONE),
        (Verdict.HARNESS_ERROR, date(2027, 2, 1), Standing.NONE),
    ],
)
def test_an_entry_covers_findings_until_its_last_day(
    verdict: Verdict, today: date, standing: Standing
) -> None:
    assert deviations.standing(verdict, ENTRY, today) is standing


def test_without_an_entry_nothing_changes() -> None:
    assert deviations.standing(Verdict.FAIL, None, LAST_DAY) is Standing.NONE


def _file(folder: Path, expires: str = "2027-01-31", requirement: str = "chat.stream.done") -> Path:
    path = folder / "deviations.yaml"
    path.write_text(
        f"- requirement: {requirement}\n  reason: vendor ticket 7\n  owner: ops\n  expires: {expires}\n"
    )
    return path


@pytest.mark.parametrize("expires", ["2027-01-31", '"2027-01-31"', "2027-01-31T12:00:00Z"])
def test_a_day_may_be_written_as_date_text_or_time(tmp_path: Path, expires: str) -> None:
    found = deviations.load(_file(tmp_path, expires), load_register())
    assert found == {"chat.stream.done": ENTRY}


@pytest.fixture
def far_east() -> Iterator[None]:
    """A machine whose clock is 14 hours ahead of UTC."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "FAR-14")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("expires", "day"),
    [
        ("2027-01-31 05:00:00", "2027-01-31"),
        ("2027-01-31T05:00:00+14:00", "2027-01-30"),
        ("2027-01-31T23:00:00-05:00", "2027-02-01"),
    ],
)
def test_a_time_is_a_day_in_utc_wherever_it_is_read(
    tmp_path: Path, expires: str, day: str, far_east: None
) -> None:
    del far_east
    found = deviations.load(_file(tmp_path, expires), load_register())
    assert found["chat.stream.done"].expires == day


def test_an_entry_may_have_a_link(tmp_path: Path) -> None:
    path = _file(tmp_path)
    path.write_text(f"{path.read_text()}  link: https://example.invalid/7\n")
    assert deviations.load(path, load_register())["chat.stream.done"].link == "https://example.invalid/7"


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"none\.yaml: there is no such deviations file$"):
        deviations.load(tmp_path / "none.yaml", load_register())


def test_an_empty_file_has_no_entries(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# none left\n")
    assert deviations.load(tmp_path / "empty.yaml", load_register()) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "- requirement: chat.stream.don\n  reason: r\n  owner: o\n  expires: 2027-01-31\n",
            ":1: there is no",
        ),
        (
            "- requirement: chat.stream.done\n  reason: r\n  owner: o\n  expires: soon\n",
            ":4: expires: expected",
        ),
        ("- requirement: chat.stream.done\n  owner: o\n  expires: 2027-01-31\n", "'reason'"),
        ("requirement: chat.stream.done\n", "expected type array"),
        ("- [\n", "not YAML"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "deviations.yaml"
    path.write_text(text)
    with pytest.raises(BadFile) as refusal:
        deviations.load(path, load_register())
    assert said in str(refusal.value)
    assert "deviations.yaml" in str(refusal.value)


def test_a_near_name_is_offered(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"did you mean 'chat\.stream\.done'"):
        deviations.load(_file(tmp_path, requirement="chat.stream.don"), load_register())


def test_an_entry_stands_once(tmp_path: Path) -> None:
    path = _file(tmp_path)
    path.write_text(path.read_text() * 2)
    with pytest.raises(BadFile, match="twice"):
        deviations.load(path, load_register())
