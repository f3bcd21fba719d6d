"""Numbers in a block of memory that every process of the server writes a part of and any of them adds up.

To count is to add to a float: no lock, since a part has one writer, and no object is made. The block is laid
out before processes are forked. A process that is replaced leaves its counters to its successor.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from wiremark_server.metrics.families import FAMILIES, Family

Labels = tuple[str, ...]
_FLOAT = 8


@dataclass(frozen=True, slots=True)
class Series:
    """at: its first cell; a histogram has one for each bucket, one for infinity, and one for the sum"""

    family: Family
    labels: Labels
    at: int

    @property
    def size(self) -> int:
        return len(self.family.buckets) + 2 if self.family.kind == "histogram" else 1


class Registry:
    """Register every series with `add`, then `allocate`, then, in each process, `enter` its slot."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, Labels], Series] = {}
        self._size = 0
        self._block: memoryview[float] = memoryview(bytearray()).cast("d")
        self._slots = 0
        self._spare = 0
        self._refreshers: list[Callable[[], None]] = []
        self.cells = self._block
        """This process's part."""

    def add(self, name: str, *labels: str) -> None:
        """A series of a family, by the values of the family's labels; known ones may be added again."""
        family = FAMILIES[name]
        if len(labels) != len(family.labels):
            raise ValueError(f"{name} has the labels {family.labels}, got {labels}")
        if (name, labels) not in self._series:
            series = Series(family, labels, self._size)
            self._series[name, labels] = series
            self._size += series.size

    def allocate(self, slots: int) -> None:
        """One part for each process; shared with those that are forked from now on."""
        self._slots = slots
        self._spare = self._size
        self._size += max(series.size for series in self._series.values())
        self._block = memoryview(mmap.mmap(-1, self._size * slots * _FLOAT)).cast("d")
        self.enter(0)

    def enter(self, slot: int) -> None:
        """Write to this part from now on; what its last owner said of itself, in gauges, is over."""
        self.cells = self._block[slot * self._size : (slot + 1) * self._size]
        for series in self._series.values():
            if series.family.kind == "gauge":
                self.cells[series.at] = 0.0

    def at(self, name: str, *labels: str) -> int:
        """The cell of a counter or gauge; a spare one, which nobody is told of, for what was not added."""
        series = self._series.get((name, labels))
        return self._spare if series is None else series.at

    def histogram(self, name: str, *labels: str) -> Histogram:
        at, family = self.at(name, *labels), FAMILIES[name]
        size = Series(family, labels, at).size
        return Histogram(self.cells[at : at + size], family.buckets)

    def refreshed_by(self, refresh: Callable[[], None]) -> None:
        """`refresh` writes gauges, and whatever else is only looked at when somebody asks."""
        self._refreshers.append(refresh)

    def refresh(self) -> None:
        for refresh in self._refreshers:
            refresh()

    def totals(self) -> Iterator[tuple[Family, list[tuple[Labels, list[float]]]]]:
        """By family, every series with its cells summed over the processes."""
        self.refresh()
        by_family: dict[str, list[Series]] = {name: [] for name in FAMILIES}
        for series in self._series.values():
            by_family[series.family.name].append(series)
        for name, family in FAMILIES.items():
            rows = [(series.labels, self._sum(series)) for series in by_family[name]]
            if rows:
                yield family, rows

    def _sum(self, series: Series) -> list[float]:
        starts = range(series.at, self._size * self._slots, self._size)
        return [sum(self._block[start + offset] for start in starts) for offset in range(series.size)]


class Histogram:
    """Values by bucket, in cells of a registry."""

    __slots__ = ("_bounds", "_cells")

    def __init__(self, cells: memoryview[float], bounds: tuple[float, ...]) -> None:
        self._cells = cells
        self._bounds = bounds

    def observe(self, value: float) -> None:
        cells = self._cells
        cells[bisect_left(self._bounds, value)] += 1.0
        cells[-1] += value
