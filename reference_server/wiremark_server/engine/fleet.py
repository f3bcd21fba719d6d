"""Engines of several profiles as one: each model is answered at the speed of its own."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence

from wiremark_server.clock import Clock
from wiremark_server.domain.generation import Generation
from wiremark_server.engine import pace, tokens
from wiremark_server.engine.protocol import EngineRun
from wiremark_server.engine.simulated import SimulatedEngine
from wiremark_server.engine.workers import Change, Worker, Workers


class Fleet:
    """default: the profile of every model that `by_model` does not name

    workers: of each profile; they are numbered in the order of `profiles`
    Otherwise as SimulatedEngine. Raises UnknownProfile.
    """

    def __init__(
        self,
        default: str,
        by_model: Mapping[str, str],
        seed: int,
        clock: Clock,
        *,
        workers: int = 1,
        warm_up: float = 0.0,
    ) -> None:
        self._default = default
        self._by_model = by_model
        self._engines = {
            name: SimulatedEngine(
                pace.profile(name), seed, clock, workers=workers, warm_up=warm_up, first=position * workers
            )
            for position, name in enumerate(profiles(default, by_model))
        }
        self._size = workers

    def _of(self, model: str) -> SimulatedEngine:
        return self._engines[self._by_model.get(model, self._default)]

    count_prompt = staticmethod(tokens.count_prompt)
    """The same for every model."""

    def run(self, generation: Generation, prompt_tokens: int | None = None) -> EngineRun:
        return self._of(generation.model).run(generation, prompt_tokens)

    async def embed(self, model: str, texts: Sequence[str], dimensions: int) -> list[array[float]]:
        return await self._of(model).embed(model, texts, dimensions)

    def staffed(self, model: str) -> bool:
        return self._of(model).staffed(model)

    async def close(self) -> None:
        for engine in self._engines.values():
            await engine.close()

    @property
    def state(self) -> str:
        """An empty text when every model can be answered at once, else why not."""
        crews = list(self._crews())
        if all(crew.can_start for crew in crews):
            return ""
        return "warming up" if all(crew.staffed for crew in crews) else "no worker"

    @property
    def all(self) -> tuple[Worker, ...]:
        """Every worker, by its number."""
        return tuple(worker for crew in self._crews() for worker in crew.all)

    async def change(self, number: int, change: Change) -> None:
        await self._crew(number).change(number, change)

    def _crews(self) -> Iterator[Workers]:
        return (engine.workers for engine in self._engines.values())

    def _crew(self, number: int) -> Workers:
        return list(self._crews())[number // self._size]


def profiles(default: str, by_model: Mapping[str, str]) -> list[str]:
    """Every profile once, the default first."""
    return list(dict.fromkeys((default, *by_model.values())))
