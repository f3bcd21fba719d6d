"""`wiremark report DIR`: one HTML page of what runs have left in a directory."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from wiremark_reports import files, reader, writer
from wiremark_reports.render import html

_GOOD, _WRONG_USE = 0, 2


def report(argv: Sequence[str]) -> int:
    """Render DIR/report.html from DIR/report.json, DIR/load.json or both; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="wiremark report",
        description="Render report.html from the report.json and the load.json that runs have left in DIR.",
    )
    parser.add_argument("directory", metavar="DIR", type=Path, help="where a run has written its report")
    directory: Path = parser.parse_args(argv).directory
    try:
        page = _render(directory)
    except reader.ReportError as defect:
        return _refuse(str(defect))
    except OSError as error:
        return _refuse(f"{directory / files.PAGE}: cannot be written: {error.strerror}")
    print(page)
    return _GOOD


def _render(directory: Path) -> Path:
    if not directory.is_dir():
        raise reader.ReportError(f"{directory}: there is no such directory")
    conformance, load = directory / files.REPORT, directory / files.LOAD
    if not conformance.exists() and not load.exists():
        raise reader.ReportError(
            f"{directory}: neither {files.REPORT} nor {files.LOAD} is in here; "
            "`wiremark check --out DIR` and `wiremark load --out DIR` write them"
        )
    page = html.page(
        writer.to_json(reader.read(conformance)) if conformance.exists() else None,
        reader.read_load(load) if load.exists() else None,
    )
    files.replace(directory / files.PAGE, page)
    return directory / files.PAGE


def _refuse(sentence: str) -> int:
    print(f"wiremark report: {sentence}", file=sys.stderr)
    return _WRONG_USE
