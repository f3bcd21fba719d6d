"""Work that goes on beside the serving."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

from wiremark_server.edge.handler import log_fault


async def every(
    seconds: float,
    name: str,
    work: Callable[[], Awaitable[None] | None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Do it again and again. A time that fails is told of under its name, and does not end it."""
    while True:
        await sleep(seconds)
        try:
            waiting = work()
            if waiting is not None:
                await waiting
        except Exception as error:  # noqa: BLE001 - the one boundary for work that nobody waits for
            log_fault(error, name)


@contextlib.asynccontextmanager
async def going_on(*chores: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Each of them is under way inside, and stopped at the end."""
    tasks = [asyncio.create_task(chore) for chore in chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
