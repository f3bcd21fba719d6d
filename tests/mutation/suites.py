"""One module's mutants, tried by its tests: pytest collects once, and each mutant runs in a fork of that.

A mutant is tried by the tests that call its function. The code of the function is exchanged, so decorators
are no hindrance, and what the module has memoised is forgotten. A function that runs before the first test,
to make something while its module is imported, has had its effect by then: see `anew.py`.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from tests.mutation.forking import EndedError, in_child
from tests.mutation.listening import Spans, listening, spans
from tests.mutation.mutants import Made
from tests.mutation.swapping import exchanged

_SECONDS = 10.0  # of computing, beside what the tests take without a mutant
_FLAGS = ("-q", "--no-header", "-p", "no:cacheprovider", "-W", "ignore:Module already imported", "-o")
_WAIT = "timeout=100"  # for a test that a mutant lets wait


@dataclass(slots=True)
class Calls:
    """Which tests call what.

    itself: function → tests that call it, by their places; within: that call something defined in it
    early:  functions that run before the first test
    took:   seconds of each test
    failed: tests that fail without a mutant
    """

    itself: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    within: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    early: set[str] = field(default_factory=set)
    took: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Told:
    """What a session found out.

    tests:   the names by which pytest finds them, in order
    endings: of each mutant: `killed`, `too slow`, `survived`, or None when no test calls its function, or the
             function cannot be exchanged
    """

    tests: Sequence[str]
    calls: Calls
    endings: Sequence[str | None]


def tried(
    name: str,
    file: Path,
    mutants: Sequence[Made],
    tests: Sequence[str],
    folder: Path,
    warm: Callable[[], object] = lambda: None,
) -> Told:
    """A session with each mutant in turn.

    name:   of the module, as it is imported
    folder: for what tests write
    warm:   reads what takes long and has nothing to do with the module, once for all mutants

    Raises SystemExit when the tests cannot be collected, or fail without a mutant.
    """
    bench = _Bench(name, file, mutants, warm)
    code = pytest.main([*arguments(folder), *tests], [bench])
    if bench.told is None or bench.told.calls.failed:
        failed = ", ".join(bench.told.calls.failed if bench.told else ()) or f"pytest ended with {code}"
        raise SystemExit(f"{name}: its tests fail, so that no change of it means anything: {failed}")
    return bench.told


def arguments(folder: Path) -> tuple[str, ...]:
    """Of pytest, for a session that leaves nothing behind but in this folder."""
    return (*_FLAGS, _WAIT, f"--basetemp={folder / 'base'}")


class _Bench:
    """A plugin of pytest that runs the tests of each mutant in the place of all tests once."""

    def __init__(self, name: str, file: Path, mutants: Sequence[Made], warm: Callable[[], object]) -> None:
        self.told: Told | None = None
        self._name, self._file, self._mutants, self._warm = name, file, mutants, warm
        self._calls = Calls()
        self._failed: list[str] = []
        self._spans: Spans = spans(file.read_text(encoding="utf-8"))
        self._early = contextlib.ExitStack()
        self._early.enter_context(listening(self._spans, str(file), set(), self._calls.early))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Whatever fails notices the mutant."""
        if report.failed:
            self._failed.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Instead of running the tests."""
        self._early.close()
        if session.testsfailed:
            return None  # pytest tells what could not be collected
        self._warm()
        module = import_module(self._name)
        items = session.items
        calls = in_child(lambda: self._heard(module, items))
        endings = () if calls.failed else [self._ending(module, one, items, calls) for one in self._mutants]
        self.told = Told([_name(item) for item in items], calls, endings)
        return True

    def _heard(self, module: ModuleType, items: Sequence[pytest.Item]) -> Calls:
        """Every test, and what it calls when nothing is memoised yet."""
        for place in range(len(items)):
            _forget(module)
            seen: set[str] = set()
            itself: set[str] = set()
            begun = time.monotonic()
            with listening(self._spans, str(self._file), seen, itself):
                _run(items, [place])
            self._calls.took.append(time.monotonic() - begun)
            for functions, found in ((itself, self._calls.itself), (seen - itself, self._calls.within)):
                for function in functions:
                    found[function].append(place)
        self._calls.failed += self._failed
        return self._calls

    def _ending(
        self, module: ModuleType, one: Made, items: Sequence[pytest.Item], calls: Calls
    ) -> str | None:
        chosen = sorted(calls.itself.get(one.function, ()), key=calls.took.__getitem__)
        try:
            with exchanged(module, one):
                pass
        except SyntaxError:
            return "killed"
        except ValueError:
            return None
        if not chosen:
            return None
        limit = _SECONDS + sum(calls.took[place] for place in chosen)
        return ending(lambda: self._notices(module, one, items, chosen), limit)

    def _notices(
        self, module: ModuleType, one: Made, items: Sequence[pytest.Item], chosen: Sequence[int]
    ) -> bool:
        with exchanged(module, one):
            _forget(module)
            for at in range(len(chosen)):
                _run(items, chosen[at:])
                if self._failed:
                    return True
        return False


def ending(notices: Callable[[], bool], seconds: float) -> str:
    """How a mutant ends that is tried in a process of its own: `killed`, `too slow` or `survived`."""
    try:
        return "killed" if in_child(notices, seconds=seconds) else "survived"
    except EndedError as error:
        return "too slow" if error.by else "killed"


def _name(item: pytest.Item) -> str:
    """By which pytest finds it, wherever it is asked."""
    return "::".join([str(item.path), *item.nodeid.split("::")[1:]])


def _run(items: Sequence[pytest.Item], places: Sequence[int]) -> None:
    """The first of these tests; what it shares with the next one is kept for it."""
    item, after = items[places[0]], items[places[1]] if len(places) > 1 else None
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)


def _forget(module: ModuleType) -> None:
    for value in vars(module).values():
        if hasattr(value, "cache_clear"):
            value.cache_clear()
