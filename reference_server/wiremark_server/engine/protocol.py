"""What the gateway may expect of any engine, simulated or not."""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from wiremark_server.domain.generation import Delta, Generation, Usage


class EngineRefusal(ValueError):  # noqa: N818 - an answer to the client, not a fault
    """The engine cannot do what was asked; the text is a sentence fit for the client's eyes.

    Raised by `Engine.run` before any work is done, so nothing was produced and nothing is owed.
    """


class UnsupportedSchema(EngineRefusal):
    """A JSON Schema for which no valid document can be guaranteed."""


class ContextTooLong(EngineRefusal):
    """The prompt does not fit into the engine's memory at all."""


class EngineFailure(RuntimeError):  # noqa: N818 - named for what happened
    """The engine could not go on with a request: what it had produced by then is all there is."""


class EngineUnavailable(EngineFailure):
    """Nothing was begun, because there is no worker to begin it."""


class EngineRun(Protocol):
    """One request being answered. Each item is what one step produced, never empty.

    Its iterator raises EngineFailure when the worker fails before the end.
    """

    def __aiter__(self) -> AsyncIterator[list[Delta]]: ...

    async def __anext__(self) -> list[Delta]: ...

    @property
    def usage(self) -> Usage:
        """Tokens so far: final once the iterator has ended or `cancel` has returned."""
        ...

    async def cancel(self) -> None:
        """Stop producing. What was produced before stays counted; the iterator ends. Idempotent."""
        ...


class Engine(Protocol):
    def count_prompt(self, generation: Generation) -> int:
        """Prompt tokens of a request, before anything runs."""
        ...

    def run(self, generation: Generation, prompt_tokens: int | None = None) -> EngineRun:
        """Start answering. `prompt_tokens` spares counting again what `count_prompt` gave.

        Raises EngineRefusal when the request cannot be answered, EngineUnavailable when nobody is there to.
        """
        ...

    def staffed(self, model: str) -> bool:
        """Whether somebody is there to answer for a model."""
        ...

    async def embed(self, model: str, texts: Sequence[str], dimensions: int) -> list[array[float]]:
        """A vector of length 1 for each text: `dimensions` numbers of four bytes."""
        ...

    async def close(self) -> None:
        """Stop every run. Their iterators end."""
        ...
