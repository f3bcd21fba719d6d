"""The mutants of the checks, module by module, several modules at a time."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from tests.mutation import trying
from tests.mutation.cases import Cases
from tests.mutation.making import with_tables
from tests.mutation.mutants import Mutant

_cases: list[Cases] = []  # of this run: the processes are forked with them, for they are large


def mutate(
    root: Path, modules: Sequence[str], cases: Cases, told: Callable[[str, Sequence[Mutant]], None]
) -> list[Mutant]:
    """Every mutant of the modules and how it ended. `told` hears of each module that is done.

    root: of the package
    """
    _cases.append(cases)
    gc.collect()
    gc.freeze()  # or each of the processes would look through all cases for garbage, and get a copy of them
    found: list[Mutant] = []
    try:
        with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
            tried = {pool.submit(_try, module, root): module for module in modules}
            for future in as_completed(tried):
                told(tried[future], future.result())
                found += future.result()
    finally:
        gc.unfreeze()
        _cases.clear()
    return found


def _try(module: str, root: Path) -> list[Mutant]:
    return trying.attempt(module, with_tables(root / f"{module}.py"), _cases[0])
