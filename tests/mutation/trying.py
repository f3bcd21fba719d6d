"""One module's mutants, tried in this process: a function or a table is exchanged, and its cases are judged.

Judging is pure, so nothing has to be started anew: a mutant costs as long as its cases take until the first
promise is broken. What is memoised in the module itself is forgotten between two mutants.
"""

from __future__ import annotations

import contextlib
import inspect
import signal
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from wiremark_conformance.checking import CHECKS
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.exchange import Exchange

from tests.mutation.cases import Case, Cases, sharpness
from tests.mutation.entries import changed
from tests.mutation.exchanging import NotImportableError, defined, forget, rebuilt
from tests.mutation.listening import listening, spans
from tests.mutation.mutants import Made, Mutant
from tests.mutation.swapping import exchanged
from tests.mutation.tables import Reach, reach, retabled
from tests.mutation.wording import is_wording

PACKAGE = "wiremark_conformance"
_SURVEYS = 100  # at most, of a mutant that nothing else notices; each is read anew
_SECONDS = 3.0  # of computing, until a case that takes milliseconds counts as endless


class _Endless(BaseException):
    """Raised into a mutant that does not come to an end; no check catches it."""


def attempt(module: str, mutants: Iterable[Made], cases: Cases) -> list[Mutant]:
    """How each mutant of a module such as `checks/chat/check_answer` ends."""
    live = module_of(module)
    bench = _Bench(live, cases)
    return [Mutant(changed(module, one), bench.ending(one)) for one in mutants]


def module_of(name: str) -> ModuleType:
    """The live module behind a name such as `checks/chat/check_answer`."""
    return import_module(f"{PACKAGE}.{name.replace('/', '.').removesuffix('.__init__')}")


def owing(module: str, mutants: Iterable[Made]) -> set[str]:
    """The requirements that these mutants of a module may have something to do with."""
    live = module_of(module)
    tables = {one.function for one in mutants if one.is_table}
    places = {place for name in tables for place in reach(live, name).modules()}
    return {name for place in (live, *places) for name in judged_with(place)}


class _Bench:
    """A module and the cases that go through each of its functions."""

    def __init__(self, module: ModuleType, cases: Cases) -> None:
        self._module = module
        self._evidence: dict[int, Evidence] = {}
        self._fresh = not module.__name__.startswith(f"{PACKAGE}.checks.")
        self._spans = spans(inspect.getsource(module))
        self._called: set[str] = set()
        self._cases = cases
        self._all = [c for name in defined(module) for c in cases.get(name, ()) if not _is_survey(c)]
        self._through = self._traced(cases)

    def ending(self, one: Made) -> str:
        """`killed`, `too slow`, `wording`, `survived` or `called by no case`."""
        through, exchange = self._prepared(one)
        if not through:
            return "called by no case"
        wording = not one.is_table and is_wording(one.before, one.after)
        if wording:  # a sentence is made where something is found
            through = [case for case in through if not case.is_quiet]
        try:
            with exchange:
                if self._notices(through):
                    return "killed"
                if wording:
                    return "wording"
                surveys = [c for name in _asked(through) for c in self._cases.get(name, ()) if _is_survey(c)]
                some = surveys[:: len(surveys) // _SURVEYS + 1]
                return "killed" if self._notices(some) else "survived"
        except (SyntaxError, NotImportableError):
            return "killed"
        except _Endless:
            return "too slow"

    def _prepared(self, one: Made) -> tuple[Sequence[Case], contextlib.AbstractContextManager[None]]:
        """The cases that a mutant has to get through, and the exchange for it."""
        if one.is_table:
            reached = reach(self._module, one.function)
            return self._looking(reached), retabled(self._module, one, reached)
        if one.function in self._called:
            return self._through.get(one.function, ()), exchanged(self._module, one)
        return self._all, rebuilt(self._module, one)

    def _looking(self, reached: Reach) -> Sequence[Case]:
        """The cases that may look at a table; of other modules which do, all of theirs."""
        found = list(self._all if reached.remade else ())
        for function in reached.readers(self._module):
            found += self._through.get(function, ())
        for place in reached.modules():
            if place is not self._module:
                found += self._judged_by(place)
        return sorted(dict.fromkeys(found), key=sharpness)

    def _judged_by(self, module: ModuleType) -> Iterator[Case]:
        names = judged_with(module)
        return (case for name in names for case in self._cases.get(name, ()) if not _is_survey(case))

    def _notices(self, through: Sequence[Case]) -> bool:
        forget(self._module)
        for case in through:
            evidence = self._evidence_of(case)
            with _limited():
                if not _kept(case, evidence):
                    return True
        return False

    def _evidence_of(self, case: Case) -> Evidence:
        if self._fresh or _is_survey(case):
            return Evidence(case.target, case.exchanges)
        known = id(case.exchanges)
        if known not in self._evidence:
            self._evidence[known] = Evidence(case.target, _Remembered(case.exchanges))
        return self._evidence[known]

    def _traced(self, cases: Cases) -> Mapping[str, Sequence[Case]]:
        """The cases that go through each function of the module. Raises RuntimeError when one is not kept."""
        found: dict[str, list[Case]] = defaultdict(list)
        for name in judged_with(self._module):
            for case in (case for case in cases.get(name, ()) if not _is_survey(case)):
                seen: set[str] = set()
                evidence = self._evidence_of(case)
                case.kept(evidence)  # what is read of it once and for all need not be listened to
                forget(self._module)
                with listening(self._spans, str(self._module.__file__), seen, self._called):
                    kept = case.kept(evidence)
                if not kept:
                    raise RuntimeError(f"{case.name}: the verdict on {name} is another one than before")
                for function in seen:
                    found[function].append(case)
        return {function: sorted(through, key=sharpness) for function, through in found.items()}


def _kept(case: Case, evidence: Evidence) -> bool:
    """Whether the promise is kept; a check tied to a probe that does not exist breaks the judge itself."""
    try:
        return case.kept(evidence)
    except Exception:  # noqa: BLE001 - every case was judged before the change, so the change is noticed
        return False


def _is_survey(case: Case) -> bool:
    """Of a test that asks whether anything at all is found: large evidence, kept for what is left."""
    return case.is_quiet and not case.given


def _asked(cases: Iterable[Case]) -> Iterable[str]:
    return dict.fromkeys(case.requirement for case in cases)


class _Remembered(Mapping[str, Exchange]):
    """Exchanges that are unpacked when they are looked at, and then kept."""

    def __init__(self, packed: Mapping[str, Exchange]) -> None:
        self._packed = packed
        self._known: dict[str, Exchange] = {}

    def __getitem__(self, probe: str) -> Exchange:
        if probe not in self._known:
            self._known[probe] = self._packed[probe]
        return self._known[probe]

    def __contains__(self, probe: object) -> bool:
        return probe in self._packed

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


def judged_with(module: ModuleType) -> Sequence[str]:
    """The requirements whose checks use the module, by whatever it is imported through."""
    loaded = {name: one for name, one in sys.modules.items() if name.startswith(PACKAGE)}
    users: set[str] = set()
    found = {module.__name__}
    while found:
        users |= found
        found = {
            name
            for name, one in loaded.items()
            if name not in users and any(_home(value) in users for value in list(vars(one).values()))
        }
    return [name for name, check in CHECKS.items() if check.function.__module__ in users]


def _home(value: object) -> object:
    return value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Raises _Endless within what takes too long."""
    signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _too_long(_number: int, _frame: object) -> NoReturn:
    raise _Endless


signal.signal(signal.SIGVTALRM, _too_long)
