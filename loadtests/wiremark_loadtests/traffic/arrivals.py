"""When requests are to be sent, whether or not earlier ones were answered: an open loop. Pure.

Every worker draws the whole sequence from the seed and sends its own share of it, so what all of them
send together is one sequence, however many they are. Latency counts from these moments, so a server that
stalls is charged for the requests that had to wait (Tene's "coordinated omission").
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from wiremark_loadtests.traffic.stages import Stages


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request to be sent `at` seconds after the beginning.

    prompt_tokens, output_tokens: sizes that a trace asks for; None leaves them to the scenario
    blocks: ids of prompt blocks; requests that share ids share that part of their prompt
    """

    at: float
    prompt_tokens: int | None = None
    output_tokens: int | None = None
    blocks: tuple[int, ...] = ()


# Gaps of rate 1, by kind: name → function of a random generator and the burstiness.
_GAPS: Mapping[str, Callable[[random.Random, float], float]] = {
    "constant": lambda _random, _burstiness: 1.0,
    "poisson": lambda source, _burstiness: source.expovariate(1.0),
    # Shape k and scale 1/k: mean 1, squared coefficient of variation 1/k. Below 1, bursts.
    "gamma": lambda source, shape: source.gammavariate(shape, 1 / shape),
}
KINDS = tuple(_GAPS)


def drawn(kind: str, stages: Stages, seed: int, burstiness: float = 1.0) -> Iterator[Arrival]:
    """The arrivals at the rates of `stages`, in requests per second, until they end.

    burstiness: the shape of gamma-distributed gaps; 1 is Poisson, smaller comes in bursts
    """
    source = random.Random(f"{seed}/arrivals")  # noqa: S311  not for secrets
    gap = _GAPS[kind]
    total = 0.0
    while True:
        total += gap(source, burstiness)
        at = stages.moment(total)
        if at is None:
            return
        yield Arrival(at)


def share(arrivals: Iterable[Arrival], index: int, count: int) -> Iterator[Arrival]:
    """Every `count`-th arrival, from the one at `index`: a worker's part."""
    return itertools.islice(arrivals, index, None, count)
