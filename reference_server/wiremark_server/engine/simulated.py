"""The engine the gateway talks to: a decided answer and a pacer that says when each token leaves."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Sequence

from wiremark_server.clock import Clock, SystemClock
from wiremark_server.domain.generation import Generation
from wiremark_server.engine import tokens
from wiremark_server.engine.batch import BatchStats
from wiremark_server.engine.batchloop import BatchLoop
from wiremark_server.engine.embed import Embedder
from wiremark_server.engine.kv import block_hashes
from wiremark_server.engine.pace import Batched, Fixed, Instant, Profile
from wiremark_server.engine.protocol import EngineRun
from wiremark_server.engine.run import InstantRun, PacedRun
from wiremark_server.engine.script import Script
from wiremark_server.engine.wheel import Wheel
from wiremark_server.engine.workers import Immediate, Pacer, Workers


class SimulatedEngine:
    """Simulated GPUs that answer for every model.

    profile: how long things take; seed: what is answered; clock: whose monotonic seconds pace the tokens
    workers: how many GPUs, or groups of them that work as one
    warm_up: seconds until a worker that has just started is ready
    first:   number of the first worker

    Must be used from one event loop.
    """

    def __init__(
        self,
        profile: Profile,
        seed: int = 0,
        clock: Clock | None = None,
        *,
        workers: int = 1,
        warm_up: float = 0.0,
        first: int = 0,
    ) -> None:
        self.profile = profile
        self._script = Script(seed, profile.max_output)
        self._embedder = Embedder(seed)
        self._instant = isinstance(profile, Instant)
        clock = clock or SystemClock()
        self.workers = Workers(workers, lambda: _pacer(profile, clock), clock, warm_up, profile.name, first)

    @property
    def stats(self) -> BatchStats:
        """What the workers are doing."""
        return self.workers.stats

    def staffed(self, model: str) -> bool:  # noqa: ARG002 - all models have the same workers
        return self.workers.staffed

    count_prompt = staticmethod(tokens.count_prompt)
    """Prompt tokens by the formula of `tokens`."""

    def run(self, generation: Generation, prompt_tokens: int | None = None) -> EngineRun:
        """Start answering. `prompt_tokens`: what `count_prompt` gave, to spare counting twice.

        Raises EngineRefusal when the request cannot be answered, EngineUnavailable without a worker; nothing
        was done then.
        """
        choices = self._script.choices(generation)
        hashes: tuple[int, ...] = ()
        if isinstance(self.profile, Batched):
            pieces = tokens.prompt_pieces(generation)
            prompt = len(pieces)
            hashes = block_hashes(pieces, self.profile.block_tokens)
        else:
            prompt = self.count_prompt(generation) if prompt_tokens is None else prompt_tokens
        if self._instant and self.workers.can_start:
            return InstantRun(choices, prompt)
        run = PacedRun(choices, prompt, generation.model)
        self.workers.start(run, hashes)
        return run

    async def embed(self, model: str, texts: Sequence[str], dimensions: int) -> list[array[float]]:
        """A vector of length 1 for each text; others are served in between."""
        vectors = []
        for text in texts:
            vectors.append(self._embedder.vector(model, text, dimensions))
            await asyncio.sleep(0)
        return vectors

    async def close(self) -> None:
        """Stop every run; their iterators end."""
        self.workers.close()


def _pacer(profile: Profile, clock: Clock) -> Pacer:
    match profile:
        case Fixed():
            return Wheel(profile, clock)
        case Batched():
            return BatchLoop(profile, clock)
        case Instant():
            return Immediate()
