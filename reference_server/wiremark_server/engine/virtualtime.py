"""An event loop on which waiting takes no time: a day of traffic in seconds, the same every run.

    run(main)     where `async def main(clock): ...` and `clock` is the loop's own time

Whenever nothing is ready to run, the loop's clock jumps to the next timer. There must be no real I/O
to wait for; tasks that wait for each other without any timer are a deadlock, reported as such.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from wiremark_server.clock import Clock, ManualClock

_Result = TypeVar("_Result")


class Deadlock(RuntimeError):  # noqa: N818 - the usual name of the thing
    """Every task waits and no timer is set."""


class _JumpingSelector(selectors.SelectSelector):
    """Instead of sleeping, moves the clock."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Deadlock("every task waits for another and no timer is set")
        if timeout > 0:
            self._clock.advance(timeout)
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.clock = ManualClock()
        super().__init__(_JumpingSelector(self.clock))

    def time(self) -> float:
        return self.clock.monotonic()


def run(main: Callable[[Clock], Awaitable[_Result]]) -> _Result:
    """Run `main` to its end in virtual time."""

    async def inside() -> _Result:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, _VirtualLoop)  # noqa: S101 - tells the type checker what Runner was given
        return await main(loop.clock)

    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(inside())
