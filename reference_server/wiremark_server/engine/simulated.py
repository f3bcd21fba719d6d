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
from wiremark_server.engine.pace import Batched, Fixed, Profile
from wiremark_server.engine.protocol import EngineRun
from wiremark_server.engine.run import InstantRun, PacedRun
from wiremark_server.engine.script import Script
from wiremark_server.engine.wheel import Wheel


class SimulatedEngine:
    """One simulated GPU worker group.

    profile: how long things take; seed: what is answered; clock: whose monotonic seconds pace the tokens.
    Must be used from one event loop.
    """

    def __init__(self, profile: Profile, seed: int = 0, clock: Clock | None = None) -> None:
        self.profile = profile
        self._script = Script(seed, profile.max_output)
        self._embedder = Embedder(seed)
        clock = clock or SystemClock()
        self._wheel = Wheel(profile, clock) if isinstance(profile, Fixed) else None
        self._batch = BatchLoop(profile, clock) if isinstance(profile, Batched) else None

    @property
    def stats(self) -> BatchStats | None:
        """What the batch is doing; None for profiles without one."""
        return self._batch.stats if self._batch else None

    def count_prompt(self, generation: Generation) -> int:
        """Prompt tokens by the formula of `tokens`."""
        return tokens.count_prompt(generation)

    def run(self, generation: Generation, prompt_tokens: int | None = None) -> EngineRun:
        """Start answering. `prompt_tokens`: what `count_prompt` gave, to spare counting twice.

        Raises EngineRefusal when the request cannot be answered; nothing was done then.
        """
        choices = self._script.choices(generation)
        if self._batch is not None:
            pieces = tokens.prompt_pieces(generation)
            run = PacedRun(choices, len(pieces), self._batch.leave)
            self._batch.start(run, block_hashes(pieces, self._batch.block_tokens))
            return run
        prompt = self.count_prompt(generation) if prompt_tokens is None else prompt_tokens
        if self._wheel is not None:
            run = PacedRun(choices, prompt, self._wheel.leave)
            self._wheel.start(run)
            return run
        return InstantRun(choices, prompt)

    async def embed(self, model: str, texts: Sequence[str], dimensions: int) -> list[array[float]]:
        """A vector of length 1 for each text; others are served in between."""
        vectors = []
        for text in texts:
            vectors.append(self._embedder.vector(model, text, dimensions))
            await asyncio.sleep(0)
        return vectors

    async def close(self) -> None:
        """Stop every run; their iterators end."""
        for pacer in (self._wheel, self._batch):
            if pacer is not None:
                pacer.close()
