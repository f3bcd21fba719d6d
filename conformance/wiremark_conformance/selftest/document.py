"""The matrix as data: `meta/selftest`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance.requirement import Register
from wiremark_conformance.selftest.matrix import Matrix
from wiremark_conformance.version import version

_OF_FAULT = ("name", "layer", "text", "bug", "derived", "contract", "catches")


def document(
    matrix: Matrix,
    catalogue: Mapping[str, Any],
    register: Register,
    *,
    seed: int,
    trials: int,
    seconds: float,
) -> dict[str, Any]:
    """trials: how many servers were judged; seconds: how long all of it took"""
    return {
        "wiremark": "selftest/1",
        "version": version(),
        "seed": seed,
        "seconds": round(seconds, 1),
        "trials": trials,
        "complete": matrix.all_faults,
        "ok": matrix.ok,
        "summary": matrix.summary,
        "faults": [
            {key: fault.entry[key] for key in _OF_FAULT}
            | {
                "detected": fault.detected,
                "fired": list(fault.fired),
                "missed": list(fault.missed),
                "stray": list(fault.stray),
                "broke": fault.broke,
            }
            for fault in matrix.faults
        ],
        "requirements": [
            {"id": name, "level": register[name].level, "proven_by": list(faults)}
            for name, faults in matrix.proofs.items()
        ],
        "unproven": list(matrix.unproven),
        "unbreakable": [{"id": name, "why": why} for name, why in matrix.unbreakable.items()],
        "variants": [dict(variant) for variant in catalogue["variants"]],
        "mixtures": matrix.mixtures,
        "false_alarms": [
            {"trial": alarm.trial, "requirement": alarm.requirement, "message": alarm.message}
            for alarm in matrix.alarms
        ],
    }
