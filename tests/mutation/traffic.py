"""What every server of the self-test answered, recorded once, so that it can be judged any number of times.

Nothing of it is ever committed: a recording lasts as long as the run that made it.
"""

from __future__ import annotations

import pickle
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from wiremark_conformance.checks.billing.check_ledger import LEDGER
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.judge import CHECKS, judge_given, probes_for
from wiremark_conformance.selftest import subject, workers
from wiremark_conformance.selftest.plan import LOW_RATE, plan
from wiremark_conformance.selftest.trial import FOUND, BrokenTrialError, Trial, asked, observe, required
from wiremark_conformance.selftest.unbreakable import load_unbreakable
from wiremark_conformance.target import Target

from tests.conformance.judging.world import OF_THE_WHOLE_RUN

_SEED = 1
_ENOUGH = 3  # faults that a requirement must catch


@dataclass(frozen=True, slots=True)
class Answers(Mapping[str, Exchange]):
    """Exchanges by probe, each kept small until somebody looks at it."""

    packed: Mapping[str, bytes]

    def __getitem__(self, probe: str) -> Exchange:
        exchange: Exchange = pickle.loads(zlib.decompress(self.packed[probe]))  # noqa: S301 - our own
        return exchange

    def __contains__(self, probe: object) -> bool:
        return probe in self.packed

    def __iter__(self) -> Iterator[str]:
        return iter(self.packed)

    def __len__(self) -> int:
        return len(self.packed)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One trial, what its server answered, and the requirements of which something was found."""

    trial: Trial
    target: Target
    answers: Answers
    fired: tuple[str, ...]


def catalogue() -> Mapping[str, Any]:
    """The faults and variants of the installed server: `meta/faults`."""
    found = subject.load()
    try:
        return found.catalogue()
    finally:
        found.close()


def record(known: Mapping[str, Any], about: Collection[str] = (), processes: int = 0) -> tuple[Recorded, ...]:
    """The good server under each contract, every variant, all variants at once, and faults.

    A trial that broke promises nothing and is left out; `wiremark selftest` is there to tell of it.

    about:     nothing is asked but what these requirements need, of faults by which they are broken
    processes: that record; 0 for as many as this machine has use for
    """
    todo = [one for one in trials(known) if not (about and one.faults) or set(required(one)) & set(about)]
    made = workers.each(partial(_recorded, about=tuple(about)), todo, workers=processes)
    found = [one for one in made if one is not None]
    shared = {one.trial.contract: one.target.contract for one in found}
    return tuple(
        replace(one, target=replace(one.target, contract=shared[one.trial.contract])) for one in found
    )


def trials(known: Mapping[str, Any]) -> tuple[Trial, ...]:
    """What is recorded; of the faults as many as each requirement needs to have a few of its own."""
    todo = plan(known, seed=_SEED, rate=LOW_RATE, without=load_unbreakable())
    together = [trial for trial in todo.mixtures if trial.name.startswith("all ")]
    catches = {fault["name"]: fault["catches"] for fault in known["faults"]}
    shown: Counter[str] = Counter()
    faults: list[Trial] = []
    for trial in todo.faults:
        if any(shown[name] < _ENOUGH for name in catches[trial.name]):
            faults.append(trial)
            shown.update(catches[trial.name])
    return (*todo.baselines, *todo.variants, *together, *faults)


def _recorded(trial: Trial, server: subject.Subject, about: Sequence[str]) -> Recorded | None:
    try:
        evidence = observe(trial, server, probes_for(about) if about and not trial.faults else _probes(trial))
    except BrokenTrialError:
        return None
    fired = tuple(one.requirement.id for one in judge_given(evidence) if one.verdict in FOUND)
    packed = {name: zlib.compress(pickle.dumps(one), 1) for name, one in evidence.exchanges.items()}
    return Recorded(trial, evidence.target, Answers(packed), fired)


def _probes(trial: Trial) -> tuple[str, ...]:
    """Of a fault no more is asked than it must be caught by, unless that looks at the whole run."""
    names = required(trial)
    if not names or any(name in OF_THE_WHOLE_RUN or LEDGER in CHECKS[name].probes for name in names):
        return asked(trial)
    return probes_for(names)
