"""Arrival times out of the kernel's stamps, and what happens when the wall clock is stepped."""

from __future__ import annotations

import struct

import pytest
from wiremark_loadtests.client.stamps import KernelClock

WALL_AHEAD = 1_700_000_000 * 10**9


class Clocks:
    """A monotonic clock at 10 s, and a wall clock ahead of it."""

    def __init__(self) -> None:
        self.now_ns = 10 * 10**9
        self.ahead_ns = WALL_AHEAD

    def kernel_clock(self) -> KernelClock:
        return KernelClock(wall=lambda: self.now_ns + self.ahead_ns, monotonic=lambda: self.now_ns)

    def stamp(self, arrived_ns: int) -> bytes:
        return struct.pack("qq", *divmod(arrived_ns + self.ahead_ns, 10**9))


def _arrivals(
    kernel: KernelClock, reads: list[tuple[bytes, int]], not_before_ns: int = 0
) -> tuple[list[int], list[int]]:
    return kernel.arrivals([told for told, _ in reads], [seen for _, seen in reads], not_before_ns)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_a_stamp_is_when_it_arrived_and_the_lag_how_late_it_was_read(clocks: Clocks) -> None:
    reads = [(clocks.stamp(1000), 1500), (clocks.stamp(2000), 9000)]
    assert _arrivals(clocks.kernel_clock(), reads) == ([1000, 2000], [500, 7000])


def test_without_stamps_the_reading_counts(clocks: Clocks) -> None:
    reads = [(clocks.stamp(1000), 1500), (b"", 9000)]
    assert _arrivals(clocks.kernel_clock(), reads) == ([1500, 9000], [])


@pytest.mark.parametrize("arrived_ns", [99, 1501], ids=["before the request", "after it was read"])
def test_an_impossible_stamp_is_not_believed(clocks: Clocks, arrived_ns: int) -> None:
    reads = [(clocks.stamp(arrived_ns), 1500)]
    assert _arrivals(clocks.kernel_clock(), reads, 100) == ([1500], [])


def test_a_wall_clock_that_is_set_back_between_two_reads_is_not_believed(clocks: Clocks) -> None:
    reads = [(clocks.stamp(5000), 5500), (clocks.stamp(4000), 9000)]
    assert _arrivals(clocks.kernel_clock(), reads) == ([5500, 9000], [])


def test_a_stepped_wall_clock_is_noticed_within_a_second(clocks: Clocks) -> None:
    kernel = clocks.kernel_clock()
    _arrivals(kernel, [(clocks.stamp(1000), 1500)])
    clocks.ahead_ns += 5 * 10**9
    late = 3 * 10**9
    assert _arrivals(kernel, [(clocks.stamp(late - 7), late)]) == ([late - 7], [7])
    assert kernel.steps == 1


def test_a_slewed_wall_clock_is_followed_and_is_no_step(clocks: Clocks) -> None:
    kernel = clocks.kernel_clock()
    for second in range(1, 5):
        clocks.ahead_ns += 500_000  # as fast as clock discipline may slew
        read = second * 2 * 10**9
        assert _arrivals(kernel, [(clocks.stamp(read - 7), read)]) == ([read - 7], [7])
    assert kernel.steps == 0
