"""`wiremark selftest`: shows that every check can fail, and that none cries wolf."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from wiremark_reports import files
from wiremark_reports.render import selftest as render
from wiremark_reports.render import selftest_page

from wiremark_conformance.judge import CHECKS
from wiremark_conformance.requirement import load_register
from wiremark_conformance.selftest import subject
from wiremark_conformance.selftest.document import document
from wiremark_conformance.selftest.matrix import judged, matrix
from wiremark_conformance.selftest.names import UnknownNameError, chosen
from wiremark_conformance.selftest.plan import LOW_RATE, plan
from wiremark_conformance.selftest.unbreakable import load_unbreakable
from wiremark_conformance.selftest.workers import outcomes

GOOD, FINDINGS, WRONG_USE = 0, 1, 2


def selftest(argv: Sequence[str]) -> int:
    """Try faults and variants. Returns 0; 1 when the suite misses a fault or raises a false alarm; 2."""
    given = _parser().parse_args(argv)
    try:
        catalogue = subject.load().catalogue()
        only = chosen(catalogue, given.only)
        for path in filter(None, (given.json, given.html)):
            files.prepare(path)
    except OSError as error:
        return _not_written(error)
    except (subject.NoSubjectError, UnknownNameError) as problem:
        print(f"wiremark selftest: {problem}", file=sys.stderr)
        return WRONG_USE
    register = load_register()
    if unjudged := [requirement.id for requirement in register if requirement.id not in CHECKS]:
        print(
            f"wiremark selftest: no check judges {', '.join(unjudged)}; nothing can prove it", file=sys.stderr
        )
        return FINDINGS
    began = time.monotonic()
    unbreakable = load_unbreakable()
    todo = plan(
        catalogue,
        seed=given.seed,
        rate=given.variants,
        quick=given.quick,
        only=only,
        whole=given.whole,
        without=unbreakable,
    )
    print(f"wiremark selftest: {len(todo.trials)} servers to judge, seed {given.seed}", flush=True)
    found = iter(outcomes(todo.trials, workers=given.workers, progress=_progress(len(todo.trials))))
    baselines = [next(found) for _ in todo.baselines]
    entries = {fault["name"]: fault for fault in catalogue["faults"]}
    faults = [judged(entries[trial.name], next(found), register) for trial in todo.faults]
    result = matrix(
        register,
        faults,
        baselines,
        tuple(found),
        unbreakable=unbreakable,
        variants=len(todo.variants),
        all_faults=todo.all_faults,
    )
    told = document(
        result,
        catalogue,
        register,
        seed=given.seed,
        trials=len(todo.trials),
        seconds=time.monotonic() - began,
    )
    print(render.text(told, every=given.verbose or bool(only)))
    try:
        if given.json is not None:
            files.replace(given.json, json.dumps(told, indent=1) + "\n")
        if given.html is not None:
            files.replace(given.html, selftest_page.page(told))
    except OSError as error:
        return _not_written(error)
    return GOOD if result.ok else FINDINGS


def _not_written(error: OSError) -> int:
    print(f"wiremark selftest: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
    return WRONG_USE


def _progress(total: int) -> Callable[[int], None]:
    """Rewrites one line on a terminal; nothing where nobody watches."""
    if not sys.stderr.isatty():
        return lambda _: None

    def show(done: int) -> None:
        print(f"\r{done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return show


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wiremark selftest",
        description="Judge the reference server with every fault and every legal variant in turn: each fault "
        "must be found by the checks that it names, and nothing may be found on the variants.",
        epilog="exit codes: 0 good, 1 the suite missed something or raised a false alarm, 2 wrong use",
        allow_abbrev=False,
    )
    parser.add_argument("--quick", action="store_true", help="a share of the faults, and few mixtures")
    parser.add_argument(
        "--whole",
        action="store_true",
        help="put every question to every fault, not only those about it and a sample of the others",
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME[,NAME]",
        help="these faults and variants alone, or those that match: 'chat.stream.*'",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the matrix as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the matrix as a page")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn (default: 1)")
    parser.add_argument(
        "--variants",
        type=_rate,
        default=LOW_RATE,
        metavar="RATE",
        help="share of the requests of a fault on which each variant shows (default: %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes (default: two a core)")
    parser.add_argument("-v", "--verbose", action="store_true", help="the whole matrix, not only its holes")
    return parser


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share; give a number from 0 to 1")
    return rate
