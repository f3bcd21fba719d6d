"""Report files read back, each defect named: the file, the place, what was expected."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wiremark_schemas.explain import violations
from wiremark_schemas.jsonplace import line_of
from wiremark_schemas.registry import validator

from wiremark_reports import figures
from wiremark_reports.record import Deviation, Evidence, Report, Result, Verdict


class ReportError(Exception):
    """A report document is not what it should be; the text says where and what was expected."""


def read(path: Path) -> Report:
    """The conformance report in `path`. Raises ReportError."""
    document, text = _document(path)
    return from_json(document, str(path), text)


def read_load(path: Path) -> dict[str, Any]:
    """The load report in `path`, valid under `meta/load-report`. Raises ReportError."""
    document, text = _document(path)
    check(document, "meta/load-report", str(path), text)
    loaded: dict[str, Any] = document
    return loaded


def check(document: Any, schema: str, source: str, text: str = "") -> None:
    """Raise ReportError with the first place where `document` departs from the schema.

    text: that it was read from, so that the line can be told
    """
    if found := violations(validator(schema), document):
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise ReportError(f"{_place(source, text, found[0].pointer)}: {found[0]}{more}")


def _place(source: str, text: str, pointer: str) -> str:
    return f"{source}:{line_of(text, pointer)}" if text else source


def from_json(document: Any, source: str = "the report", text: str = "") -> Report:
    """The report in a document of `meta/report`; `source` and the line in `text` name it in errors.

    Raises ReportError. The summary must be that of the results: a file edited by hand is not believed.
    """
    check(document, "meta/report", source, text)
    target = document["target"]
    report = Report(
        version=document["tool"]["version"],
        base_url=target["base_url"],
        contract=target["contract"],
        model=target["model"],
        roles=tuple(target.get("roles", ())),
        started=document["started"],
        seconds=document["seconds"],
        requests=document["requests"],
        results=tuple(_result(row) for row in document["results"]),
    )
    _check_summary(report, document["summary"], source, text)
    return report


def _result(row: Mapping[str, Any]) -> Result:
    described = row.get("source", {"kind": "", "ref": ""})
    return Result(
        requirement=row["requirement"],
        level=row["level"],
        verdict=Verdict(row["verdict"]),
        area=row["area"],
        text=row["text"],
        source_kind=described["kind"],
        source_ref=described["ref"],
        message=row["message"],
        evidence=tuple(
            Evidence(item["probe"], item["request"], item["response"], item.get("curl", ""))
            for item in row["evidence"]
        ),
        deviation=_deviation(row["requirement"], row.get("deviation")),
    )


def _deviation(requirement: str, entry: Mapping[str, Any] | None) -> Deviation | None:
    if entry is None:
        return None
    keys = ("reason", "owner", "expires", "link")
    return Deviation(requirement, **{key: str(entry.get(key, "")) for key in keys})


def _check_summary(report: Report, summary: Mapping[str, Any], source: str, text: str) -> None:
    stated = {verdict: number for verdict, number in summary["verdicts"].items() if number}
    counted = {verdict.value: number for verdict, number in figures.tally(report.results).items()}
    if stated != counted:
        place = _place(source, text, "/summary/verdicts")
        raise ReportError(f"{place}: /summary/verdicts: expected {counted}, as the results say, got {stated}")
    if summary["ok"] != report.ok:
        place = _place(source, text, "/summary/ok")
        raise ReportError(f"{place}: /summary/ok: expected {str(report.ok).lower()}, as the results say")


def _document(path: Path) -> tuple[Any, str]:
    """The document in a file, and its text."""
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text), text
    except FileNotFoundError:
        raise ReportError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ReportError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise ReportError(f"{path}:{error.lineno}: is not JSON: {error.msg} (column {error.colno})") from None
    except RecursionError:
        raise ReportError(f"{path}: is nested too deeply to be a report") from None
