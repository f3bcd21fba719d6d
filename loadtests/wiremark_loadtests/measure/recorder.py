"""A histogram with logarithmic buckets: constant memory, bounded relative error, exact merging.

With g = (1 + ERROR) / (1 - ERROR), bucket i holds the values in (g^(i-1), g^i] and stands for
2g^i / (g+1), which is within `ERROR` of each of them (the DDSketch construction, Masson et al., VLDB
2019). Counts are integers, so merging the histograms of many workers gives exactly the histogram of all
values.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import mul

# A tenth of the promised 1 %: 0.2 ms of a first token after 200 ms.
ERROR = 0.001
_GAMMA = (1 + ERROR) / (1 - ERROR)
_PER_LOG = 1 / math.log(_GAMMA)
_ZERO = -1  # bucket of the value 0; values are whole numbers, so no other bucket is negative


@dataclass(frozen=True, slots=True)
class Distribution:
    """Summary in the unit of `scaled`'s result; every field but count is None when nothing was recorded."""

    count: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    max: float | None


def bucket_of(value: int) -> int:
    """The index of a value's bucket; raise ValueError when it is negative."""
    if value > 0:
        return math.ceil(math.log(value) * _PER_LOG)
    if value < 0:
        raise ValueError(f"a duration cannot be negative: {value}")
    return _ZERO


class Histogram:
    """Counts of non-negative whole numbers (nanoseconds here)."""

    __slots__ = ("buckets", "count", "maximum", "minimum", "total")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.count = 0
        self.total = 0
        self.minimum = 0
        self.maximum = 0

    def record(self, value: int) -> None:
        """Add one value ≥ 0."""
        self.record_in(bucket_of(value), value)

    def record_in(self, index: int, value: int) -> None:
        """Add one value whose bucket is known, as when several histograms get it."""
        buckets = self.buckets
        try:  # most buckets are there already
            buckets[index] += 1
        except KeyError:
            buckets[index] = 1
        if value > self.maximum:
            self.maximum = value
        if value < self.minimum or not self.count:
            self.minimum = value
        self.count += 1
        self.total += value

    def record_all(self, values: Sequence[int]) -> None:
        """Add values ≥ 0; a negative one is a defect of the caller and raises ValueError."""
        record_in_each((self,), values)

    def merge(self, other: Histogram) -> None:
        """Add all that `other` counted."""
        if not other.count:
            return
        _add(self.buckets, other.buckets)
        self.minimum = min(self.minimum, other.minimum) if self.count else other.minimum
        self.maximum = max(self.maximum, other.maximum)
        self.count += other.count
        self.total += other.total

    def quantile(self, share: float) -> float | None:
        """The value below or at which `share` of the values lie (nearest rank), within ERROR."""
        if not self.count:
            return None
        rank = max(1, math.ceil(share * self.count))
        seen = 0
        for index in sorted(self.buckets):
            seen += self.buckets[index]
            if seen >= rank:
                value = 0.0 if index == _ZERO else 2 * _GAMMA**index / (_GAMMA + 1)
                return min(max(value, self.minimum), self.maximum)
        raise AssertionError("the counts of the buckets do not add up to the count")

    @property
    def mean(self) -> float:
        """0 when nothing was recorded."""
        return self.total / self.count if self.count else 0.0

    def scaled(self, unit: float) -> Distribution:
        """The summary with every value divided by `unit` (1e6: nanoseconds as milliseconds)."""
        if not self.count:
            return Distribution(0, None, None, None, None, None)
        p50, p90, p99 = (round((self.quantile(share) or 0.0) / unit, 4) for share in (0.5, 0.9, 0.99))
        mean = round(self.mean / unit, 4)
        return Distribution(self.count, mean, p50, p90, p99, round(self.maximum / unit, 4))

    def counts(self, unit: float) -> list[list[float]]:
        """Every value that occurred, divided by `unit`, and how often; lowest first."""
        found = []
        for index in sorted(self.buckets):
            value = 0.0 if index == _ZERO else 2 * _GAMMA**index / (_GAMMA + 1)
            found.append([round(value / unit, 4), self.buckets[index]])
        return found

    def to_wire(self) -> list[int]:
        """A flat list of integers for another process: minimum, maximum, total, then index and count."""
        flat = [self.minimum, self.maximum, self.total]
        for index, count in self.buckets.items():
            flat += (index, count)
        return flat

    @classmethod
    def from_wire(cls, flat: Iterable[int]) -> Histogram:
        histogram = cls()
        numbers = list(flat)
        histogram.minimum, histogram.maximum, histogram.total = numbers[:3]
        histogram.buckets = dict(zip(numbers[3::2], numbers[4::2], strict=True))
        histogram.count = sum(histogram.buckets.values())
        return histogram


def record_in_each(histograms: Iterable[Histogram], values: Sequence[int]) -> None:
    """Add the same values ≥ 0 to several; a negative one is a defect of the caller and raises ValueError."""
    if not values:
        return
    low, high, total = min(values), max(values), sum(values)
    if low > 0:  # the same as `bucket_of`, in half the time
        indices = list(map(math.ceil, map(mul, map(math.log, values), repeat(_PER_LOG))))
    else:
        indices = [bucket_of(value) for value in values]
    counted = Counter(indices)
    for histogram in histograms:
        _add(histogram.buckets, counted)
        histogram.minimum = min(histogram.minimum, low) if histogram.count else low
        histogram.maximum = max(histogram.maximum, high)
        histogram.count += len(values)
        histogram.total += total


def _add(buckets: dict[int, int], more: Mapping[int, int]) -> None:
    for index, count in more.items():
        buckets[index] = buckets.get(index, 0) + count
