"""A conformance report as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

from wiremark_reports import figures, files
from wiremark_reports.record import Report, Result, Verdict

_WIDTH = 110
_NOT_TESTABLE = "not testable: something that had to work first did not, or a key role is missing"


def summary(report: Report, directory: Path | None = None) -> str:
    """What was judged, what was found, and where the files are, without a final line end.

    directory: where the report was written; None leaves out the line that says so
    """
    return "\n".join(printable(line) for line in _lines(report, directory))


def _lines(report: Report, directory: Path | None) -> Iterator[str]:
    model = f", model {report.model}" if report.model else ""
    yield f"wiremark {report.version}: {report.base_url} (contract {report.contract}{model})"
    counts = ", ".join(f"{number} {verdict}" for verdict, number in figures.tally(report.results).items())
    judged = figures.count(len(report.results), "requirement")
    yield f"{judged}: {counts or 'none judged'}"
    yield f"{figures.count(report.requests, 'HTTP request')} in {figures.seconds(report.seconds)}"
    yield from _table(figures.findings(report.results))
    if any(result.verdict is Verdict.NOT_TESTABLE for result in report.results):
        yield f"({_NOT_TESTABLE})"
    if directory is not None:
        yield f"report: {directory / files.PAGE}"


def _table(found: tuple[Result, ...]) -> Iterator[str]:
    """One row per finding, its message folded under it."""
    if not found:
        return
    wide = max(len(result.requirement) for result in found)
    yield ""
    for result in found:
        head = f"{result.verdict:<13}  {result.level:<6}  {result.requirement:<{wide}}  "
        said = " ".join((result.message or result.text).split())
        if result.deviation:
            said += f" [accepted until {result.deviation.expires}: {result.deviation.reason}]"
        indent = " " * len(head) if len(head) <= _WIDTH // 2 else " " * 8
        yield textwrap.fill(said, width=_WIDTH, initial_indent=head, subsequent_indent=indent)
    yield ""


def printable(line: str) -> str:
    """The line with control characters made visible: an endpoint must not steer our terminal."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in line)
