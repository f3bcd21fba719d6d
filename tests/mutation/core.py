"""The judging core, whose modules have tests of their own: each mutant is tried by those of its module."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from tests.mutation import anew, suites
from tests.mutation.forking import in_child
from tests.mutation.mutants import Made, Mutant, change
from tests.mutation.wording import is_wording

PACKAGE = "wiremark_conformance"
_NO_TEST = "called by no test"

# Module of the judging core → the tests that hold it, the quickest first.
MODULES = {
    "arrival": ("conformance/test_arrival.py",),
    "checking": ("conformance/judging/test_checking.py",),
    "comparing/difference": ("conformance/test_difference.py",),
    "deviations": ("conformance/test_deviations.py",),
    "evidence": tuple(
        f"conformance/judging/test_{name}.py"
        for name in (
            "evidence_views",
            "evidence_pieces",
            "evidence",
            "judge",
            "checks_stream",
            "checks_tools",
        )
    ),
    "http1": ("conformance/test_http1.py",),
    "judge": ("conformance/judging/test_judge.py", "conformance/judging/test_judge_order.py"),
    "mood": ("conformance/test_mood.py",),
    "order": ("conformance/test_order.py",),
    "readers": ("conformance/test_readers.py",),
    "recording": ("conformance/test_recording.py",),
    "replay/corpus": ("conformance/test_corpus_reading.py",),
    "replay/files": ("conformance/test_kinds.py",),
    "replay/har": ("conformance/test_har_reading.py",),
    "replay/situations": ("conformance/test_situations.py",),
    "requirement": ("conformance/judging/test_requirement.py",),
    "selftest/matrix": ("selftest/test_matrix.py",),
    "shapes": ("conformance/judging/test_shapes.py",),
    "sse": ("conformance/test_sse.py",),
    "target": ("conformance/test_target.py",),
    "values": ("conformance/test_values.py",),
    "verdicts": ("conformance/judging/test_concluding.py",),
}


def mutate(root: Path, modules: Sequence[str], told: Callable[[str, Sequence[Mutant]], None]) -> list[Mutant]:
    """Every mutant of the modules and how it ended. `told` hears of each module that is done.

    root: of the repository
    """
    found: list[Mutant] = []
    with ProcessPoolExecutor(mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        tried = {pool.submit(attempt, module, root, MODULES[module]): module for module in modules}
        for future in as_completed(tried):
            told(tried[future], future.result())
            found += future.result()
    return found


def attempt(module: str, root: Path, tests: Sequence[str]) -> list[Mutant]:
    """How each mutant of a module such as `replay/har` ends; in a process that has nothing of it imported.

    tests: files below the folder of tests. Raises SystemExit when they fail as they are.
    """
    from tests.mutation.making import made  # the tool is there when mutants are made

    file = root / "conformance" / PACKAGE / f"{module}.py"
    mutants = list(made(file))
    files = [str(root / "tests" / test) for test in tests]
    with tempfile.TemporaryDirectory() as folder:
        found = endings(f"{PACKAGE}.{module.replace('/', '.')}", file, mutants, files, Path(folder))
        return [
            Mutant(change(module, one.function, one.before, one.after), _told(one, ending))
            for one, ending in zip(mutants, found, strict=True)
        ]


def endings(
    name: str, file: Path, mutants: Sequence[Made], tests: Sequence[str], folder: Path
) -> Iterator[str]:
    """How each mutant of a module ends, words and all. folder: an empty one, for what tests write"""
    with _quiet(folder):
        found = in_child(lambda: suites.tried(name, file, mutants, tests, folder, _warmth(name)))
        for one, ending in zip(mutants, found.endings, strict=True):
            calls = found.calls
            seen = [*calls.itself.get(one.function, ()), *calls.within.get(one.function, ())]
            early = one.function in calls.early
            if (ending is None and (seen or early)) or (ending == "survived" and early):
                yield anew.tried(name, file, one, [found.tests[place] for place in seen] or tests, folder)
            else:
                yield ending or _NO_TEST


def _warmth(name: str) -> Callable[[], object]:
    """Reads the register, unless it is what the module does."""
    reader = f"{PACKAGE}.requirement"
    return lambda: None if name == reader else import_module(reader).load_register()


def _told(one: Made, ending: str) -> str:
    return "wording" if ending == "survived" and is_wording(one.before, one.after) else ending


@contextlib.contextmanager
def _quiet(folder: Path) -> Iterator[None]:
    """What this process and its children say goes to a file, which is shown when something breaks."""
    log = folder / "log"
    kept = os.dup(1), os.dup(2)
    with log.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    except BaseException as error:
        shown = log.read_text(errors="replace")[-3000:]
        raise RuntimeError(f"{shown}\n{error}") from error
    finally:
        for number, descriptor in zip(kept, (1, 2), strict=True):
            os.dup2(number, descriptor)
            os.close(number)
