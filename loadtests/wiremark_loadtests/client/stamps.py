"""When bytes arrived: the kernel's own receive times, on the monotonic clock.

On Linux the kernel notes when a segment reached this host (SO_TIMESTAMPNS), however late this process
gets round to reading it. It notes that on the wall clock, which may be stepped; durations need the
monotonic one. The difference of the two is measured again and again, and a difference that jumps says
that the wall clock was stepped.
"""

from __future__ import annotations

import atexit
import functools
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence
from operator import sub

SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the socket module does not name it
_TIMESPEC = struct.Struct("qq")
ANCILLARY = socket.CMSG_SPACE(_TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0

# Clock discipline may slew by 0.5 ms in a second, and no more (adjtimex): a second keeps stamps that good.
_OFFSET_LIFE_NS = 10**9
_READINGS = 20
# Slewing, and readings interrupted between the two clocks, stay below this; a step of the clock does not.
_STEP_NS = 2_000_000


def available(*, tls: bool) -> bool:
    """Whether the kernel can stamp a connection; under TLS, records hide which bytes came when."""
    return sys.platform == "linux" and not tls and bool(ANCILLARY)


@functools.cache
def keep_on() -> socket.socket:
    """Have the kernel stamp what arrives for as long as this process lives.

    It begins shortly after the first socket of the host wants it and ends with the last; connections that
    come and go would now and then find it off.
    """
    wanting = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    wanting.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    atexit.register(wanting.close)
    return wanting


class KernelClock:
    """Turns the kernel's wall-clock stamps into monotonic ones, in nanoseconds.

    steps: how often the wall clock was found stepped
    """

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, monotonic: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._offset_ns: int | None = None
        self._measured_ns = 0
        self.steps = 0

    def arrivals(
        self, told: Sequence[bytes], seen: Sequence[int], not_before_ns: int
    ) -> tuple[list[int], list[int]]:
        """When the last byte of each read arrived, and the lags: how much later each was read.

        told: the kernel's stamp of each read, or nothing
        seen: when this process read it

        When one has no stamp, or one before `not_before_ns`, before that of an earlier read, or after its own
        reading (the wall clock was stepped), all are taken to have arrived when they were read, without lags.
        """
        offset = self._offset(seen[-1])
        if len(seen) == 1:  # as most answers come that are no streams
            stamp, seen_ns = told[0], seen[0]
            if stamp:
                seconds, ns = _TIMESPEC.unpack(stamp)
                at_ns = seconds * 1_000_000_000 + ns - offset
                if not_before_ns <= at_ns <= seen_ns:
                    return [at_ns], [seen_ns - at_ns]
            return [seen_ns], []
        stamped = b"".join(told)
        if len(stamped) == _TIMESPEC.size * len(seen):
            arrivals = [s * 1_000_000_000 + ns - offset for s, ns in _TIMESPEC.iter_unpack(stamped)]
            lags = list(map(sub, seen, arrivals))
            if arrivals[0] >= not_before_ns and min(lags) >= 0 and arrivals == sorted(arrivals):
                return arrivals, lags
        return list(seen), []

    def _offset(self, now_ns: int) -> int:
        """Wall clock minus monotonic clock.

        The smallest of several differences has the least delay between the two readings.
        """
        if self._offset_ns is None or now_ns - self._measured_ns > _OFFSET_LIFE_NS:
            measured = min(self._wall() - self._monotonic() for _ in range(_READINGS))
            if self._offset_ns is not None and abs(measured - self._offset_ns) > _STEP_NS:
                self.steps += 1
            self._offset_ns, self._measured_ns = measured, now_ns
        return self._offset_ns
