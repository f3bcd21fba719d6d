"""How long things take: named profiles of an engine's speed.

`instant` never waits. `fixed` takes exactly the same times whatever the load, so that a load tester can be
checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """max_output: completion tokens of one choice, the model's own limit."""

    name: str
    max_output: int = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant(Limits):
    """No waiting at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed(Limits):
    """The first token after `ttft` seconds, each further one `itl` seconds later, whatever the load.

    tick: seconds; tokens leave on multiples of it, so that many streams share one timer. A token is never
    early and at most one tick late. 1 ms is also the resolution of the event loop's own timers.
    """

    ttft: float = 0.200
    itl: float = 0.020
    tick: float = 0.001


Profile = Instant | Fixed

_PROFILES: dict[str, Profile] = {
    "instant": Instant(name="instant"),
    "fixed": Fixed(name="fixed"),
}


class UnknownProfile(ValueError):  # noqa: N818 - reads as what it says
    """No profile of that name; the sentence lists those there are."""


def names() -> tuple[str, ...]:
    return tuple(_PROFILES)


def profile(name: str, **overrides: Any) -> Profile:
    """A bundled profile, with any of its fields replaced: `profile("fixed", ttft=0.05)`."""
    try:
        found = _PROFILES[name]
    except KeyError:
        raise UnknownProfile(
            f"there is no engine profile {name!r}; choose one of {', '.join(names())}"
        ) from None
    return replace(found, **overrides)
