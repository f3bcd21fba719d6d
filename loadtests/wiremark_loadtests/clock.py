"""The wall clock of this host, for what hosts compare; durations come from the monotonic one.

`WIREMARK_CLOCK_OFFSET`, in seconds, shifts it: to rehearse workers whose clocks disagree.
"""

from __future__ import annotations

import os
import time

VARIABLE = "WIREMARK_CLOCK_OFFSET"
_OFFSET_NS = round(float(os.environ.get(VARIABLE) or 0) * 1_000_000_000)


def wall_ns() -> int:
    """Nanoseconds since 1970."""
    return time.time_ns() + _OFFSET_NS


def wall_ms() -> int:
    """Milliseconds since 1970."""
    return wall_ns() // 1_000_000
