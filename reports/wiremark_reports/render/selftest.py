"""The result of a self-test (`meta/selftest`) for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wiremark_reports.figures import count, seconds

_Told = Mapping[str, Any]
_SHOWN = 12  # names on a line of the terminal before the rest is only counted


def text(told: _Told, *, every: bool = False) -> str:
    """What the matrix shows; the whole of it with `every`, otherwise what is wrong with it."""
    return "\n".join(_lines(told, every=every))


def _lines(told: _Told, *, every: bool) -> Iterator[str]:
    for fault in told["faults"]:
        if every or not is_good(fault):
            yield from _fault_lines(fault)
    if every:
        for requirement in told["requirements"]:
            if told["complete"] or requirement["proven_by"]:
                yield f"{requirement['id']} is proven by {_names(requirement['proven_by'])}"
    if told["complete"]:
        yield from (f"unproven: {name}" for name in told["unproven"])
    for alarm in told["false_alarms"]:
        yield f"false alarm on {alarm['trial']}: {alarm['requirement']} {alarm['message']}"
    yield from _summary(told)


def _fault_lines(fault: _Told) -> Iterator[str]:
    yield f"{fault['name']} → {_names(fault['fired'])}"
    if fault["missed"]:
        yield f"    undetected by {_names(fault['missed'])}"
    if fault["stray"]:
        yield f"    unrelated: {_names(fault['stray'])}"
    if fault["broke"]:
        yield f"    broke: {fault['broke']}"


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "nothing") + more


def _summary(told: _Told) -> Iterator[str]:
    summary = told["summary"]
    yield f"{summary['detected']} of {count(summary['faults'], 'fault')} detected"
    proven = f"{summary['proven']} of {count(summary['requirements'], 'requirement')} proven"
    yield proven if told["complete"] else f"{proven} (not every fault was tried)"
    if told["unbreakable"]:
        yield f"{len(told['unbreakable'])} more cannot be broken on purpose"
    mixtures = f"{count(summary['variants'], 'variant')} and {count(told['mixtures'], 'mixture')} of them"
    yield f"{count(summary['false_alarms'], 'false alarm')} on {mixtures}"
    yield f"{count(told['trials'], 'server')} judged in {seconds(told['seconds'])}"


def is_good(fault: _Told) -> bool:
    """Whether a fault was detected, and by nothing that it has nothing to do with."""
    return fault["detected"] and not fault["stray"]
