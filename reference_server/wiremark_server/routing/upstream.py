"""What a provider is to the router, and the simulated one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from wiremark_server.domain.generation import Delta, Generation, Usage
from wiremark_server.engine.protocol import Engine, EngineRun


class UpstreamError(Exception):
    """The provider did not do its part; another one may. The text is for the operator, not the client."""


@dataclass(frozen=True, slots=True)
class Work:
    """A request to a provider.

    model:         what the provider calls it
    prompt_tokens: as counted here
    document:      the client's own chat request; None when it came in another format
    """

    generation: Generation
    model: str
    prompt_tokens: int
    document: Mapping[str, Any] | None


class Upstream(Protocol):
    def run(self, work: Work) -> EngineRun:
        """Start answering. Its iterator raises UpstreamError when the provider fails, ProblemError when it
        refuses what the client asked for."""
        ...

    async def close(self) -> None: ...


class Simulated:
    """A provider with the server's own engine behind it, a latency away."""

    def __init__(self, engine: Engine, latency_seconds: float = 0.0) -> None:
        self._engine = engine
        self._latency = latency_seconds

    def run(self, work: Work) -> EngineRun:
        run = self._engine.run(work.generation, work.prompt_tokens)
        return _Delayed(run, self._latency) if self._latency else run

    async def close(self) -> None:
        """The engine is its owner's to close."""


class _Delayed:
    """A run whose first step takes longer."""

    def __init__(self, run: EngineRun, seconds: float) -> None:
        self._run = run
        self._seconds = seconds
        self._cancelled = asyncio.Event()

    @property
    def usage(self) -> Usage:
        return self._run.usage

    def __aiter__(self) -> _Delayed:
        return self

    async def __anext__(self) -> list[Delta]:
        seconds, self._seconds = self._seconds, 0.0
        if seconds:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._cancelled.wait(), seconds)
        return await anext(self._run)

    async def cancel(self) -> None:
        self._cancelled.set()
        await self._run.cancel()
