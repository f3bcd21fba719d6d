"""Streams whose events are right and come at the wrong time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wiremark_server.faults.change import rearranged
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame

_fault = named("chat.stream")
_MADE = 4.0  # seconds in which the whole answer is made
_STILL = 25.0  # seconds; clients and proxies hang up after 30 or 60


def _withheld(held: list[Frame]) -> Iterable[Frame]:
    return [replace(frame, after=_MADE) if n == 0 else frame for n, frame in enumerate(held)]


def _stalled(held: list[Frame]) -> Iterable[Frame]:
    middle = len(held) // 2
    return [replace(frame, after=_STILL) if n == middle else frame for n, frame in enumerate(held)]


TABLE: tuple[Fault, ...] = (
    _fault(
        "withheld",
        "timing",
        "A stream is made whole before any of it is sent, and then comes all at once.",
        rearranged(_withheld),
        catches=("chat.stream.flowing",),
    ),
    _fault(
        "stalled",
        "timing",
        "A stream stands still in its middle for 25 seconds, without a word.",
        rearranged(_stalled),
        catches=("chat.stream.alive",),
    ),
)
