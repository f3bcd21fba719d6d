"""The terminal summary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wiremark_reports.record import Deviation, Verdict
from wiremark_reports.render import terminal


def test_a_good_run_is_three_lines(make_report: Any, make_result: Any) -> None:
    text = terminal.summary(make_report(make_result(), make_result("auth.missing")))
    assert text.splitlines() == [
        "wiremark 0.1.0: http://127.0.0.1:8000/v1 (contract openai, model m)",
        "2 requirements: 2 pass",
        "47 HTTP requests in 4.25 s",
    ]


def test_findings_are_listed_with_id_level_and_message_and_the_path_stands_last(
    make_report: Any, make_result: Any, deviation: Deviation
) -> None:
    report = make_report(
        make_result("chat.warned", Verdict.WARN, level="SHOULD", message="no usage"),
        make_result("chat.broken", Verdict.FAIL, message="got\n  null " + "and so on " * 12),
        make_result("chat.known", Verdict.FAIL, message="as ever", deviation=deviation),
        make_result("chat.blocked", Verdict.NOT_TESTABLE, message="no key"),
        model=None,
    )
    lines = terminal.summary(report, Path("out")).splitlines()
    assert lines[0] == "wiremark 0.1.0: http://127.0.0.1:8000/v1 (contract openai)"
    assert lines[1] == "4 requirements: 2 fail, 1 warn, 1 not-testable"
    assert lines[4].startswith("fail           MUST    chat.broken  got null and so on")
    assert "warn           SHOULD  chat.warned  no usage" in lines
    assert "accepted until 2026-12-31: the vendor knows" in " ".join(" ".join(lines).split())
    assert not any("chat.blocked" in line for line in lines)
    assert lines[-1] == f"report: {Path('out') / 'report.html'}"
    assert max(map(len, lines)) <= 110


def test_an_endpoint_cannot_steer_the_terminal(make_report: Any, make_result: Any) -> None:
    message = "\x1b]0;owned\x07\x1b[2J \u202egnp \x9b31m"
    text = terminal.summary(make_report(make_result(verdict=Verdict.FAIL, message=message)))
    assert "\\x1b]0;owned\\x07\\x1b[2J" in text
    assert all(character.isprintable() or character == "\n" for character in text)


def test_nothing_judged_is_said(make_report: Any) -> None:
    assert "0 requirements: none judged" in terminal.summary(make_report())
