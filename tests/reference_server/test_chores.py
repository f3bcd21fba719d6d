"""What goes on beside the serving: it outlives a time that fails, and ends with the server."""

from __future__ import annotations

import asyncio

import pytest
from wiremark_server import chores


def test_a_time_that_fails_is_told_of_and_the_next_one_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    done: list[int] = []
    slept: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    async def work() -> None:
        done.append(len(done))
        if len(done) == 1:
            raise ValueError("what nobody else may read")
        enough.set()

    async def scenario() -> None:
        async with chores.going_on(chores.every(60, "sweep", work, sleep)):
            async with asyncio.timeout(5):
                await enough.wait()

    asyncio.run(scenario())
    told = capsys.readouterr().err
    assert "sweep: ValueError at test_chores.py" in told
    assert "nobody else" not in told
    assert set(slept) == {60}


def test_nothing_goes_on_when_the_serving_is_over() -> None:
    done: list[int] = []
    begun = asyncio.Event()

    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    def work() -> None:
        done.append(1)
        begun.set()

    async def scenario() -> None:
        async with chores.going_on(chores.every(1, "gauges", work, sleep)):
            async with asyncio.timeout(5):
                await begun.wait()
        counted = len(done)
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(done) == counted

    asyncio.run(scenario())
