"""One request being answered: hands out a plan's deltas step by step and knows what it has produced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from wiremark_server.domain.generation import Delta, Usage
from wiremark_server.engine.plan import Choice

BURST_STEPS = 128  # steps in one list of an unpaced run: large enough for throughput, small enough to cancel


class _Progress:
    """How far a plan has got. A step is one token for every choice that is not finished."""

    __slots__ = ("_choices", "_step", "_steps", "cached", "prompt")

    def __init__(self, choices: Sequence[Choice], prompt: int) -> None:
        self._choices = choices
        self._step = 0
        self._steps = max([1, *[len(choice.deltas) for choice in choices]])
        self.prompt = prompt
        self.cached = 0

    @property
    def usage(self) -> Usage:
        step = self._step
        if len(self._choices) == 1:
            (only,) = self._choices
            return Usage(self.prompt, min(step, len(only.deltas)), self.cached, min(step, only.reasoning))
        return Usage(
            prompt=self.prompt,
            completion=sum(min(step, len(choice.deltas)) for choice in self._choices),
            cached=self.cached,
            reasoning=sum(min(step, choice.reasoning) for choice in self._choices),
        )

    def take(self, steps: int) -> list[Delta]:
        """The deltas of the next `steps` steps, choice 0 first; Finish rides with the last token."""
        start, end = self._step, min(self._step + steps, self._steps)
        self._step = end
        if len(self._choices) == 1:
            choice = self._choices[0]
            out = list(choice.deltas[start:end])
            if end == self._steps:
                out.append(choice.finish)
            return out
        out = []
        for step in range(start, end):
            for choice in self._choices:
                length = len(choice.deltas)
                if step < length:
                    out.append(choice.deltas[step])
                if step == max(length - 1, 0):
                    out.append(choice.finish)
        return out

    @property
    def finished(self) -> bool:
        return self._step >= self._steps


class InstantRun(_Progress):
    """Never waits for time. Lets others run between bursts of a long answer."""

    __slots__ = ("_cancelled",)

    def __init__(self, choices: Sequence[Choice], prompt: int) -> None:
        super().__init__(choices, prompt)
        self._cancelled = False

    def __aiter__(self) -> InstantRun:
        return self

    async def __anext__(self) -> list[Delta]:
        if self._cancelled or self.finished:
            raise StopAsyncIteration
        if self._step:
            await asyncio.sleep(0)
            if self._cancelled:
                raise StopAsyncIteration
        return self.take(BURST_STEPS)

    async def cancel(self) -> None:
        self._cancelled = True


class PacedRun(_Progress):
    """Fed by a pacer: `advance` produces a step, the reader gets whatever has gathered since it last looked.

    A slow reader never slows the engine; what was produced is counted whether or not it was read.
    """

    __slots__ = ("_ended", "_failure", "_loop", "_ready", "_waiter", "leave", "model")

    def __init__(self, choices: Sequence[Choice], prompt: int, model: str = "") -> None:
        super().__init__(choices, prompt)
        self.model = model
        self.leave: Callable[[PacedRun], None] | None = None
        """Called when the run is cancelled; set by whoever paces it."""
        self._failure: Exception | None = None
        self._ready: list[Delta] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False

    @property
    def width(self) -> int:
        """Sequences decoded side by side."""
        return len(self._choices)

    @property
    def steps(self) -> int:
        """Steps of the whole answer."""
        return self._steps

    @property
    def produced(self) -> int:
        """Steps done."""
        return self._step

    def advance(self) -> bool:
        """Produce one step. True when the answer is complete."""
        self._ready += self.take(1)
        if self._step >= self._steps:
            self._ended = True
        if self._waiter is not None:
            self._wake()
        return self._ended

    def end(self) -> None:
        """Stop here: the reader gets what is ready, then the end."""
        self._ended = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """Stop here: the reader gets what is ready, then the error."""
        self._failure = error
        self.end()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def __aiter__(self) -> PacedRun:
        return self

    async def __anext__(self) -> list[Delta]:
        while not self._ready:
            if self._ended:
                if self._failure is not None:
                    failure, self._failure = self._failure, None
                    raise failure
                raise StopAsyncIteration
            if self._loop is None:  # asked for once: it costs a system call
                self._loop = asyncio.get_running_loop()
            self._waiter = self._loop.create_future()
            await self._waiter
        ready, self._ready = self._ready, []
        return ready

    async def cancel(self) -> None:
        if not self._ended:
            if self.leave is not None:
                self.leave(self)
            self.end()
