"""One request on its way over several providers: the next one is asked until one begins to answer."""

from __future__ import annotations

from collections.abc import Sequence

from wiremark_server.clock import Clock
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Delta, Usage
from wiremark_server.engine.protocol import EngineFailure, EngineRefusal, EngineRun
from wiremark_server.routing.choice import Choice
from wiremark_server.routing.upstream import UpstreamError, Work


class RoutedRun:
    """An engine run. Once a client may have seen something, there is no other provider any more."""

    def __init__(
        self, model: str, attempts: Sequence[tuple[Choice, Work]], prompt_tokens: int, clock: Clock
    ) -> None:
        self._model = model
        self._left = list(reversed(attempts))
        self._clock = clock
        self._usage = Usage(prompt_tokens, 0)
        self._run: EngineRun | None = None
        self._cancelled = False
        self.chosen: Choice | None = None

    @property
    def usage(self) -> Usage:
        return self._run.usage if self.chosen is not None and self._run is not None else self._usage

    def __aiter__(self) -> RoutedRun:
        return self

    async def __anext__(self) -> list[Delta]:
        if self.chosen is None or self._run is None:
            return await self._begin()
        try:
            return await anext(self._run)
        except (UpstreamError, EngineFailure):
            self.chosen.health.failed(self._model, 0.0)
            raise problem.provider_failed(self._model) from None

    async def _begin(self) -> list[Delta]:
        """The first step, of the first provider that makes one."""
        while self._left and not self._cancelled:
            choice, work = self._left.pop()
            if not choice.health.admit():
                continue
            started = self._clock.monotonic()
            try:
                self._run = choice.upstream.run(work)
                deltas = await anext(self._run)
            except (UpstreamError, EngineFailure):
                choice.health.failed(self._model, self._milliseconds(started))
                continue
            except EngineRefusal as refusal:
                choice.health.given_up()
                raise problem.invalid_request(str(refusal)) from refusal
            except BaseException:
                choice.health.given_up()
                raise
            choice.health.succeeded(self._model, self._milliseconds(started))
            self.chosen = choice
            return deltas
        if self._cancelled:
            raise StopAsyncIteration
        raise problem.no_worker(self._model)

    def _milliseconds(self, started: float) -> float:
        return round((self._clock.monotonic() - started) * 1000, 3)

    async def cancel(self) -> None:
        self._cancelled = True
        if self._run is not None:
            await self._run.cancel()
