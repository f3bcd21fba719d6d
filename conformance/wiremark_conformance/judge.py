"""From evidence to verdicts; pure: no I/O, no clock, the same answer for the same recording.

The order of questions is the same for every check: is the capability promised, was the probe made,
did the transport hold, was the request refused; only then is the check itself asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

from wiremark_reports.record import Verdict

from wiremark_conformance import checks
from wiremark_conformance.checking import CHECKS, Check
from wiremark_conformance.evidence import Evidence, View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome, Silent
from wiremark_conformance.probes import PROBES, ProbeContext
from wiremark_conformance.requirement import Register, Requirement, load_register

__all__ = [
    "CHECKS",
    "Evidence",
    "Judgement",
    "combined",
    "judge",
    "judge_as",
    "judge_exchange",
    "judge_given",
    "judge_one",
    "judge_one_given",
    "probes_for",
    "with_needs",
]

checks.load()

# Transport failures that say nothing about how the endpoint speaks.
_INFRA = frozenset({"dns", "connect", "tls", "timeout", "reset"})
_UNREACHED = frozenset({"dns", "connect", "tls"})
# Statuses that an endpoint may answer to any request, good or bad, when it has too much to do. A 500
# in answer to a bad request is something else: a finding.
_BUSY = frozenset({429, 502, 503, 504, 529})
_NOT_JUDGED = {NotTestable: Verdict.NOT_TESTABLE, NotPromised: Verdict.UNDECLARED}


class Judgement(NamedTuple):
    """The verdict on one requirement, why, and on which probes it rests."""

    requirement: Requirement
    verdict: Verdict
    message: str
    probes: tuple[str, ...]


class _Ruling(NamedTuple):
    """A verdict on some probes, before it is known to which requirement it goes."""

    verdict: Verdict
    message: str = ""
    probes: tuple[str, ...] = ()


def judge(register: Register, evidence: Evidence) -> tuple[Judgement, ...]:
    """Every requirement of the register, in its order."""
    return tuple(_judge(requirement, evidence) for requirement in register)


def judge_one(requirement_id: str, evidence: Evidence) -> Judgement:
    """One requirement of the packaged register; raises KeyError when it has no such id."""
    return _judge(load_register()[requirement_id], evidence)


def judge_exchange(probe: str, evidence: Evidence) -> tuple[Judgement, ...]:
    """One exchange of a recording, by every check that looks at nothing else."""
    register = load_register()
    return tuple(_judge(register[name], evidence, (probe,)) for name in _alone()[probe])


def judge_given(evidence: Evidence) -> tuple[Judgement, ...]:
    """What can be said of some exchanges and no others: every check that looks at nothing beyond them."""
    return tuple(found for name in CHECKS if (found := judge_one_given(name, evidence)) is not None)


def judge_one_given(requirement_id: str, evidence: Evidence) -> Judgement | None:
    """One requirement on some exchanges; None when its check looks at more than these.

    Of a check that looks at one probe at a time, those that are there.
    """
    check = CHECKS[requirement_id]
    given = tuple(probe for probe in check.probes if _is_given(probe, evidence))
    if not given or not (check.each or given == check.probes):
        return None
    return _judge(load_register()[requirement_id], evidence, given)


def _is_given(probe: str, evidence: Evidence) -> bool:
    return probe in evidence.exchanges or PROBES[probe].granted(evidence.exchanges)


def judge_as(requirement_id: str, probe: str, evidence: Evidence) -> Judgement:
    """One requirement on one exchange that stands in the place of `probe`, whoever made it."""
    return _judge(load_register()[requirement_id], evidence, (probe,))


def combined(requirement: Requirement, judgements: Iterable[Judgement]) -> Judgement:
    """Judgements of one requirement on one exchange each, as one: a finding on one is a finding."""
    rulings = [_Ruling(one.verdict, one.message, one.probes) for one in judgements]
    ruling = _worst(rulings)
    return Judgement(requirement, ruling.verdict, ruling.message, ruling.probes)


@cache
def _alone() -> Mapping[str, tuple[str, ...]]:
    """Requirements by the probe that is all that their check looks at, if need be one at a time."""
    found: dict[str, list[str]] = {probe: [] for probe in PROBES}
    for name, check in CHECKS.items():
        if check.each or len(check.probes) == 1:
            for probe in check.probes:
                found[probe].append(name)
    return {probe: tuple(names) for probe, names in found.items()}


def probes_for(requirement_ids: Iterable[str]) -> tuple[str, ...]:
    """The probes that these requirements need, what they need in turn included, needs first."""
    return with_needs(probe for name in requirement_ids for probe in CHECKS[name].probes)


def with_needs(probes: Iterable[str]) -> tuple[str, ...]:
    """These probes and what they need in turn, needs first."""
    wanted: set[str] = set()
    pending = list(probes)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += PROBES[name].needs
    return tuple(name for name in PROBES if name in wanted)


def _judge(requirement: Requirement, evidence: Evidence, probes: tuple[str, ...] | None = None) -> Judgement:
    """`probes`: those of the check's that are looked at; None: all."""
    check = CHECKS[requirement.id]
    probes = check.probes if probes is None else probes
    if not evidence.declares(requirement.capability):
        ruling = _Ruling(
            Verdict.UNDECLARED,
            f"the contract {evidence.target.contract.name!r} does not promise {requirement.capability!r}"
            f" for the model {evidence.target.model!r}",
        )
    elif check.each:
        ruling = _each(check, requirement, probes, evidence)
    else:
        ruling = _rule(check, requirement, probes, evidence)
    return Judgement(requirement, ruling.verdict, ruling.message, ruling.probes)


