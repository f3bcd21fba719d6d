"""The self-test's arithmetic: what counts as detected, as unrelated, as proven, as a false alarm."""

from __future__ import annotations

from typing import Any

import pytest
from wiremark_conformance.requirement import load_register
from wiremark_conformance.selftest.matrix import Alarm, FaultResult, Matrix, alarms, judged, matrix
from wiremark_conformance.selftest.trial import Outcome, Trial

_TRIAL = Trial("x", "hermes-tokens")


def _entry(*catches: str, allows: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"name": "a.fault", "catches": list(catches), "allows": list(allows)}


def _fault(entry: dict[str, Any], *fired: str, broke: str = "") -> FaultResult:
    return judged(
        entry, Outcome(_TRIAL, dict.fromkeys(fired, "fail: it is so"), broke=broke), load_register()
    )


@pytest.mark.parametrize(
    ("entry", "fired", "missed", "stray"),
    [
        (_entry("chat.id"), ("chat.id",), (), ()),
        (_entry("chat.id"), (), ("chat.id",), ()),
        (_entry("chat.id", "chat.model"), ("chat.id",), ("chat.model",), ()),
        (_entry("chat.*"), ("chat.model",), (), ()),
        (_entry("chat.*"), ("auth.no-echo",), ("chat.*",), ("auth.no-echo",)),
        (_entry("chat.id", allows=("auth.*",)), ("chat.id", "auth.no-echo"), (), ()),
        (_entry("chat.id"), ("chat.id", "chat.model"), (), ()),  # of the same area
    ],
)
def test_a_fault_is_held_to_what_it_declares(
    entry: dict[str, Any], fired: tuple[str, ...], missed: tuple[str, ...], stray: tuple[str, ...]
) -> None:
    result = _fault(entry, *fired)
    assert (result.missed, result.stray) == (missed, stray)
    assert result.detected == (not missed)
    assert result.ok == (not missed and not stray)


def test_a_broken_trial_or_check_detects_nothing() -> None:
    assert not _fault(_entry("chat.id"), "chat.id", broke="OSError: no").detected
    outcome = Outcome(_TRIAL, {"chat.id": "harness-error: it broke", "chat.model": "harness-error: it too"})
    broke = judged(_entry("chat.id"), outcome, load_register()).broke
    assert broke == "harness-error: it broke; harness-error: it too"


def test_proofs_alarms_and_what_is_owed_none() -> None:
    register = load_register()
    found = matrix(
        register,
        [_fault(_entry("chat.id"), "chat.id"), _fault(_entry("chat.id"), "chat.id", "errors.method")],
        [Outcome(_TRIAL, {})],
        [Outcome(_TRIAL, {}), Outcome(_TRIAL, {"auth.no-echo": "warn: it is so"})],
        unbreakable={r.id: "it is so" for r in register if r.id not in {"chat.id", "errors.method"}},
        variants=1,
        all_faults=True,
    )
    assert found.proofs == {"chat.id": ("a.fault", "a.fault"), "errors.method": ()}  # a stray proves nothing
    assert found.unproven == ("errors.method",)
    assert found.unbreakable["auth.no-echo"] == "it is so"
    assert [alarm.requirement for alarm in found.alarms] == ["auth.no-echo"]
    assert found.summary == {
        "faults": 2,
        "detected": 2,
        "requirements": 2,
        "proven": 1,
        "unproven": 1,
        "variants": 1,
        "false_alarms": 1,
    }
    assert not found.ok


def test_what_is_not_detected_is_counted() -> None:
    faults = [_fault(_entry("chat.id"), "chat.id"), _fault(_entry("chat.id")), _fault(_entry("chat.model"))]
    found = Matrix(tuple(faults), {}, {}, (), 0, 0)
    assert found.undetected == (faults[1], faults[2])
    assert (found.summary["faults"], found.summary["detected"]) == (3, 1)


def test_an_alarm_names_its_trial_and_a_trial_that_broke_is_one() -> None:
    broken = Outcome(_TRIAL, {"chat.id": "fail: it is so"}, broke="OSError: no")
    other = Outcome(Trial("y", "hermes-tokens"), {"auth.no-echo": "warn: it is so"})
    assert alarms([broken, other]) == (
        Alarm("x", "", "OSError: no"),
        Alarm("x", "chat.id", "fail: it is so"),
        Alarm("y", "auth.no-echo", "warn: it is so"),
    )


def _matrix(*faults: FaultResult, all_faults: bool = True) -> Matrix:
    register = load_register()
    return matrix(
        register,
        faults,
        [Outcome(_TRIAL, {})],
        [Outcome(_TRIAL, {})] * 5,
        unbreakable={r.id: "it is so" for r in register if r.id != "chat.id"},
        variants=2,
        all_faults=all_faults,
    )


def test_a_broken_trial_proves_nothing_and_hides_no_later_one() -> None:
    entry = _entry("chat.id")
    found = _matrix(_fault(entry, "chat.id", broke="OSError: no"), _fault(entry, "chat.id"))
    assert found.proofs == {"chat.id": ("a.fault",)}
    assert (found.variants, found.mixtures, found.ok) == (2, 3, False)


@pytest.mark.parametrize("all_faults", [True, False])
def test_an_unproven_requirement_counts_when_everything_was_tried(all_faults: bool) -> None:
    assert _matrix(all_faults=all_faults).ok == (not all_faults)


def test_what_fires_beside_the_areas_of_a_fault_is_stray_though_a_pattern_is_met() -> None:
    result = _fault(_entry("chat.id"), "chat.id", "errors.method", "auth.no-echo")
    assert (result.stray, result.detected, result.ok) == (("errors.method", "auth.no-echo"), True, False)
