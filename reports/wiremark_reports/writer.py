"""A report as JSON (`meta/report.json` in the schemas) and as files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from wiremark_reports import figures, files
from wiremark_reports.reader import ReportError, read_load
from wiremark_reports.record import Report, Result
from wiremark_reports.render import html


def to_json(report: Report) -> dict[str, Any]:
    """The document of `report`, valid under the schema `meta/report`."""
    return {
        "wiremark": "report/1",
        "tool": {"name": "wiremark", "version": report.version},
        "target": {
            "base_url": report.base_url,
            "contract": report.contract,
            "model": report.model,
            "roles": list(report.roles),
        },
        "started": report.started,
        "seconds": report.seconds,
        "requests": report.requests,
        "summary": {
            "verdicts": {verdict.value: number for verdict, number in figures.tally(report.results).items()},
            "ok": report.ok,
        },
        "results": [_row(result) for result in report.results],
    }


def _row(result: Result) -> dict[str, Any]:
    return {
        "requirement": result.requirement,
        "level": result.level,
        "verdict": result.verdict.value,
        "area": result.area,
        "text": result.text,
        "source": {"kind": result.source_kind, "ref": result.source_ref},
        "message": result.message,
        "deviation": asdict(result.deviation) if result.deviation else None,
        "evidence": [asdict(evidence) for evidence in result.evidence],
    }


def dump(document: Any) -> str:
    """JSON for a file that people read too."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def write(report: Report, directory: Path) -> None:
    """Write report.json, and report.html of it and of the load.json beside it, if there is one.

    A load.json that cannot be read does not cost the conformance report: the page says what is
    wrong with it. Raises OSError when the directory cannot be written.
    """
    document = to_json(report)
    notes: tuple[str, ...] = ()
    load = None
    try:
        load = read_load(directory / files.LOAD) if (directory / files.LOAD).exists() else None
    except ReportError as defect:
        notes = (f"The load report beside this one is left out: {defect}",)
    page = html.page(document, load, notes=notes)
    files.replace(directory / files.REPORT, dump(document))
    files.replace(directory / files.PAGE, page)
