"""The cases that a mutant of a check has to get through: evidence, a requirement, what must be said of it.

They are the promises that stand in this repository, and no others: those of the self-test (every fault is
found by what it names, nothing is found on legal behaviour) and those of the tests of the checks (each says
the verdict). That a verdict changes on traffic of which nobody has said what is right, notices nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.judge import CHECKS, Judgement, judge_one, judge_one_given
from wiremark_conformance.selftest.trial import FOUND
from wiremark_conformance.target import Target
from wiremark_reports.record import Verdict

from tests.conformance.judging import world
from tests.mutation.traffic import Recorded

_QUIET = frozenset(Verdict) - FOUND
_CAUGHT = FOUND - {Verdict.HARNESS_ERROR}
_QUIETLY = ("-q", "-p", "no:cacheprovider", "--no-header", "-W", "ignore:Module already imported")
Findings = Callable[[world.World, str], dict[str, str]]
TESTS = tuple((Path(__file__).parents[1] / "conformance" / "judging").glob("test_[cgv]*.py"))


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One requirement on some evidence.

    name:    the test or the trial that it comes from
    given:   the exchanges are some of a run: checks that look at others are not asked
    allowed: the verdicts that keep the promise
    """

    requirement: str
    name: str
    target: Target
    exchanges: Mapping[str, Exchange]
    given: bool
    allowed: frozenset[Verdict]

    @property
    def is_quiet(self) -> bool:
        """Whether no more is promised than that nothing is found."""
        return Verdict.PASS in self.allowed and len(self.allowed) > 1

    def verdict(self, evidence: Evidence) -> Verdict:
        """What the judge says now; a check that is not asked says nothing."""
        if not self.given:
            return judge_one(self.requirement, evidence).verdict
        judged = judge_one_given(self.requirement, evidence)
        return Verdict.UNDECLARED if judged is None else judged.verdict

    def kept(self, evidence: Evidence) -> bool:
        """Whether the promise is kept."""
        return self.verdict(evidence) in self.allowed


Cases = Mapping[str, Sequence[Case]]  # by requirement, those that tell most first


def cases(recorded: Iterable[Recorded], catalogue: Mapping[str, Any]) -> Cases:
    """From the tests, which are run for it, and from the traffic of the self-test."""
    return sorted_out((*from_tests(), *from_traffic(recorded, catalogue)))


def sorted_out(some: Iterable[Case]) -> Cases:
    """Cases by their requirements."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in some:
        found[case.requirement].append(case)
    return {name: sorted(of_it, key=sharpness) for name, of_it in found.items()}


def from_traffic(
    recorded: Iterable[Recorded], catalogue: Mapping[str, Any], about: Collection[str] = CHECKS.keys()
) -> Iterator[Case]:
    """What the self-test promises of its servers: a fault is found, and on legal behaviour nothing is."""
    entries = {fault["name"]: fault for fault in catalogue["faults"]}
    for one in recorded:
        if one.trial.faults:
            for name in _owed(entries[one.trial.name]["catches"], one.fired):
                yield _case(one, name, _CAUGHT)
        else:
            for name in about:
                yield _case(one, name, _QUIET)


def _case(one: Recorded, requirement: str, allowed: frozenset[Verdict]) -> Case:
    return Case(requirement, one.trial.name, one.target, one.answers, True, allowed)


def sharpness(case: Case) -> int:
    """Small evidence with a sharp promise first."""
    return 2 if case.is_quiet else 0 if len(case.allowed) == 1 else 1


def _owed(patterns: Sequence[str], fired: Sequence[str]) -> Iterator[str]:
    """What must have fired: what is named, and what alone meets a pattern."""
    for pattern in patterns:
        found = [name for name in fired if fnmatchcase(name, pattern)]
        if len(found) == 1:
            yield found[0]


def from_tests(*files: Path, about: Container[str] | None = None) -> tuple[Case, ...]:
    """Every verdict that these tests ask for. Raises SystemExit when one of them fails.

    about: tests are run that ask for one of these requirements, and no others
    """
    listener = _Listener(about)
    code = pytest.main([*_QUIETLY, *map(str, files or TESTS)], [listener])
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        return ()
    if code:
        raise SystemExit("the tests of the checks fail, so that no change to a check means anything")
    return tuple(listener.found)


class _Listener:
    """A plugin of pytest that hears what the worlds of the tests ask the judge."""

    def __init__(self, about: Container[str] | None) -> None:
        self.found: list[Case] = []
        self._about = about
        self._test = ""
        self._all_asked = False

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leaves out what asks for other requirements, or for all of them."""
        if self._about is not None:
            items[:] = [item for item in items if _requirement(item) in self._about]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """While a test runs, its worlds speak to the judge through this."""
        self._test = item.nodeid
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(world, "judge_one", self._asked)
            patch.setattr(world.World, "findings", self._surveyed(world.World.findings))
            return (yield)

    def _surveyed(self, findings: Findings) -> Findings:
        def all_of_them(asked: world.World, areas: str = "") -> dict[str, str]:
            self._all_asked = True
            try:
                return findings(asked, areas)
            finally:
                self._all_asked = False

        return all_of_them

    def _asked(self, requirement: str, evidence: Evidence) -> Judgement:
        """Who asks about one requirement says the verdict; who asks about all, what is no finding."""
        judged = judge_one(requirement, evidence)
        allowed = _QUIET if self._all_asked else frozenset({judged.verdict})
        if judged.verdict in allowed:
            self.found.append(
                Case(requirement, self._test, evidence.target, evidence.exchanges, False, allowed)
            )
        return judged


def _requirement(item: pytest.Item) -> str:
    """What a test of a table is about; "" for any other one."""
    call = getattr(item, "callspec", None)
    return str(call.params.get("requirement", "")) if call else ""
