"""What is concluded from a judgement: known deviations, further samples, exchanges that show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.exchange import Exchange
from wiremark_conformance.judge import CHECKS
from wiremark_conformance.requirement import load_register
from wiremark_conformance.verdicts import Conclusion, Facts, Judged, Sampler, Verdicts, once, untouched
from wiremark_reports.record import Deviation, Verdict

from tests.conformance.judging.world import World

NAME, MOODY = "chat.object", "chat.message.not-empty"
LAST_DAY, NEXT_DAY = date(2027, 1, 31), date(2027, 2, 1)
KNOWN = Deviation(NAME, "vendor ticket 7", "ops", "2027-01-31")


def _misnamed() -> World:
    world = World()
    world["chat.plain"].body["object"] = "text_completion"
    return world


def _speechless() -> World:
    world = World()
    world["chat.plain"].message["content"] = ""
    return world


def _concluded(
    world: World,
    requirement: str = NAME,
    *known: Deviation,
    today: date = LAST_DAY,
    again: Sampler = once,
) -> Conclusion:
    evidence = world.evidence(CHECKS[requirement].probes)
    return Verdicts(evidence, {one.requirement: one for one in known}, today, again).conclude(requirement)


@pytest.mark.parametrize(
    ("world", "known", "today", "verdict", "note", "accepted", "finding"),
    [
        (World, (), LAST_DAY, Verdict.PASS, "", False, False),
        (_misnamed, (), LAST_DAY, Verdict.FAIL, "", False, True),
        (
            _misnamed,
            (KNOWN,),
            LAST_DAY,
            Verdict.FAIL,
            "known deviation until 2027-01-31 (ops: vendor ticket 7)",
            True,
            False,
        ),
        (
            _misnamed,
            (KNOWN,),
            NEXT_DAY,
            Verdict.FAIL,
            "the deviation accepted until 2027-01-31 has expired (ops: vendor ticket 7)",
            False,
            True,
        ),
        (
            World,
            (KNOWN,),
            LAST_DAY,
            Verdict.PASS,
            "this is met, so the deviations file must no longer list it (ops: vendor ticket 7)",
            False,
            True,
        ),
        (_misnamed, (replace(KNOWN, requirement="chat.id"),), LAST_DAY, Verdict.FAIL, "", False, True),
    ],
)
def test_a_deviation_covers_a_finding_for_a_while(
    world: Callable[[], World],
    known: Sequence[Deviation],
    today: date,
    verdict: Verdict,
    note: str,
    accepted: bool,
    finding: bool,
) -> None:
    found = _concluded(world(), NAME, *known, today=today)
    assert (found.result.verdict, found.note) == (verdict, note)
    assert (found.accepted, found.is_finding) == (accepted, finding)
    assert found.result.deviation == (KNOWN if accepted else None)


def test_what_could_not_be_judged_has_no_note() -> None:
    world = World()
    del world.answers["chat.plain"]
    found = _concluded(world, MOODY, replace(KNOWN, requirement=MOODY))
    assert (found.result.verdict, found.note, found.is_finding) == (Verdict.NOT_TESTABLE, "", False)
    assert found.result.evidence == ()


def test_a_finding_shows_its_exchanges_and_what_is_met_none() -> None:
    assert [one.probe for one in _concluded(_misnamed()).result.evidence] == ["chat.plain"]
    assert _concluded(World()).result.evidence == ()


def test_a_result_names_its_requirement() -> None:
    asked, found = load_register()[NAME], _concluded(_misnamed()).result
    assert (found.requirement, found.level, found.area, found.text) == (
        asked.id,
        asked.level,
        asked.area,
        asked.text,
    )
    assert (found.source_kind, found.source_ref) == (asked.source.kind, asked.source.ref)


class Sampled:
    """A sampler that counts how often it is asked."""

    def __init__(self, *worlds: World) -> None:
        self.asked: list[str] = []
        self._worlds = worlds

    def __call__(self, requirement: str, first: Evidence) -> Sequence[Mapping[str, Exchange]]:
        self.asked.append(requirement)
        return [world.evidence(first.exchanges).exchanges for world in self._worlds]


def test_a_model_in_a_mood_is_asked_again() -> None:
    sampler = Sampled(World(), World())
    found = _concluded(_speechless(), MOODY, again=sampler)
    assert (found.result.verdict, sampler.asked) == (Verdict.WARN, [MOODY])
    assert "held in 2 of 3 tries" in found.result.message


@pytest.mark.parametrize(("world", "requirement"), [(World, MOODY), (_misnamed, NAME)])
def test_what_is_met_or_does_not_depend_on_the_model_is_not_asked_again(
    world: Callable[[], World], requirement: str
) -> None:
    sampler = Sampled(World())
    _concluded(world(), requirement, again=sampler)
    assert sampler.asked == []


def test_what_cannot_be_asked_again_stays_as_it_is() -> None:
    found = _concluded(_speechless(), MOODY)
    assert "tries" not in found.result.message
    assert found.result.verdict is not Verdict.PASS


def test_a_requirement_is_concluded_once() -> None:
    evidence = _speechless().evidence(CHECKS[MOODY].probes)
    sampler = Sampled(World())
    verdicts = Verdicts(evidence, {}, LAST_DAY, sampler)
    assert verdicts.conclude(MOODY) is verdicts.conclude(MOODY)
    assert sampler.asked == [MOODY]
    assert list(verdicts.conclusions) == [MOODY]


def test_a_further_sample_makes_what_is_looked_at_anew() -> None:
    evidence = World().evidence(["chat.plain", "models.list"])
    assert list(untouched(NAME, evidence)) == ["models.list"]


@pytest.mark.parametrize(("model", "told"), [("m-1", "m-1"), ("", None)])
def test_a_report_names_the_run(model: str, told: str | None) -> None:
    world: Any = World(roles=("restricted", "default"))
    facts = Facts("1.0", replace(world.target, model=model), "2027-01-31T12:00:00Z", 1.5, 7)
    found = _concluded(World())
    report = Judged(facts, {NAME: found}).report
    assert (report.version, report.base_url, report.contract) == (
        "1.0",
        "http://x.invalid",
        world.contract.name,
    )
    assert (report.started, report.seconds, report.requests) == ("2027-01-31T12:00:00Z", 1.5, 7)
    assert (report.model, report.roles, report.results) == (told, ("default", "restricted"), (found.result,))
