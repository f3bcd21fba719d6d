"""From verdict to what pytest shows: one table, and the text of a finding.

A finding is rendered as sentences and transcripts, never as a Python traceback: it is about the
endpoint, not about this code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from wiremark_reports.record import Evidence, Result, Verdict

_LINES_SHOWN = 60  # of a request or a response; the report holds all of it
_WIDTH = 2000  # characters of one such line

Phase = Literal["passed", "failed", "skipped", "error"]


@dataclass(frozen=True, slots=True)
class Shown:
    """How a verdict looks in pytest.

    phase:    the outcome that plugins, exit codes and JUnit see
    category: under which word the summary line counts it
    word:     as `-v` shows it; a skip says its verdict in the reason
    """

    phase: Phase
    category: str
    letter: str
    word: str
    colour: str


SHOWN: Mapping[Verdict, Shown] = {
    Verdict.PASS: Shown("passed", "passed", ".", "PASSED", "green"),
    Verdict.FAIL: Shown("failed", "failed", "F", "FAILED", "red"),
    Verdict.WARN: Shown("passed", "warned", "w", "WARN", "yellow"),
    Verdict.SILENT: Shown("passed", "warned", "w", "SILENT", "yellow"),
    Verdict.UNDECLARED: Shown("skipped", "skipped", "s", "SKIPPED", "yellow"),
    Verdict.UNSUPPORTED: Shown("skipped", "skipped", "s", "SKIPPED", "yellow"),
    Verdict.NOT_TESTABLE: Shown("skipped", "skipped", "s", "SKIPPED", "yellow"),
    Verdict.INFRA: Shown("error", "error", "E", "INFRA", "red"),
    Verdict.HARNESS_ERROR: Shown("error", "error", "E", "HARNESS ERROR", "red"),
}


def finding(result: Result, note: str = "") -> str:
    """The text of a finding: what was seen, what is asked for, from where, and the wire."""
    head = [note] if note else []
    if result.message:
        head.append(result.message)
    head += [
        "",
        f"  {result.level}  {result.text}",
        f"  source  {result.source_kind}: {result.source_ref}",
    ]
    lines = [*head, *(line for evidence in result.evidence for line in _exchange(evidence))]
    return "\n".join(_printable(line) for line in lines)


def _printable(text: str) -> str:
    """Control characters made visible: an endpoint must not steer our terminal."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def _exchange(evidence: Evidence) -> Iterator[str]:
    yield f"\n  probe {evidence.probe}"
    for mark, text in ((">", evidence.request), ("<", evidence.response)):
        lines = text.splitlines()
        for line in lines[:_LINES_SHOWN]:
            yield f"  {mark} {line if len(line) <= _WIDTH else line[:_WIDTH] + '…'}"
        if len(lines) > _LINES_SHOWN:
            yield f"  {mark} … {len(lines) - _LINES_SHOWN} more lines"
    yield "  repeat it:"
    yield f"  {evidence.curl}"
