"""A comparison of endpoints (`meta/comparison`) for a terminal, and as one page."""

from __future__ import annotations

import string
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from wiremark_reports import reader
from wiremark_reports.figures import NONE, count
from wiremark_reports.record import Verdict
from wiremark_reports.render.conformance import verdict_badge
from wiremark_reports.render.fields import Filter, narrowing
from wiremark_reports.render.html import shell
from wiremark_reports.render.markup import Html, element, join, row, table
from wiremark_reports.render.terminal import printable

_Told = Mapping[str, Any]
_WIDTH = 110


def text(told: _Told, *, every: bool = False) -> str:
    """The requirements on which the endpoints differ, and why; all of them with `every`."""
    return "\n".join(printable(line) for line in _lines(told, every=every))


def _lines(told: _Told, *, every: bool) -> Iterator[str]:
    letters = _letters(told)
    rows = [row for row in told["requirements"] if every or row["differs"]]
    if rows:
        wide = max(len(row["id"]) for row in rows)
        words = [
            max(len(letter), *(len(_word(row["found"][at])) for row in rows))
            for at, letter in enumerate(letters)
        ]
        yield _columns(f"{'':<{wide + 8}}", letters, words)
        for row in rows:
            found = [_word(one) for one in row["found"]]
            yield _columns(f"{row['level']:<6}  {row['id']:<{wide}}", found, words)
            yield from _reasons(row, letters)
        yield ""
    for letter, source in zip(letters, told["sources"], strict=True):
        yield f"{letter}  {_described(source)}"
        yield f"   {_counts(source)}"
    yield _summary(told)


def _columns(head: str, cells: list[str], widths: list[int]) -> str:
    return "  ".join(
        [head, *(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))]
    ).rstrip()


def _reasons(row: _Told, letters: list[str]) -> Iterator[str]:
    """What was said where the endpoints differ, each message once with those that it is about."""
    if not row["differs"]:
        return
    said: dict[str, list[str]] = {}
    for letter, one in zip(letters, row["found"], strict=True):
        if one is not None and one["message"]:
            said.setdefault(" ".join(one["message"].split()), []).append(letter)
    for message, about in said.items():
        head = f"        {', '.join(about)}: "
        yield textwrap.fill(message, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head))


def _letters(told: _Told) -> list[str]:
    """A short name for each: A, B, …; numbers when there are too many."""
    number = len(told["sources"])
    return (
        list(string.ascii_uppercase[:number])
        if number <= len(string.ascii_uppercase)
        else [str(at + 1) for at in range(number)]
    )


def _word(found: _Told | None) -> str:
    return NONE if found is None else str(found["verdict"])


def _described(source: _Told) -> str:
    model = f", model {source['model']}" if source["model"] else ""
    url = "" if source["name"] == source["base_url"] else f": {source['base_url']}"
    return f"{source['name']}{url} (contract {source['contract']}{model}, {source['started']})"


def _counts(source: _Told) -> str:
    return ", ".join(f"{number} {verdict}" for verdict, number in source["verdicts"].items()) or "none judged"


def _summary(told: _Told) -> str:
    summary = told["summary"]
    if not summary["differ"]:
        return f"no difference in {count(summary['requirements'], 'requirement')}"
    return f"{summary['differ']} of {count(summary['requirements'], 'requirement')} differ"


# -- the page --------------------------------------------------------------------------------------------


def page(told: _Told) -> str:
    """One self-contained HTML page. Raises ReportError when the document is not valid."""
    reader.check(told, "meta/comparison", "the comparison")
    letters = _letters(told)
    differing = [row for row in told["requirements"] if row["differs"]]
    alike = [row for row in told["requirements"] if not row["differs"]]
    tone = "v-warn" if differing else "v-pass"
    return shell(
        "wiremark comparison",
        element(
            "header",
            element("h1", "wiremark comparison"),
            element("p", element("span", _summary(told), class_=f"badge {tone}")),
        ),
        element(
            "main",
            element("section", element("h2", "Endpoints"), _endpoints(told, letters)),
            element(
                "section",
                element("h2", "Differences"),
                narrowing("differences", _filters(differing)) if differing else None,
                _rows(differing, letters, "They do not differ."),
                id="differences",
            ),
            element(
                "section",
                element("h2", "The same everywhere"),
                element(
                    "details",
                    element("summary", count(len(alike), "requirement")),
                    _rows(alike, letters, "Nothing is."),
                ),
            ),
        ),
        element("footer", element("p", f"wiremark {told['version']}")),
    )


def _endpoints(told: _Told, letters: list[str]) -> Html:
    rows = (
        (letter, _described(source), _counts(source))
        for letter, source in zip(letters, told["sources"], strict=True)
    )
    return table(count(len(letters), "endpoint"), ("", "endpoint", "verdicts"), rows)


def _rows(rows: list[_Told], letters: list[str], nothing: str) -> Html:
    if not rows:
        return element("p", nothing, class_="calm")
    cells = (
        row(
            _named(one),
            element("span", one["level"], class_="word"),
            *(_cell(found, told=one["differs"]) for found in one["found"]),
            data_level=one["level"],
            data_area=one["area"],
        )
        for one in rows
    )
    return table(count(len(rows), "requirement"), ("requirement", "level", *letters), cells)


def _filters(rows: list[_Told]) -> tuple[Filter, ...]:
    return (
        ("level", "every level", dict.fromkeys(one["level"] for one in rows)),
        ("area", "every area", dict.fromkeys(one["area"] for one in rows)),
    )


def _named(row: _Told) -> Html:
    return join((element("code", row["id"]), element("p", row["text"])))


def _cell(found: _Told | None, *, told: bool) -> Html | str:
    if found is None:
        return NONE
    message = element("p", found["message"]) if told and found["message"] else None
    return join((verdict_badge(Verdict(found["verdict"])), message))