def _each(check: Check, requirement: Requirement, probes: tuple[str, ...], evidence: Evidence) -> _Ruling:
    """Why a probe was not made matters only when those that were made say nothing; to know it is dear."""
    given = [_rule(check, requirement, (probe,), evidence) for probe in probes if _is_given(probe, evidence)]
    if any(_rank(ruling) < _SAYS_NOTHING for ruling in given):
        return _worst(given)
    return _worst([_rule(check, requirement, (probe,), evidence) for probe in probes])


# What one probe of several says prevails in this order; a finding on one is a finding.
_PRECEDENCE = (
    Verdict.HARNESS_ERROR,
    Verdict.FAIL,
    Verdict.WARN,
    Verdict.SILENT,
    Verdict.PASS,
    Verdict.INFRA,
    Verdict.UNSUPPORTED,
    Verdict.NOT_TESTABLE,
    Verdict.UNDECLARED,
)


_RANK = {verdict: rank for rank, verdict in enumerate(_PRECEDENCE)}
_SAYS_NOTHING = _RANK[Verdict.NOT_TESTABLE]


def _worst(rulings: list[_Ruling]) -> _Ruling:
    if not rulings:
        return _Ruling(Verdict.NOT_TESTABLE, "no probe was there to look at")
    first = min(rulings, key=_rank)
    if len(rulings) == 1 and not first.message:
        return first
    same = [ruling for ruling in rulings if ruling.verdict is first.verdict]
    messages = [f"{', '.join(r.probes)}: {r.message}" for r in same if r.message]
    probes = tuple(probe for ruling in same for probe in ruling.probes)
    return _Ruling(first.verdict, "; ".join(messages[:3]) + _more(len(messages) - 3), probes)


def _rank(ruling: _Ruling) -> int:
    return _RANK[ruling.verdict]


def _more(count: int) -> str:
    return f"; and {count} more" if count > 0 else ""


