"""What a run concludes from its exchanges; pure, so that a recording of the run concludes the same.

A judgement becomes a result once three things are settled: whether a model in a mood is asked again,
whether the finding is a known deviation, and which exchanges are shown for it, secrets taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from wiremark_reports.record import Deviation, Report, Result, Verdict

from wiremark_conformance import mood, redact
from wiremark_conformance.deviations import Standing, standing
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.judge import CHECKS, Judgement, judge_one
from wiremark_conformance.outcomes import SHOWN
from wiremark_conformance.target import Target

_NOT_SHOWN = frozenset({Verdict.PASS, Verdict.UNDECLARED})

# Further samples of what a requirement looks at, each with all exchanges; none: the first one settles it.
Sampler = Callable[[str, Evidence], Sequence[Mapping[str, Exchange]]]


def once(_requirement: str, _first: Evidence) -> Sequence[Mapping[str, Exchange]]:
    """A sampler for what cannot be asked again."""
    return ()


@dataclass(frozen=True, slots=True)
class Conclusion:
    """A result and what the deviations file makes of it.

    accepted: the finding is a known deviation
    note:     what is to be said before the finding; with `accepted` false it makes the item fail
    """

    result: Result
    accepted: bool = False
    note: str = ""

    @property
    def is_finding(self) -> bool:
        """Whether this alone makes a run end with findings, as against could not be judged."""
        return not self.accepted and (bool(self.note) or SHOWN[self.result.verdict].phase == "failed")


def untouched(requirement_id: str, evidence: Evidence) -> dict[str, Exchange]:
    """The exchanges that a further sample for a requirement does not make anew."""
    again = CHECKS[requirement_id].probes
    return {name: exchange for name, exchange in evidence.exchanges.items() if name not in again}


@dataclass
class Verdicts:
    """The conclusions on one run's exchanges, each drawn once and kept in the order in which they were asked.

    today: the UTC day of the run, by which deviations expire
    again: asks for further samples where the first one of a model in a mood was a finding
    """

    evidence: Evidence
    deviations: Mapping[str, Deviation]
    today: date
    again: Sampler
    conclusions: dict[str, Conclusion] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._secrets = tuple(self.evidence.target.credentials.keys.values())
        self._redactor = redact.Redactor(self._secrets)

    def conclude(self, requirement_id: str) -> Conclusion:
        """The conclusion on one requirement of the register."""
        if requirement_id not in self.conclusions:
            self.add(self._judged(requirement_id))
        return self.conclusions[requirement_id]

    def add(self, judgement: Judgement) -> None:
        """Conclude from a judgement that was made elsewhere."""
        self.conclusions[judgement.requirement.id] = self._concluded(judgement)

    def _judged(self, requirement_id: str) -> Judgement:
        first = judge_one(requirement_id, self.evidence)
        if not first.requirement.mood or first.verdict not in mood.FINDINGS:
            return first
        target = self.evidence.target
        again = [
            judge_one(requirement_id, Evidence(target, made))
            for made in self.again(requirement_id, self.evidence)
        ]
        return mood.settle(first, again) if again else first

    def _concluded(self, judgement: Judgement) -> Conclusion:
        requirement, verdict = judgement.requirement, judgement.verdict
        deviation = self.deviations.get(requirement.id)
        stands = standing(verdict, deviation, self.today)
        result = Result(
            requirement=requirement.id,
            level=requirement.level,
            verdict=verdict,
            area=requirement.area,
            text=requirement.text,
            source_kind=requirement.source.kind,
            source_ref=requirement.source.ref,
            message=self._redactor.text(judgement.message),
            evidence=tuple(
                redact.evidence(self.evidence.exchanges[probe], self._secrets)
                for probe in judgement.probes
                if verdict not in _NOT_SHOWN and probe in self.evidence.exchanges
            ),
            deviation=deviation if stands is Standing.COVERED else None,
        )
        return Conclusion(result, stands is Standing.COVERED, _note(stands, deviation))


def _note(stands: Standing, deviation: Deviation | None) -> str:
    if deviation is None or stands is Standing.NONE:
        return ""
    entry = f"{deviation.owner}: {deviation.reason}"
    notes = {
        Standing.COVERED: f"known deviation until {deviation.expires} ({entry})",
        Standing.EXPIRED: f"the deviation accepted until {deviation.expires} has expired ({entry})",
        Standing.STALE: f"this is met, so the deviations file must no longer list it ({entry})",
    }
    return notes[stands]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report says of a run beside its verdicts.

    version:  of the tool
    started:  RFC 3339, UTC
    seconds:  the run took; requests: HTTP requests made, retries included
    """

    version: str
    target: Target
    started: str
    seconds: float
    requests: int

    def report(self, conclusions: Mapping[str, Conclusion]) -> Report:
        """The report of the run."""
        return Report(
            version=self.version,
            base_url=self.target.base_url,
            contract=self.target.contract.name,
            model=self.target.model or None,
            roles=tuple(sorted(self.target.credentials.roles)),
            started=self.started,
            seconds=self.seconds,
            requests=self.requests,
            results=tuple(conclusion.result for conclusion in conclusions.values()),
        )


@dataclass(frozen=True, slots=True)
class Judged:
    """What a file of traffic gave.

    notes:   sentences on what of it was not judged, and why
    entries: how many exchanges of other clients it holds; 0 for a run of the suite
    known:   what a file of a known bug says of itself, and whether that was found; else ""
    """

    facts: Facts
    conclusions: Mapping[str, Conclusion]
    notes: tuple[str, ...] = ()
    entries: int = 0
    known: str = ""

    @property
    def report(self) -> Report:
        return self.facts.report(self.conclusions)
