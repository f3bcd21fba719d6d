"""Service level objectives: which answers are good enough to count. Pure.

As text: `ttft=500,tpot=40,e2e=10000`, milliseconds each. `ttft` is the time to the first token, `tpot`
the time per output token after the first, `itl` the longest gap between two tokens, `e2e` the whole
answer. In an open loop all but tpot and itl count from the moment at which the request was due.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

NAMES = ("ttft", "tpot", "itl", "e2e")
_NS_PER_MS = 1_000_000


class BadSlo(ValueError):  # noqa: N818  the user's mistake, not the program's
    """The text names no objective; the message is a sentence."""


class Times(NamedTuple):
    """One whole answer in nanoseconds; None where it had none, as a plain answer has no first token."""

    e2e: int
    ttft: int | None = None
    tpot: int | None = None
    itl: int | None = None


@dataclass(frozen=True, slots=True)
class Slo:
    """Bounds in milliseconds by name. Without bounds every whole answer is good."""

    bounds: Mapping[str, float] = field(default_factory=dict)

    def met(self, times: Times) -> bool:
        for name, bound in self.bounds.items():
            value = getattr(times, name)
            if value is not None and value > bound * _NS_PER_MS:
                return False
        return True


def parse(text: str) -> Slo:
    """Read `NAME=MILLISECONDS`, separated by commas; raise BadSlo."""
    bounds: dict[str, float] = {}
    for part in text.split(","):
        name, equals, number = part.strip().partition("=")
        try:
            bound = float(number)
        except ValueError:
            bound = 0.0
        if not equals or name not in NAMES or not 0 < bound < float("inf"):
            raise BadSlo(f"{part.strip()!r} is not an objective; write NAME=MILLISECONDS, "
                         f"the names are {', '.join(NAMES)}")  # fmt: skip
        if name in bounds:
            raise BadSlo(f"{name} is bounded twice")
        bounds[name] = bound
    return Slo(bounds)
