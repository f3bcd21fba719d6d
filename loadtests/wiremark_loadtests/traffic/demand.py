"""How much a run asks of the endpoint, and when: a closed loop of users, or arrivals on a schedule. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from wiremark_loadtests.traffic import arrivals, stages, traces
from wiremark_loadtests.traffic.arrivals import Arrival
from wiremark_loadtests.traffic.stages import Stages

CLOSED = "closed"
KINDS = (CLOSED, *arrivals.KINDS)


class BadDemand(ValueError):  # noqa: N818  the user's mistake, not the program's
    """What was asked makes no load; the message is a sentence."""


@dataclass(frozen=True)
class Given:
    """As typed; None where an option was left out."""

    arrivals: str | None = None
    rate: float | None = None
    stages: str | None = None
    seconds: float | None = None
    burstiness: float | None = None
    trace: str | None = None
    trace_speed: float | None = None


@dataclass(frozen=True)
class Demand:
    """How much is asked when.

    kind:    `closed`, `trace`, or a kind of arrivals
    stages:  of users in a closed loop, of requests per second in an open one; None in a closed loop of
             Locust's own number of users, and for a trace
    trace:   the arrivals of a trace, in order
    seconds: how long requests are sent; None for as long as Locust runs
    """

    kind: str = CLOSED
    stages: Stages | None = None
    burstiness: float = 1.0
    trace: tuple[Arrival, ...] = ()
    seconds: float | None = None

    @property
    def is_open(self) -> bool:
        return self.kind != CLOSED

    def arrivals(self, seed: int) -> Iterator[Arrival]:
        """The moments of an open loop, in order."""
        if self.stages is not None:
            return arrivals.drawn(self.kind, self.stages, seed, self.burstiness)
        if self.seconds is None:
            return iter(self.trace)
        end = self.seconds
        return takewhile(lambda arrival: arrival.at < end, self.trace)


def resolve(given: Given) -> Demand:
    """Check what was given; raise BadDemand, or BadFile for a trace."""
    for name, value in (("rate", given.rate), ("trace speed", given.trace_speed)):
        if value is not None and not 0 < value < float("inf"):
            raise BadDemand(f"a {name} of {value:g} sends nothing")
    if given.trace is not None:
        if given.arrivals or given.rate or given.stages:
            raise BadDemand("a trace says when requests arrive: leave out arrivals, rate and stages")
        return Demand(
            "trace", trace=traces.load(Path(given.trace), given.trace_speed or 1.0), seconds=given.seconds
        )
    kind = given.arrivals or (CLOSED if given.rate is None else arrivals.KINDS[0])
    if kind not in KINDS:
        raise BadDemand(f"there are no arrivals called {kind!r}; there are {', '.join(KINDS)}")
    burstiness = 1.0 if given.burstiness is None else given.burstiness
    if not 0 < burstiness < float("inf"):
        raise BadDemand(f"a burstiness of {burstiness:g} means nothing; 1 is Poisson, less comes in bursts")
    return Demand(kind, _stages(kind, given), burstiness, seconds=given.seconds)


def _stages(kind: str, given: Given) -> Stages | None:
    if given.stages:
        if given.rate is not None:
            raise BadDemand("either a rate or stages: stages name rates of their own")
        try:
            return stages.parse(given.stages)
        except stages.BadStages as error:
            raise BadDemand(str(error)) from None
    if kind == CLOSED:
        if given.rate is not None:
            raise BadDemand("a closed loop has no rate: each user sends when its last request was answered")
        return None
    if given.rate is None:
        raise BadDemand(f"{kind} arrivals need a rate, in requests per second, or stages")
    if not given.seconds:
        raise BadDemand("arrivals at a rate need a run time")
    return stages.constant(given.rate, given.seconds)
