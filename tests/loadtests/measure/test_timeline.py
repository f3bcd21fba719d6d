"""Slots of time, whatever clocks the workers have."""

from __future__ import annotations

import json

import pytest
from wiremark_loadtests.measure.timeline import Slot, Timeline, width_for

SECOND = 1_000_000_000


def _timeline(width: int = 1) -> Timeline:
    timeline = Timeline(width)
    for at in (0, SECOND - 1, SECOND, 5 * SECOND):
        slot = timeline.at(at)
        slot.ok += 1
        slot.histograms["end_to_end"].record(at)
    return timeline


def test_what_workers_tell_adds_up() -> None:
    whole = Timeline()
    for _ in range(2):
        whole.merge(Timeline.from_wire(json.loads(json.dumps(_timeline().to_wire()))))
    assert {number: slot.ok for number, slot in whole.slots.items()} == {0: 4, 1: 2, 5: 2}
    assert whole.slots[0].histograms["end_to_end"].count == 4


def test_slots_of_another_width_are_not_added() -> None:
    whole = _timeline(1)
    with pytest.raises(ValueError, match="slots of 2 s"):
        whole.merge(_timeline(2))


@pytest.mark.parametrize(("seconds", "width"), [(0, 1), (600, 1), (601, 2), (1800, 3)])
def test_a_long_run_has_wider_slots(seconds: float, width: int) -> None:
    assert width_for(seconds) == width


def test_past_slots_are_packed_and_lose_nothing() -> None:
    timeline, open_ = Timeline(), Timeline()
    for second in range(40):
        for value in (second + 1, 10**9):
            timeline.at(second * 10**9).histograms["end_to_end"].record(value)
        open_.slots[second] = Slot()
        for value in (second + 1, 10**9):
            open_.slots[second].histograms["end_to_end"].record(value)
    assert sum(slot._open is not None for slot in timeline.slots.values()) < 12
    timeline.at(0).histograms["end_to_end"].record(7)
    open_.at(0).histograms["end_to_end"].record(7)
    part = Timeline()
    part.at(3 * 10**9).ok += 1
    for whole in (timeline, open_):
        whole.merge(part)
    assert timeline.to_wire() == open_.to_wire()