def _rule(check: Check, requirement: Requirement, probes: tuple[str, ...], evidence: Evidence) -> _Ruling:
    views: list[View] = []
    for probe in probes:
        view = evidence.view(probe)
        if view is None:
            view = _within(probe, evidence)
            probes = tuple(view.probe if view and name == probe else name for name in probes)
        if view is None:
            reason = _obstacle_of(probe, evidence)
            return _Ruling(_NOT_JUDGED[type(reason)], str(reason), probes)
        obstacle = _obstacle(check, requirement, view)
        if obstacle is not None:
            return _Ruling(obstacle.verdict, obstacle.message, probes)
        views.append(view)
    try:
        outcome = check.function(*views)
    except (NotTestable, NotPromised) as reason:
        return _Ruling(_NOT_JUDGED[type(reason)], str(reason), probes)
    except Exception as error:  # noqa: BLE001 - a check that breaks is our fault, and says so
        return _Ruling(Verdict.HARNESS_ERROR, f"the check broke: {type(error).__name__}: {error}", probes)
    return _Ruling(*_weigh(outcome, requirement, evidence), probes)


def _obstacle_of(probe: str, evidence: Evidence) -> NotPromised | NotTestable:
    """Why a probe was not made; drafting it once more to know may be dear, so it is done once."""
    if probe not in evidence.absent:
        context = ProbeContext(evidence.target, evidence.exchanges)
        evidence.absent[probe] = PROBES[probe].obstacle(context)
    return evidence.absent[probe]


def _within(probe: str, evidence: Evidence) -> View | None:
    """The exchange in which more than the probe was asked for and taken, in place of its own."""
    asked = PROBES[probe]
    return evidence.view(asked.within) if asked.within and asked.granted(evidence.exchanges) else None


def _weigh(outcome: Outcome, requirement: Requirement, evidence: Evidence) -> tuple[Verdict, str]:
    if outcome is None:
        return Verdict.PASS, ""
    finding = Verdict.FAIL if requirement.level == "MUST" else Verdict.WARN
    if isinstance(outcome, Silent):
        claimed = evidence.target.claims(requirement.capability)
        return (finding if claimed else Verdict.SILENT), outcome.message
    return finding, outcome


def _obstacle(check: Check, requirement: Requirement, view: View) -> _Ruling | None:
    """Why the check cannot be asked about this exchange; None when it can."""
    return _transport(check, view) or _status(check, requirement, view)


def _transport(check: Check, view: View) -> _Ruling | None:
    failure = view.exchange.failure
    if failure is None:
        return None
    if check.expects == "reply" and failure.kind not in _UNREACHED:
        return None
    if failure.kind in _INFRA:
        return _Ruling(Verdict.INFRA, f"{failure.kind}: {failure.message}")
    if check.expects in {"acceptance", "transport"}:
        return None
    if check.expects in {"stream", "any"} and view.status is not None:
        return None
    return _Ruling(Verdict.NOT_TESTABLE, f"the answer did not come whole: {failure.message}")


def _status(check: Check, requirement: Requirement, view: View) -> _Ruling | None:
    if check.expects in {"any", "transport"} or view.status is None:
        return None
    if view.succeeded and check.expects in {"success", "acceptance", "refusal", "reply"}:
        return None
    said = f"answered {view.status_line}{view.error_text}"
    if check.expects == "error":
        return None if view.status >= 400 else _Ruling(Verdict.NOT_TESTABLE, f"{said}, which is no error")
    if check.expects in {"refusal", "reply"}:
        return _Ruling(Verdict.INFRA, said) if view.status in _BUSY else None
    if view.succeeded:
        return _no_stream(view) if check.expects == "stream" else None
    if view.status == 429 or (view.status >= 500 and view.status != 501):
        return _Ruling(Verdict.INFRA, said)
    capabilities = (requirement.capability, PROBES[view.probe].capability)
    if view.refused_honestly and not all(view.target.claims(name) for name in capabilities):
        return _Ruling(Verdict.UNSUPPORTED, said)
    return None if check.expects == "acceptance" else _Ruling(Verdict.NOT_TESTABLE, said)


def _no_stream(view: View) -> _Ruling | None:
    """What hinders a look at a stream: there is none, or the server itself reports that it failed."""
    if not view.is_stream:
        return _Ruling(Verdict.NOT_TESTABLE, "the body is not an event stream")
    if view.error_frames:
        return _Ruling(
            Verdict.INFRA, f"the server reports an error in the stream: {view.error_frames[0].text[:200]}"
        )
    return None
