"""When tokens leave: the truth of the instant and fixed profiles, on a virtual clock."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from wiremark_server.clock import Clock
from wiremark_server.domain.generation import Delta, Finish, Generation, Turn
from wiremark_server.engine import pace
from wiremark_server.engine.protocol import EngineRun
from wiremark_server.engine.simulated import SimulatedEngine
from wiremark_server.engine.virtualtime import Deadlock, run

TICK = 0.001


def ask(text: str = "Write 50 tokens", **fields: Any) -> Generation:
    return Generation("r", "m", (Turn("user", text),), **fields)


async def timed(answering: EngineRun, clock: Clock) -> list[tuple[float, list[Delta]]]:
    start = clock.monotonic()
    return [(clock.monotonic() - start, deltas) async for deltas in answering]


async def whole(answering: EngineRun) -> list[Delta]:
    return [delta async for deltas in answering for delta in deltas]


def test_instant_takes_no_time_and_few_lists() -> None:
    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(pace.profile("instant"), 1, clock)
        lists = await timed(engine.run(ask("Write 300 tokens")), clock)
        assert [len(deltas) for _, deltas in lists] == [128, 128, 45]
        assert lists[-1][0] == 0

    run(main)


@pytest.mark.parametrize("others", [0, 200])
def test_fixed_keeps_its_times_whatever_the_load(others: int) -> None:
    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(pace.profile("fixed"), 1, clock)
        crowd = []
        for number in range(others):
            crowd.append(asyncio.create_task(whole(engine.run(ask(f"Write 70 tokens for {number}")))))
            await asyncio.sleep(0.0003)
        lists = await timed(engine.run(ask()), clock)
        assert len(lists) == 50
        first = lists[0][0]
        assert 0.200 <= round(first, 9) <= 0.200 + TICK
        for step, (at, _) in enumerate(lists):
            assert at - first == pytest.approx(0.020 * step, abs=1e-6)
        await asyncio.gather(*crowd)
        await engine.close()

    run(main)


def test_fixed_times_can_be_set() -> None:
    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(pace.profile("fixed", ttft=0.05, itl=0.0075), 1, clock)
        lists = await timed(engine.run(ask("Count to 4")), clock)
        for step, (at, _) in enumerate(lists):
            assert 0 <= round(at - (0.05 + 0.0075 * step), 9) <= TICK
        await engine.close()

    run(main)


@pytest.mark.parametrize("name", ["instant", "fixed", "8b-h100"])
def test_every_profile_says_the_same(name: str) -> None:
    async def main(clock: Clock) -> list[Delta]:
        engine = SimulatedEngine(pace.profile(name), 1, clock)
        answering = engine.run(ask("Write 40 tokens", n=2, reasoning=True))
        deltas = await whole(answering)
        assert answering.usage.completion == len(deltas) - 2
        assert [delta.choice for delta in deltas[:2]] == [0, 1]
        assert [type(delta) for delta in deltas].count(Finish) == 2
        return deltas

    async def reference(clock: Clock) -> list[Delta]:
        return await whole(
            SimulatedEngine(pace.profile("instant"), 1, clock).run(
                ask("Write 40 tokens", n=2, reasoning=True)
            )
        )

    assert sorted(map(repr, run(main))) == sorted(map(repr, run(reference)))


@pytest.mark.parametrize("name", ["fixed", "8b-h100"])
def test_cancel_stops_at_the_next_step_and_counts_what_was_produced(name: str) -> None:
    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(pace.profile(name), 1, clock)
        answering = engine.run(ask("Count to 500"))
        got: list[Delta] = []
        async for deltas in answering:
            got += deltas
            if len(got) == 10:
                await answering.cancel()
        assert answering.usage.completion == len(got) == 10
        await asyncio.sleep(10)
        assert answering.usage.completion == 10
        await answering.cancel()
        await engine.close()

    run(main)


def test_cancelling_an_instant_run_counts_the_lists_handed_out() -> None:
    async def main(clock: Clock) -> None:
        answering = SimulatedEngine(pace.profile("instant"), 1, clock).run(ask("Write 900 tokens"))
        assert answering.usage.completion == 0
        async for _ in answering:
            await answering.cancel()
        assert answering.usage.completion == 128

    run(main)


@pytest.mark.parametrize("name", ["fixed", "8b-h100"])
def test_a_reader_that_waits_is_let_go_by_cancel_and_by_close(name: str) -> None:
    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(pace.profile(name), 1, clock)
        cancelled, closed = engine.run(ask()), engine.run(ask("another"))
        readers = [asyncio.create_task(whole(one)) for one in (cancelled, closed)]
        await asyncio.sleep(0)
        await cancelled.cancel()
        await engine.close()
        assert await asyncio.gather(*readers) == [[], []]
        assert cancelled.usage.completion == closed.usage.completion == 0

    run(main)


def test_a_slow_reader_gets_everything_and_does_not_slow_the_engine() -> None:
    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(pace.profile("fixed"), 1, clock)
        answering = engine.run(ask())
        await asyncio.sleep(60)
        assert answering.usage.completion == 50
        lists = await timed(answering, clock)
        assert [len(deltas) for _, deltas in lists] == [51]
        assert lists[0][0] == 0

    run(main)


@pytest.mark.parametrize("name", ["instant", "fixed", "8b-h100"])
@pytest.mark.parametrize("n", [1, 2])
def test_an_answer_of_no_tokens_still_finishes(name: str, n: int) -> None:
    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(pace.profile(name), 1, clock)
        answering = engine.run(ask("Say exactly: stop", stop=("stop",), n=n))
        assert await whole(answering) == [Finish(choice, "stop", "stop") for choice in range(n)]
        assert answering.usage.completion == 0

    run(main)


def skewed(seconds: float) -> None:
    """From now on, every timer of the running loop rings that much late, or early when negative."""
    loop = asyncio.get_running_loop()
    call_later = loop.call_later
    loop.call_later = lambda delay, *rest: call_later(max(delay + seconds, 0.0001), *rest)  # type: ignore[method-assign]


@pytest.mark.parametrize("name", ["fixed", "8b-h100"])
def test_timers_that_ring_early_do_not_make_tokens_early(name: str) -> None:
    async def main(clock: Clock) -> None:
        skewed(-0.0007)
        engine = SimulatedEngine(pace.profile(name), 1, clock)
        lists = await timed(engine.run(ask()), clock)
        prompt = engine.count_prompt(ask())
        first, gap = (0.200, 0.020) if name == "fixed" else (0.030 + 0.00025 * prompt, 0.012)
        for step, (at, _) in enumerate(lists):
            assert at >= first + gap * step - 2e-6 * (step + 1)
        await engine.close()

    run(main)


@pytest.mark.parametrize("name", ["fixed", "8b-h100"])
def test_timers_that_ring_late_do_not_add_up(name: str) -> None:
    async def main(clock: Clock) -> None:
        skewed(0.003)
        engine = SimulatedEngine(pace.profile(name), 1, clock)
        lists = await timed(engine.run(ask()), clock)
        gap = 0.020 if name == "fixed" else 0.012
        assert lists[-1][0] - lists[0][0] == pytest.approx(49 * gap, abs=0.0035)
        await engine.close()

    run(main)


def test_virtual_time_reports_a_deadlock() -> None:
    async def main(_: Clock) -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Deadlock, match="no timer"):
        run(main)
