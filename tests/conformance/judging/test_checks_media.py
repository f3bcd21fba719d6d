"""Images made as tasks: each requirement spoilt in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wiremark_conformance.probes.media import LOOKS, WRONG
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict

Change = Callable[[Any], object]
CONTRACT = "banana2"
LAST = f"media.task.{LOOKS}"


def _set(probe: str, **values: Any) -> Change:
    return lambda w: w[probe].body.update(values)


def _status(probe: str, status: int) -> Change:
    return lambda w: setattr(w[probe], "status", status)


def _ends(name: str, **values: Any) -> Change:
    def apply(world: Any) -> None:
        for number in range(1, LOOKS + 1):
            world[f"media.{name}.{number}"].body.update(values)

    return apply


def _amount(row: int, amount: int) -> Change:
    return lambda w: w["media.usage"].body["data"][row].update(amount_microusd=amount)


SPOILT: list[tuple[str, Change]] = [
    ("media.accepted", _status("media.submit", 200)),
    ("media.accepted", _status("media.4k", 400)),
    ("media.accepted", _set("media.submit", task_id="")),
    ("media.accepted", _set("media.submit", status="completed")),
    ("media.charge-told", _set("media.submit", charge="0.01300")),
    ("media.charge-told", _set("media.submit", charge=0.012)),
    ("media.charge-told", _set("media.submit", charge="free")),
    ("media.task.accepted", _status("media.task.1", 404)),
    ("media.task.schema", _set("media.task.1", status="waiting")),
    ("media.task.schema", lambda w: w[LAST].body.pop("result")),
    ("media.task.schema", lambda w: w["media.failed.2"].body.pop("error")),
    ("media.task.same", _set("media.task.1", task_id="media_9")),
    ("media.task.completed", _ends("task", status="completed", result={"urls": []})),
    ("media.task.failed", _ends("failed", status="completed", result={"urls": ["https://x.invalid/"]})),
    ("media.task.failed", _ends("failed", status="failed", error=None)),
    ("media.no-task", _status("media.no-task", 200)),
    ("media.charged", _amount(0, 0)),
    ("media.refunded", _amount(1, 12000)),
    *((f"media.{name}.refused", _status(f"media.wrong.{name}", 202)) for name in WRONG),
]


@pytest.mark.parametrize(
    ("requirement", "change"), SPOILT, ids=[f"{i}-{r}" for i, (r, _) in enumerate(SPOILT)]
)
def test_what_is_wrong_is_found(worlds: Any, requirement: str, change: Change) -> None:
    world = worlds(CONTRACT)
    assert world.judge(requirement).verdict is Verdict.PASS, world.judge(requirement).message
    change(world)
    assert world.judge(requirement).verdict is Verdict.FAIL


def test_every_requirement_of_the_area_is_shown_to_fail() -> None:
    register = {r.id for r in load_register() if r.area == "media"}
    assert register - {requirement for requirement, _ in SPOILT} == set()


def test_a_task_that_takes_longer_is_no_finding(worlds: Any) -> None:
    world = worlds(CONTRACT)
    for name in ("task", "failed"):
        _ends(name, status="processing")(world)
    for requirement in ("media.task.completed", "media.task.failed", "media.refunded"):
        assert world.judge(requirement).verdict is Verdict.NOT_TESTABLE
