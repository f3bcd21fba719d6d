"""What is compared: an endpoint that is judged now, a report of one, or traffic that was recorded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from wiremark_reports import files, reader
from wiremark_reports.record import Report, Verdict
from wiremark_schemas.yamlfile import BadFile

from wiremark_conformance.replay.files import Promised, kind
from wiremark_conformance.replay.files import read as read_traffic

_STDERR = 2  # what the suite says of a run goes there: the table alone is the output
_WEB = ("http://", "https://")
_REPORT_WRITTEN = frozenset({0, 1, 3})  # exit codes of `wiremark check` that may come with a report


class SourceError(Exception):
    """Something cannot be compared; the text says what and why. unjudgeable: an endpoint did not answer."""

    def __init__(self, message: str, *, unjudgeable: bool = False) -> None:
        super().__init__(message)
        self.unjudgeable = unjudgeable


@dataclass(frozen=True, slots=True)
class Given:
    """One endpoint as it was named, and how it is to be judged where that is still to be done.

    selection: options `-m` and `-k` for the suite
    """

    name: str
    contract: str | None = None
    model: str | None = None
    credentials: str | None = None
    selection: Sequence[str] = ()

    @property
    def is_url(self) -> bool:
        return self.name.startswith(_WEB)


def report(given: Given) -> Report:
    """The report of what was named: made now, read, or judged from recorded traffic. Raises SourceError."""
    if given.is_url:
        return _judged_now(given)
    if "://" in given.name:
        raise SourceError(f"{given.name} is no address that can be judged; give one with http:// or https://")
    path = Path(given.name)
    path = path / files.REPORT if path.is_dir() else path
    try:
        match kind(path):
            case "report":
                return reader.read(path)
            case "har":
                return _shown(read_traffic(path, Promised(given.contract, model=given.model)).report)
            case _:
                return read_traffic(path, Promised()).report
    except (reader.ReportError, BadFile) as problem:
        raise SourceError(str(problem)) from None


def _shown(found: Report) -> Report:
    """What other clients' traffic shows; what it does not show differs from nothing."""
    return replace(found, results=tuple(r for r in found.results if r.verdict is not Verdict.NOT_TESTABLE))


def _judged_now(given: Given) -> Report:
    """In a process of its own, for one run of pytest leaves traces that the next one would meet."""
    with TemporaryDirectory(prefix="wiremark-") as folder:
        command = [sys.executable, "-m", "wiremark_conformance.cli", "check", "--base-url", given.name]
        command += ["--out", folder, *given.selection]
        for flag in ("contract", "model", "credentials"):
            value = getattr(given, flag)
            command += [f"--{flag}", value] if value is not None else []
        code = subprocess.run(command, stdout=_STDERR, check=False).returncode
        written = Path(folder, files.REPORT)
        if code not in _REPORT_WRITTEN or not written.exists():
            raise SourceError(f"{given.name} could not be judged; see above", unjudgeable=code != 2)
        return reader.read(written)
