"""The engine the gateway talks to: a decided answer and a pacer that says when each token leaves."""

from __future__ import annotations

from wiremark_server.clock import Clock, SystemClock
from wiremark_server.domain.generation import Generation
from wiremark_server.engine import tokens
from wiremark_server.engine.pace import Fixed, Profile
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
        self._clock = clock or SystemClock()
        self._pacer = Wheel(profile, self._clock) if isinstance(profile, Fixed) else None

    def count_prompt(self, generation: Generation) -> int:
        """Prompt tokens by the formula of `tokens`."""
        return tokens.count_prompt(generation)

    def run(self, generation: Generation, prompt_tokens: int | None = None) -> EngineRun:
        """Start answering. Raises EngineRefusal when the request cannot be answered."""
        choices = self._script.choices(generation)
        prompt = self.count_prompt(generation) if prompt_tokens is None else prompt_tokens
        if self._pacer is None:
            return InstantRun(choices, prompt)
        run = PacedRun(choices, prompt, self._pacer.leave)
        self._pacer.start(run)
        return run

    async def close(self) -> None:
        if self._pacer is not None:
            self._pacer.close()
