"""What a response's head tells about the rate limit of its key. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wiremark_loadtests.client.wire import ResponseReader

_GO = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?", re.ASCII)
_MS = (3_600_000, 60_000, 1000, 1)
# Header sets of contracts: limit, remaining, and reset where it is a span of time.
_NAMES = {
    "openai": (
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ),
    "anthropic": ("anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining", None),
}


@dataclass(frozen=True, slots=True)
class Quota:
    """limit and left count requests; resets_ms: until all is there again, None when not told as a span."""

    limit: int
    left: int
    resets_ms: int | None = None


def told(reader: ResponseReader, header_set: str | None) -> Quota | None:
    """What the head tells under the names of `header_set`; None when it tells nothing that makes sense."""
    names = _NAMES.get(header_set or "")
    if names is None:
        return None
    limit, left = reader.header(names[0]) or "", reader.header(names[1]) or ""
    if not (limit.isascii() and limit.isdigit() and left.isascii() and left.isdigit()):
        return None
    reset = reader.header(names[2]) if names[2] else None
    return Quota(int(limit), int(left), None if reset is None else _span(reset))


def _span(text: str) -> int | None:
    """Milliseconds of a duration as Go prints it, or of bare seconds."""
    found = _GO.fullmatch(text if text.endswith("s") else f"{text}s")
    if found is None or not any(found.groups()):
        return None
    return round(sum(float(part) * unit for part, unit in zip(found.groups(), _MS, strict=True) if part))
