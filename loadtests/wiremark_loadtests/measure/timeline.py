"""What happened when: counts and times by slots of a run, merged over its workers. Pure.

A slot is counted from the start of the run on the worker's own monotonic clock, so that clocks that
disagree between hosts move nothing.
"""

from __future__ import annotations

import zlib
from array import array
from dataclasses import dataclass, field, fields
from typing import Any

from wiremark_loadtests.measure.recorder import Histogram

_NS_PER_SECOND = 1_000_000_000
_RECENT = 8  # slots behind the newest that may still be added to
_MOST_SLOTS = 600  # a longer run gets wider slots: the timeline stays a page of a report
TIMED = ("time_to_first_token", "inter_token", "end_to_end")


@dataclass(slots=True)
class Slot:
    """What ended in a slot of time, and what was begun in it; good: within the SLO.

    Once a slot is past, its histograms are packed, and unpacked when somebody adds to them after all.
    """

    started: int = 0
    ok: int = 0
    refused: int = 0
    cut: int = 0
    failed: int = 0
    good: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    _open: dict[str, Histogram] | None = field(default_factory=lambda: {name: Histogram() for name in TIMED})
    _packed: tuple[bytes, ...] = ()

    @property
    def histograms(self) -> dict[str, Histogram]:
        """To be added to."""
        if self._open is None:
            self._open, self._packed = self.read(), ()
        return self._open

    def read(self) -> dict[str, Histogram]:
        """To be read only."""
        if self._open is not None:
            return self._open
        return {name: _unpacked(data) for name, data in zip(TIMED, self._packed, strict=True)}

    def pack(self) -> None:
        if self._open is not None:
            self._packed = tuple(_packed(self._open[name]) for name in TIMED)
            self._open = None

    def merge(self, other: Slot) -> None:
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name, histogram in other.read().items():
            self.histograms[name].merge(histogram)


def _packed(histogram: Histogram) -> bytes:
    return zlib.compress(array("q", histogram.to_wire()).tobytes(), level=1)


def _unpacked(data: bytes) -> Histogram:
    return Histogram.from_wire(array("q", zlib.decompress(data)))


COUNTS = tuple(item.name for item in fields(Slot) if not item.name.startswith("_"))


class Timeline:
    """Slots by number, each `width` whole seconds wide."""

    def __init__(self, width: int = 1) -> None:
        self.width = width
        self.slots: dict[int, Slot] = {}
        self._recent: set[int] = set()  # slots that are not packed

    def at(self, since_start_ns: int) -> Slot:
        number = max(0, since_start_ns) // (self.width * _NS_PER_SECOND)
        slot = self.slots.get(number)
        if slot is None:
            slot = self.slots[number] = Slot()
            self._pack_past()
        return slot

    def _pack_past(self) -> None:
        """Workers tell of slots every few seconds; the newest ones are still added to."""
        newest = max(self.slots)
        for number in [number for number in self._recent if number < newest - _RECENT]:
            self.slots[number].pack()
            self._recent.discard(number)
        self._recent.add(newest)

    def merge(self, other: Timeline) -> None:
        if self.width != other.width and self.slots and other.slots:
            raise ValueError(f"slots of {other.width} s cannot be added to slots of {self.width} s")
        if other.slots:
            self.width = other.width
        for number, slot in other.slots.items():
            self.slots.setdefault(number, Slot()).merge(slot)
            self._recent.add(number)
        if other.slots:
            self._pack_past()

    def to_wire(self) -> dict[str, Any]:
        return {
            "width": self.width,
            "slots": [
                [
                    number,
                    [getattr(slot, name) for name in COUNTS],
                    [histogram.to_wire() for histogram in slot.read().values()],
                ]
                for number, slot in self.slots.items()
            ],
        }

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> Timeline:
        timeline = cls(data["width"])
        for number, counts, flat in data["slots"]:
            histograms = dict(zip(TIMED, map(Histogram.from_wire, flat), strict=True))
            slot = timeline.slots[number] = Slot(_open=histograms)
            for name, count in zip(COUNTS, counts, strict=True):
                setattr(slot, name, count)
        return timeline


def width_for(seconds: float) -> int:
    """Seconds of a slot, so that a run of so long stays below the most slots."""
    return max(1, -(-int(seconds) // _MOST_SLOTS))
