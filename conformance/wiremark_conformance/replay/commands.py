"""`wiremark judge`: the verdicts on traffic that was recorded before."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from wiremark_reports import writer
from wiremark_reports.render import terminal
from wiremark_schemas.yamlfile import BadFile

from wiremark_conformance.outcomes import SHOWN, finding
from wiremark_conformance.replay import files
from wiremark_conformance.replay.files import Promised
from wiremark_conformance.verdicts import Conclusion

GOOD, FINDINGS, WRONG_USE, NOT_JUDGED = 0, 1, 2, 3
_KIND = "recording"  # the word that may stand before the files
_GRAVEST_FIRST = (WRONG_USE, FINDINGS, NOT_JUDGED, GOOD)


def judge(argv: Sequence[str]) -> int:
    """Judge files. Returns 0 good, 1 findings, 2 wrong use, 3 nothing could be judged in one of them."""
    words = list(argv)
    if len(words) > 1 and words[0] == _KIND:
        del words[0]
    given = _parser().parse_args(words)
    paths: list[Path] = given.files
    promised = Promised(given.contract, given.base_url, given.model)
    codes = {
        _judged(path, promised, folder, verbose=given.verbose)
        for path, folder in zip(paths, _folders(paths, given.out), strict=True)
    }
    return next(code for code in _GRAVEST_FIRST if code in codes)


def _folders(paths: Sequence[Path], out: Path | None) -> list[Path | None]:
    """Where the report of each file goes: into the folder itself, or one below it for each of several."""
    if out is None or len(paths) == 1:
        return [out] * len(paths)
    stems = [path.stem for path in paths]
    numbers = [stems[: at + 1].count(stem) for at, stem in enumerate(stems)]
    return [
        out / (stem if number == 1 else f"{stem}-{number}")
        for stem, number in zip(stems, numbers, strict=True)
    ]


def _judged(path: Path, promised: Promised, folder: Path | None, *, verbose: bool) -> int:
    try:
        judged = files.read(path, promised)
        report = judged.report
        if judged.known:
            print(terminal.printable(judged.known))
        for line in _lines(judged.conclusions, verbose=verbose):
            print(line)
        if folder is not None:
            writer.write(report, folder)
    except BadFile as problem:
        return _refuse(str(problem))
    except OSError as error:
        return _refuse(f"the report cannot be written to {folder}: {error.strerror}")
    for note in judged.notes:
        print(terminal.printable(f"not judged: {note}"))
    if judged.entries:
        left = f", {len(judged.notes)} left out" if judged.notes else ""
        print(f"{judged.entries - len(judged.notes)} of {judged.entries} entries judged{left}")
    print(terminal.summary(report, folder))
    return exit_code(judged.conclusions)


def exit_code(conclusions: Mapping[str, Conclusion]) -> int:
    """0 good, 1 findings, 3 something could not be judged."""
    if any(conclusion.is_finding for conclusion in conclusions.values()):
        return FINDINGS
    phases = {SHOWN[conclusion.result.verdict].phase for conclusion in conclusions.values()}
    return NOT_JUDGED if "error" in phases else GOOD


def _lines(conclusions: Mapping[str, Conclusion], *, verbose: bool) -> Iterator[str]:
    for name, conclusion in conclusions.items():
        if verbose:
            yield f"{conclusion.result.verdict:<13}  {name}"
        if conclusion.is_finding:
            yield f"\n{f' requirement {name} ':_^100}"
            yield finding(conclusion.result, conclusion.note)


def _refuse(sentence: str) -> int:
    print(f"wiremark judge: {sentence}", file=sys.stderr)
    return WRONG_USE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wiremark judge",
        usage="wiremark judge [recording] FILE… [--out DIR] [--contract NAME] [-v]",
        description="Judge recorded traffic offline, with the checks that judge an endpoint: a recording of "
        "a run (`wiremark record`) gives the verdicts of the run, in its order; of a HAR, what can be said "
        "of requests that the suite did not make.",
        epilog="exit codes: 0 good, 1 findings, 2 wrong use, 3 something could not be judged",
        allow_abbrev=False,
    )
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="a recording, a HAR, or a known bug"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write report.json and report.html there")
    other = "of other clients' traffic (HAR)"
    parser.add_argument(
        "--contract",
        "--wiremark-contract",
        metavar="NAME|FILE",
        help=f"what the endpoint promises, {other} (default: generic)",
    )
    parser.add_argument("--base-url", metavar="URL", help=f"below which the endpoint stands, {other}")
    parser.add_argument("--model", metavar="ID", help=f"the model to be judged, {other}")
    parser.add_argument("-v", "--verbose", action="store_true", help="one line a requirement")
    return parser
