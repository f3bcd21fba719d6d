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


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


def test_a_stamp_is_when_it_arrived_and_the_lag_how_late_it_was_read(clocks: Clocks) -> None:
    reads = [(b"a", clocks.stamp(1000), 1500), (b"b", clocks.stamp(2000), 9000)]
    assert clocks.kernel_clock().arrivals(reads, not_before_ns=0) == ([1000, 2000], [500, 7000])


def test_without_stamps_the_reading_counts(clocks: Clocks) -> None:
    reads = [(b"a", clocks.stamp(1000), 1500), (b"b", b"", 9000)]
    assert clocks.kernel_clock().arrivals(reads, not_before_ns=0) == ([1500, 9000], [])


@pytest.mark.parametrize("arrived_ns", [99, 1501], ids=["before the request", "after it was read"])
def test_an_impossible_stamp_is_not_believed(clocks: Clocks, arrived_ns: int) -> None:
    reads = [(b"a", clocks.stamp(arrived_ns), 1500)]
    assert clocks.kernel_clock().arrivals(reads, not_before_ns=100) == ([1500], [])


def test_a_stepped_wall_clock_is_noticed_within_a_second(clocks: Clocks) -> None:
    kernel = clocks.kernel_clock()
    kernel.arrivals([(b"a", clocks.stamp(1000), 1500)], not_before_ns=0)
    clocks.ahead_ns += 5 * 10**9
    late = 3 * 10**9
    assert kernel.arrivals([(b"a", clocks.stamp(late - 7), late)], not_before_ns=0) == ([late - 7], [7])
    assert kernel.steps == 1


def test_a_slewed_wall_clock_is_followed_and_is_no_step(clocks: Clocks) -> None:
    kernel = clocks.kernel_clock()
    for second in range(1, 5):
        clocks.ahead_ns += 500_000  # as fast as clock discipline may slew
        read = second * 2 * 10**9
        assert kernel.arrivals([(b"a", clocks.stamp(read - 7), read)], not_before_ns=0) == ([read - 7], [7])
    assert kernel.steps == 0
