"""The catalogue and the coverage page: what there is to hold an endpoint to, and who holds it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from wiremark_conformance import coverage
from wiremark_conformance.commands import requirements
from wiremark_conformance.requirement import load_register

PAGE = Path(__file__).parents[2] / "conformance" / "COVERAGE.md"
ENTRIES = (*coverage.statements(), *coverage.bug_classes())


def test_the_page_is_what_the_register_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == coverage.page(load_register()), "run `make coverage-page`"


def test_the_catalogue_is_whole() -> None:
    assert len(coverage.statements()) == 397
    assert len(coverage.bug_classes()) == 100
    assert len({entry.id for entry in ENTRIES}) == len(ENTRIES)


def test_a_requirement_covers_what_stands_in_the_catalogue() -> None:
    known = {entry.id for entry in ENTRIES}
    unknown = {r.id: set(r.covers) - known for r in load_register() if set(r.covers) - known}
    assert unknown == {}


def test_what_cannot_be_seen_is_held_by_nobody() -> None:
    assert [one for one in coverage.held(ENTRIES, load_register()) if one.entry.unseen and one.by] == []


def test_a_hazard_is_never_a_failure() -> None:
    """What the standards allow may be warned of, and no MUST is all about it."""
    register = load_register()
    hazards = {entry.id for entry in coverage.bug_classes() if entry.note == "hazard"}
    failing = {r.id for r in register if r.level == "MUST" and hazards & set(r.covers)}
    assert failing <= {"chat.stream.space"}  # one official SDK reads nothing without the space


def test_the_page_tells_gaps_from_what_cannot_be_seen() -> None:
    page = coverage.page(load_register())
    assert "| HTTP-01 | MUST |" in page
    assert "`chat.stream.accepted`" in page
    assert "| HTTP-30 | SHOULD |" in page
    assert "cannot be seen: a proof takes minutes" in page


def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert requirements(["--coverage"]) == 0
    assert capsys.readouterr().out == coverage.page(load_register())


@pytest.mark.parametrize(
    ("filter_", "value", "expected"),
    [
        ("--area", "cors", "cors.no-credentials"),
        ("--source", "sdk", "chat.stream.done-exact"),
        ("--covers", "SSE-16", "chat.stream.done"),
        ("--covers", "stream-done-missing", "chat.stream.done"),
    ],
)
def test_requirements_are_chosen_by(
    filter_: str, value: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert requirements([filter_, value]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert expected in listed
    assert len(listed) < len(load_register())


def test_requirements_are_chosen_by_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert requirements(["terminator", "chat.stream"]) == 0
    out = capsys.readouterr().out
    assert "chat.stream.done-exact" in out
    assert "models.list" not in out


def test_an_explanation_says_what_is_held_and_where_it_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    assert requirements(["--explain", "chat.stream.done"]) == 0
    out = capsys.readouterr().out
    assert "SSE-16: Chat and legacy completion streams end with `data: [DONE]`." in out
    assert "seen in     chat.stream" in out


@pytest.mark.parametrize(
    ("requirement", "words"),
    [
        ("chat.stream.done", ("asked:", "POST /v1/chat/completions", '"stream": true')),
        ("bodies.charset", ("right:", "HTTP/1.1 200 OK")),
        (
            "errors.temperature",
            ("asked:", '"temperature": 5', "right:", "400 Bad Request", "wrong:", "200 OK"),
        ),
        ("models.list.accepted", ("GET /v1/models", "right:", "HTTP/1.1 200 OK")),
    ],
)
def test_an_explanation_has_what_is_asked_and_examples(
    requirement: str, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert requirements(["--explain", requirement]) == 0
    out = capsys.readouterr().out
    for word in words:
        assert word in out
        out = out.partition(word)[2]


def test_everything_of_chat_and_errors_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert requirements(["--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    areas = ("chat", "errors", "http", "bodies", "ids", "cors", "sdk", "readers", "properties")
    without = [row["id"] for row in listed if row["area"].startswith(areas) and row["example"] is None]
    assert without == []
