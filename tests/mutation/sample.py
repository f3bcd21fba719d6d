"""The quick form: a few mutants of a few modules of checks, drawn from a seed, tried in half a minute.

They are tried on the tests that ask for a requirement of theirs. One that no test notices is tried on what
the servers of the self-test answer as far as these requirements are concerned, recorded for it; and one that
lives on even then, on the tests of whole endpoints. So whatever the full form notices is noticed here, or it
is not decided: where a check looks at a whole run, or at so many answers that they are not recorded in time.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from wiremark_conformance.checks.billing.check_ledger import LEDGER
from wiremark_conformance.judge import CHECKS, probes_for

from tests.conformance.judging.world import OF_THE_WHOLE_RUN
from tests.mutation import cases, traffic, trying
from tests.mutation.cases import Case
from tests.mutation.making import with_tables
from tests.mutation.mutants import UNDECIDED, Change, Made, Mutant

_MODULES = 3
_OF_EACH = 12  # mutants
_PROBES = 120  # more are not recorded in half a minute

Drawn = Mapping[str, Sequence[Made]]  # mutants by module


def draw(root: Path, modules: Sequence[str], seed: int) -> Drawn:
    """Modules and mutants of each. root: of the package"""
    luck = random.Random(seed)  # noqa: S311 - nothing secret is drawn
    every = ((one, list(with_tables(root / f"{one}.py"))) for one in luck.sample(modules, len(modules)))
    chosen = islice(((module, some) for module, some in every if some), _MODULES)
    return {module: luck.sample(some, min(_OF_EACH, len(some))) for module, some in chosen}


def attempt(drawn: Drawn, explained: Collection[Change], unfinished: Container[str] = ()) -> list[Mutant]:
    """How each of them ends. Those that are explained, or of a table that is not finished, may live."""
    owing = {module: trying.owing(module, some) for module, some in drawn.items()}
    heard = cases.from_tests(about=set().union(*owing.values()))
    found = _Found(drawn, explained, unfinished)
    found.tried(heard)
    about = set(_recordable(owing[module] for module in found.open()))
    for module in found.open():
        if not owing[module] <= about:
            found.give_up(module)
    if any(found.open()):
        known = traffic.catalogue()
        recorded = traffic.record(known, about, processes=1)
        found.tried((*heard, *cases.from_traffic(recorded, known, about)))
    if any(found.open()):
        found.tried(cases.from_tests())
    return found.mutants()


def _recordable(owing: Iterable[Collection[str]]) -> Iterator[str]:
    """The requirements whose answers are recorded in time, of one module after the other."""
    taken: set[str] = set()
    for names in owing:
        more = probes_for({*taken, *names})
        if not any(_whole_run(name) for name in names) and len(more) <= _PROBES:
            taken |= set(names)
            yield from names


def _whole_run(name: str) -> bool:
    return name in OF_THE_WHOLE_RUN or LEDGER in CHECKS[name].probes


class _Found:
    """The mutants and how each has ended so far."""

    def __init__(self, drawn: Drawn, explained: Collection[Change], unfinished: Container[str]) -> None:
        self._made = drawn
        self._explained = explained
        self._unfinished = unfinished
        self._ends: dict[str, list[Mutant]] = {}

    def tried(self, heard: Iterable[Case]) -> None:
        """On further cases, as far as they are still open."""
        by_requirement = cases.sorted_out(heard)
        for module, some in self._made.items():
            ends = self._ends.get(module)
            places = [i for i in range(len(some)) if ends is None or self._is_open(ends[i])]
            if not places:
                continue
            tried = trying.attempt(module, [some[i] for i in places], by_requirement)
            known = dict(enumerate(ends or ())) | dict(zip(places, tried, strict=True))
            self._ends[module] = [known[i] for i in sorted(known)]

    def open(self) -> list[str]:
        """The modules of which one is alive that is neither explained nor given up."""
        return [module for module, ends in self._ends.items() if any(map(self._is_open, ends))]

    def give_up(self, module: str) -> None:
        """What is still alive of it is not decided."""
        ends = self._ends[module]
        ends[:] = [replace(one, ending=UNDECIDED) if self._is_open(one) else one for one in ends]

    def mutants(self) -> list[Mutant]:
        return [one for ends in self._ends.values() for one in ends]

    def _is_open(self, one: Mutant) -> bool:
        spared = one.change in self._explained or one.change.place in self._unfinished
        return one.lives and one.ending != UNDECIDED and not spared
