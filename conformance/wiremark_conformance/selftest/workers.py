"""Trials made by several processes at once; a server under trial has a process's own loop and files."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context, parent_process
from typing import TypeVar

from wiremark_conformance.selftest import subject
from wiremark_conformance.selftest.trial import Outcome, Trial, run

T = TypeVar("T")

_PER_CORE = 2  # a trial waits for its ledger's disk about as long as it computes


def outcomes(
    trials: Sequence[Trial], *, workers: int = 0, progress: Callable[[int], None] = lambda _: None
) -> tuple[Outcome, ...]:
    """What each trial found, in order; `workers` and `progress` as for `each`."""
    return each(run, trials, workers=workers, progress=progress)


def each(
    made: Callable[[Trial, subject.Subject], T],
    trials: Sequence[Trial],
    *,
    workers: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[T, ...]:
    """What is made of each trial, in order.

    made:     a function of a module, which the processes find by its name
    workers:  processes; 0 for as many as this machine has use for
    progress: is told how many are done
    """
    count = min(workers or _PER_CORE * (os.cpu_count() or 1), len(trials)) or 1
    found: list[T] = []
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_parent) as pool:
        for one in pool.map(partial(_make, made), trials, chunksize=4):
            found.append(one)
            progress(len(found))
    return tuple(found)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for ever for the next trial."""

    def wait() -> None:
        parent = parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, name="wiremark-parent", daemon=True).start()


@cache
def _subject() -> subject.Subject:
    """One for the life of a process: what it prepares is used by every trial."""
    found = subject.load()
    atexit.register(found.close)
    return found


def _make(made: Callable[[Trial, subject.Subject], T], trial: Trial) -> T:
    return made(trial, _subject())
