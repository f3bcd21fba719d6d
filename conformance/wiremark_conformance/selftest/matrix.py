"""What the trials show together: which fault each check catches, and whether any cries wolf. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from wiremark_reports.record import Verdict

from wiremark_conformance.requirement import Register, Requirement
from wiremark_conformance.selftest.trial import Outcome

_BROKEN = f"{Verdict.HARNESS_ERROR}: "
_BREAKABLE = ("MUST", "SHOULD")


@dataclass(frozen=True, slots=True)
class FaultResult:
    """A fault and what fired.

    entry:  the fault in the catalogue, as `meta/faults` has it
    fired:  requirements, in the order of the register
    missed: what must have caught it and did not
    stray:  what fired and has nothing to do with it
    broke:  why the trial or a check broke, else ""
    """

    entry: Mapping[str, Any]
    fired: tuple[str, ...]
    missed: tuple[str, ...]
    stray: tuple[str, ...]
    broke: str

    @property
    def name(self) -> str:
        return str(self.entry["name"])

    @property
    def detected(self) -> bool:
        return not self.missed and not self.broke and bool(self.fired)

    @property
    def ok(self) -> bool:
        return self.detected and not self.stray


@dataclass(frozen=True, slots=True)
class Alarm:
    """A finding on legal behaviour. requirement: "" when the trial itself broke."""

    trial: str
    requirement: str
    message: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """Everything that a run of the self-test found.

    faults:       every fault that was tried
    proofs:       requirement that can be broken → the faults that show it
    unbreakable:  requirements that nothing can break here → why
    alarms:       findings on legal behaviour
    variants:     how many variants were tried one by one
    mixtures:     how many seeded mixtures of them
    all_faults:   whether the whole catalogue was tried, so that an unproven requirement means something
    """

    faults: tuple[FaultResult, ...]
    proofs: Mapping[str, tuple[str, ...]]
    unbreakable: Mapping[str, str]
    alarms: tuple[Alarm, ...]
    variants: int
    mixtures: int
    all_faults: bool = True

    @property
    def unproven(self) -> tuple[str, ...]:
        return tuple(name for name, faults in self.proofs.items() if not faults)

    @property
    def undetected(self) -> tuple[FaultResult, ...]:
        return tuple(fault for fault in self.faults if not fault.detected)

    @property
    def ok(self) -> bool:
        """Every fault detected and nothing else blamed, every requirement proven, no false alarm."""
        proven = not self.unproven or not self.all_faults
        return proven and not self.alarms and all(fault.ok for fault in self.faults)

    @property
    def summary(self) -> dict[str, int]:
        return {
            "faults": len(self.faults),
            "detected": len(self.faults) - len(self.undetected),
            "requirements": len(self.proofs),
            "proven": len(self.proofs) - len(self.unproven),
            "unproven": len(self.unproven),
            "variants": self.variants,
            "false_alarms": len(self.alarms),
        }


def judged(entry: Mapping[str, Any], outcome: Outcome, register: Register) -> FaultResult:
    """A fault's trial held against what the fault declares; a pattern is met by anything it matches.

    What fires in an area where the fault must be caught is related to it; in any other area it must be
    allowed by name.
    """
    declared: Sequence[str] = entry["catches"]
    allowed = (*declared, *entry["allows"])
    areas = {register[name].area for name in declared if name in register}
    harness = [name for name, message in outcome.fired.items() if message.startswith(_BROKEN)]
    return FaultResult(
        entry,
        tuple(outcome.fired),
        tuple(pattern for pattern in declared if not _matching(outcome.fired, (pattern,))),
        tuple(
            name
            for name in outcome.fired
            if register[name].area not in areas and not _matching((name,), allowed)
        ),
        outcome.broke or "; ".join(outcome.fired[name] for name in harness),
    )


def _matching(names: Iterable[str], patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def alarms(outcomes: Iterable[Outcome]) -> tuple[Alarm, ...]:
    """Every finding on servers that do nothing wrong."""
    found: list[Alarm] = []
    for outcome in outcomes:
        if outcome.broke:
            found.append(Alarm(outcome.trial.name, "", outcome.broke))
        found += [Alarm(outcome.trial.name, name, message) for name, message in outcome.fired.items()]
    return tuple(found)


def matrix(
    register: Iterable[Requirement],
    faults: Sequence[FaultResult],
    baselines: Sequence[Outcome],
    legal: Sequence[Outcome],
    *,
    unbreakable: Mapping[str, str],
    variants: int,
    all_faults: bool,
) -> Matrix:
    """Put together what was found.

    baselines:   of each contract that is served, without any fault or variant
    legal:       trials of variants and their mixtures
    unbreakable: requirements that are owed no proof → why
    """
    proofs: dict[str, list[str]] = {
        r.id: [] for r in register if r.level in _BREAKABLE and r.id not in unbreakable
    }
    for fault in faults:
        if fault.broke:
            continue
        for name in fault.fired:
            if name in proofs and name not in fault.stray:
                proofs[name].append(fault.name)
    return Matrix(
        tuple(faults),
        {name: tuple(found) for name, found in proofs.items()},
        unbreakable,
        alarms([*baselines, *legal]),
        variants,
        len(legal) - variants,
        all_faults,
    )
