"""`wiremark compare A B …`: where endpoints differ, requirement by requirement."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from wiremark_reports import files, writer
from wiremark_reports.render import comparison

from wiremark_conformance.comparing import sources
from wiremark_conformance.comparing.difference import document
from wiremark_conformance.comparing.sources import Given, SourceError

ALIKE, DIFFER, WRONG_USE, NOT_JUDGED = 0, 1, 2, 3
_FEWEST = 2
_EACH = ("contract", "model", "credentials")  # given once for all, or once for each


def compare(argv: Sequence[str]) -> int:
    """Compare two or more. Returns 0 alike, 1 they differ, 2 wrong use, 3 one could not be judged."""
    given = _parser().parse_args(argv)
    try:
        named = _named(given)
        told = document([one.name for one in named], [sources.report(one) for one in named])
        if given.json is not None:
            files.replace(given.json, writer.dump(told))
        if given.html is not None:
            files.replace(given.html, comparison.page(told))
    except SourceError as problem:
        print(f"wiremark compare: {problem}", file=sys.stderr)
        return NOT_JUDGED if problem.unjudgeable else WRONG_USE
    except OSError as error:
        print(f"wiremark compare: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return WRONG_USE
    print(comparison.text(told, every=given.all))
    return DIFFER if told["summary"]["differ"] else ALIKE


def _named(given: argparse.Namespace) -> list[Given]:
    """What is compared, each with its own settings. Raises SourceError."""
    names: list[str] = given.sources
    if len(names) < _FEWEST:
        raise SourceError("name at least two: base URLs, reports, directories of reports, or recordings")
    selection = [
        word for flag in ("m", "k") if (value := getattr(given, flag)) for word in (f"-{flag}", value)
    ]
    settings = {flag: _for_each(flag, getattr(given, flag), len(names)) for flag in _EACH}
    return [
        Given(name, **{flag: values[at] for flag, values in settings.items()}, selection=selection)
        for at, name in enumerate(names)
    ]


def _for_each(flag: str, values: list[str], count: int) -> Sequence[str | None]:
    """One value for each of what is compared; `-` stands for none."""
    if len(values) not in {0, 1, count}:
        raise SourceError(
            f"--{flag} is given {len(values)} times for {count} endpoints; give it once for all, or once for "
            "each in their order, `-` where there is none"
        )
    spread = values * count if len(values) == 1 else values or ["-"] * count
    return [None if value == "-" else value for value in spread]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wiremark compare",
        description="Show where endpoints differ, requirement by requirement. Each is a base URL, which is "
        "judged now, a report.json or the directory of one, or a recording.",
        epilog="exit codes: 0 alike, 1 they differ, 2 wrong use, 3 one could not be judged",
        allow_abbrev=False,
    )
    parser.add_argument("sources", nargs="+", metavar="A", help="a base URL, a report, or a recording")
    help_each = "of the endpoints that are judged now; once for all, or once for each, `-` for none"
    for flag, metavar in zip(_EACH, ("NAME|FILE", "ID", "FILE"), strict=True):
        parser.add_argument(
            f"--{flag}", action="append", default=[], metavar=metavar, help=f"{flag} {help_each}"
        )
    parser.add_argument("-m", metavar="EXPR", help="only these requirements, by marker: -m 'must and chat'")
    parser.add_argument("-k", metavar="EXPR", help="only these requirements, by id: -k chat.stream")
    parser.add_argument("--all", action="store_true", help="also what is the same everywhere")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the comparison as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the comparison as one HTML page")
    return parser
