"""Reports held beside each other; pure. Its document is `meta/comparison` in the schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_reports import figures
from wiremark_reports.record import Report, Result

from wiremark_conformance.version import version


def document(names: Sequence[str], reports: Sequence[Report]) -> dict[str, Any]:
    """The comparison, every requirement that at least one report has, in the order of the first that does.

    A report that has nothing on a requirement does not differ in it: it was not selected, or not known yet.
    """
    found = [{result.requirement: result for result in report.results} for report in reports]
    order = dict.fromkeys(name for results in found for name in results)
    rows = [_row([results.get(name) for results in found]) for name in order]
    return {
        "wiremark": "comparison/1",
        "version": version(),
        "sources": [_source(name, report) for name, report in zip(names, reports, strict=True)],
        "summary": {"requirements": len(rows), "differ": sum(row["differs"] for row in rows)},
        "requirements": rows,
    }


def _source(name: str, report: Report) -> Mapping[str, Any]:
    return {
        "name": name,
        "base_url": report.base_url,
        "contract": report.contract,
        "model": report.model,
        "started": report.started,
        "verdicts": {verdict.value: number for verdict, number in figures.tally(report.results).items()},
    }


def _row(results: Sequence[Result | None]) -> Mapping[str, Any]:
    one = next(result for result in results if result is not None)
    return {
        "id": one.requirement,
        "level": one.level,
        "area": one.area,
        "text": one.text,
        "differs": len({result.verdict for result in results if result is not None}) > 1,
        "found": [
            {"verdict": result.verdict.value, "message": result.message} if result else None
            for result in results
        ],
    }
