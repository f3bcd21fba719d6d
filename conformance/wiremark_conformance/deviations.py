"""Known deviations: findings that somebody has accepted, with a reason and until a day.

A file of them is a debt list, so it must shrink by itself: an entry whose requirement is met, or
whose day has passed, fails.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from pathlib import Path

from wiremark_reports.record import Deviation, Verdict
from wiremark_schemas import yamlfile
from wiremark_schemas.yamlfile import BadFile

from wiremark_conformance.requirement import Register

_FINDINGS = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.SILENT, Verdict.UNSUPPORTED})


class Standing(Enum):
    """How an entry of the file stands to what was found."""

    NONE = "no entry, or nothing could be judged"
    COVERED = "the finding is accepted"
    EXPIRED = "the finding was accepted until a day that has passed"
    STALE = "the requirement is met, so the entry has to go"


def standing(verdict: Verdict, deviation: Deviation | None, today: date) -> Standing:
    """Pure; `today` is a day in UTC, and an entry holds through its last day."""
    if deviation is None:
        return Standing.NONE
    if verdict is Verdict.PASS:
        return Standing.STALE
    if verdict not in _FINDINGS:
        return Standing.NONE
    return Standing.EXPIRED if today > date.fromisoformat(deviation.expires) else Standing.COVERED


def load(path: Path, register: Register) -> Mapping[str, Deviation]:
    """The entries of a deviations file by requirement id; an empty file has none.

    Raises BadFile with file and line: not the schema's form, an unknown or repeated requirement,
    an expiry that is no date.
    """
    source = str(path)
    document, lines = yamlfile.parse(yamlfile.read(path, "deviations file"), source)
    if document is None:
        return {}
    yamlfile.check(document, lines, "meta/deviations", source)
    found: dict[str, Deviation] = {}
    for position, entry in enumerate(document):
        name = entry["requirement"]
        where = f"{source}:{lines[f'/{position}/requirement']}"
        if name not in register:
            near = difflib.get_close_matches(name, register.requirements, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise BadFile(
                f"{where}: there is no requirement {name!r}{hint} (`wiremark requirements` lists all)"
            )
        if name in found:
            raise BadFile(f"{where}: {name!r} stands in the file twice")
        expires = _day(entry["expires"], f"{source}:{lines[f'/{position}/expires']}")
        found[name] = Deviation(
            name, entry["reason"], entry["owner"], expires.isoformat(), entry.get("link", "")
        )
    return found


def _day(value: object, where: str) -> date:
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise BadFile(f"{where}: expires: expected a date such as 2027-01-31, got {value!r}") from None
