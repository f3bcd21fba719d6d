"""How the windows of a key are told on the wire: OpenAI's header set and Anthropic's."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from wiremark_server.clock import rfc3339

Headers = tuple[tuple[bytes, bytes], ...]
"""As they are sent."""
Unit = Literal["requests", "tokens"]
_ROUNDING = 0.0005  # milliseconds; what a float may be above the number that is meant


class Window(Struct, frozen=True):
    """One window of a key as it stands.

    reset: seconds until it is empty again; ends: the same as a time, seconds since the epoch, UTC
    """

    scope: str
    unit: Unit
    limit: int
    remaining: int
    reset: float
    ends: float


Show = Callable[[Sequence[Window], Window | None], Headers]


def go_duration(seconds: float) -> str:
    """A span as Go prints it, to the millisecond: `12ms`, `1.5s`, `6m0s`, `1h0m0s`; zero is `0s`.

    Rounded up, so that whoever waits that long has waited long enough.
    """
    return _go_duration(math.ceil(seconds * 1000 - _ROUNDING))


@lru_cache(maxsize=1024)
def _go_duration(milliseconds: int) -> str:
    """Kept, because many answers tell of the same millisecond."""
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds > 0 else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    whole, fraction = divmod(rest, 1000)
    tail = f"{whole}.{fraction:03}".rstrip("0") if fraction else str(whole)
    if not minutes:
        return f"{tail}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{tail}s" if hours else f"{minutes}m{tail}s"


def _openai_headers(windows: Sequence[Window], refusing: Window | None) -> Headers:
    """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, for each unit its tightest window."""
    found: Headers = ()
    for window in _tightest(windows, refusing):
        limit, remaining, reset = _OPENAI_NAMES[window.unit]
        found += (
            (limit, b"%d" % window.limit),
            (remaining, b"%d" % window.remaining),
            (reset, go_duration(window.reset).encode()),
        )
    return found


_OPENAI_NAMES: Mapping[Unit, tuple[bytes, bytes, bytes]] = {
    "requests": (
        b"x-ratelimit-limit-requests",
        b"x-ratelimit-remaining-requests",
        b"x-ratelimit-reset-requests",
    ),
    "tokens": (b"x-ratelimit-limit-tokens", b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens"),
}


def _anthropic_headers(windows: Sequence[Window], refusing: Window | None) -> Headers:
    """`anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}`; resets are times, RFC 3339 in UTC."""
    return tuple(
        (f"anthropic-ratelimit-{window.unit}-{name}".encode(), told.encode())
        for window in _tightest(windows, refusing)
        for name, told in (
            ("limit", str(window.limit)),
            ("remaining", str(window.remaining)),
            ("reset", rfc3339(math.ceil(window.ends))),
        )
    )


def _tightest(windows: Sequence[Window], refusing: Window | None) -> Iterable[Window]:
    """For each unit the window to show: the one that refuses, else the one with the least left, and of equals
    the one that lasts longer. In the order of the windows.
    """
    found: dict[Unit, Window] = {}
    for window in windows:
        other = found.get(window.unit)
        if other is None or (window.remaining, -window.reset) < (other.remaining, -other.reset):
            found[window.unit] = window
    if refusing is not None:
        found[refusing.unit] = refusing
    return found.values()


def no_headers(windows: Sequence[Window], refusing: Window | None) -> Headers:  # noqa: ARG001 - one signature
    return ()


HEADER_SETS: Mapping[str, Show] = {"openai": _openai_headers, "anthropic": _anthropic_headers}
"""How the windows are shown on the wire in a dialect; one that is not listed has no such headers."""
