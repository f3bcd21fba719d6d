"""Several workers in virtual time: who answers, and what failure, drain and warm-up do to requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from wiremark_server.clock import Clock
from wiremark_server.domain.generation import Delta, Generation, TextDelta, Turn, Usage
from wiremark_server.engine import pace
from wiremark_server.engine.fleet import Fleet
from wiremark_server.engine.protocol import ContextTooLong, EngineFailure, EngineUnavailable
from wiremark_server.engine.simulated import SimulatedEngine
from wiremark_server.engine.virtualtime import run

PROFILES = ("fixed", "8b-h100")
Main = Callable[[SimulatedEngine, Clock], Awaitable[None]]


def simulate(main: Main, profile: str, workers: int = 1, warm_up: float = 0.0) -> None:
    async def inside(clock: Clock) -> None:
        engine = SimulatedEngine(pace.profile(profile), 1, clock, workers=workers, warm_up=warm_up)
        await main(engine, clock)
        await engine.close()

    run(inside)


def ask(number: int = 0, words: str = "Write 50 tokens") -> Generation:
    return Generation("r", "m", (Turn("user", f"({number}) {words}"),))


class Reader:
    """Reads an answer from the start."""

    def __init__(self, engine: SimulatedEngine, clock: Clock, generation: Generation) -> None:
        self.run = engine.run(generation)
        self.deltas: list[Delta] = []
        self.times: list[float] = []
        self._clock = clock
        self.task = asyncio.ensure_future(self._read())

    async def _read(self) -> Usage:
        async for deltas in self.run:
            self.deltas += deltas
            self.times.append(self._clock.monotonic())
        return self.run.usage

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas if isinstance(delta, TextDelta))


def running(engine: SimulatedEngine) -> list[int]:
    return [worker.stats.running + worker.stats.waiting for worker in engine.workers.all]


def states(engine: SimulatedEngine) -> list[str]:
    return [worker.state for worker in engine.workers.all]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_load_is_shared_and_two_workers_serve_twice_as_many(profile: str) -> None:
    async def main(engine: SimulatedEngine, clock: Clock) -> None:
        readers = [Reader(engine, clock, ask(number)) for number in range(32)]
        assert running(engine) == [16, 16]
        await asyncio.gather(*(reader.task for reader in readers))
        assert max(reader.times[0] for reader in readers) < 0.3  # nobody queued for a whole answer
        assert running(engine) == [0, 0]

    simulate(main, profile, workers=2)


def test_a_prompt_goes_where_its_beginning_is_known() -> None:
    async def main(engine: SimulatedEngine, clock: Clock) -> None:
        long = "the same long beginning, again and again; " * 20
        first = Reader(engine, clock, ask(0, long))
        other = Reader(engine, clock, ask(1, "something else; " * 40))
        await asyncio.gather(first.task, other.task)
        for _ in range(3):
            again = Reader(engine, clock, ask(1, "something else; " * 40))
            assert running(engine) == [0, 1]
            assert (await again.task).cached > 0

    simulate(main, "8b-h100", workers=2)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_a_failed_worker_had_not_begun_goes_to_another(profile: str) -> None:
    async def main(engine: SimulatedEngine, clock: Clock) -> None:
        readers = [Reader(engine, clock, ask(number)) for number in range(4)]
        alone = engine.run(ask(0)).usage.prompt
        await asyncio.sleep(0.001)
        engine.workers.fail(0)
        usages = await asyncio.gather(*(reader.task for reader in readers))
        assert [usage.completion for usage in usages] == [50] * 4
        assert usages[0].prompt == alone
        assert engine.workers.all[0].stats.running == 0

    simulate(main, profile, workers=2)


@pytest.mark.parametrize("profile", PROFILES)
def test_what_it_had_begun_fails_and_counts_what_was_said(profile: str) -> None:
    async def main(engine: SimulatedEngine, clock: Clock) -> None:
        whole = Reader(engine, clock, ask(7))
        await whole.task
        reader = Reader(engine, clock, ask(7))
        await asyncio.sleep(0.4)
        engine.workers.fail(0)
        with pytest.raises(EngineFailure, match="failed"):
            await reader.task
        said = reader.run.usage.completion
        assert 0 < said < 50
        assert whole.text.startswith(reader.text)
        assert len(reader.deltas) == said
        with pytest.raises(EngineUnavailable):
            engine.run(ask())
        assert not engine.staffed("m")
        engine.workers.restore(0)
        again = Reader(engine, clock, ask(7))
        await again.task
        assert again.text == whole.text
        assert again.run.usage.cached == 0  # its memory is gone

    simulate(main, profile)


@pytest.mark.parametrize("profile", PROFILES)
def test_with_the_last_worker_gone_what_waits_is_told_so(profile: str) -> None:
    async def main(engine: SimulatedEngine, clock: Clock) -> None:
        reader = Reader(engine, clock, ask())
        await asyncio.sleep(0)
        engine.workers.fail(0)
        with pytest.raises(EngineUnavailable):
            await reader.task
        assert reader.run.usage.completion == 0

    simulate(main, profile)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_draining_worker_finishes_what_it_has(profile: str) -> None:
    async def main(engine: SimulatedEngine, clock: Clock) -> None:
        readers = [Reader(engine, clock, ask(number)) for number in range(2)]
        engine.workers.drain(0)
        later = [Reader(engine, clock, ask(number)) for number in range(2, 5)]
        assert running(engine) == [1, 4]
        usages = await asyncio.gather(*(reader.task for reader in (*readers, *later)))
        assert {usage.completion for usage in usages} == {50}
        engine.workers.restore(0)
        last = Reader(engine, clock, ask(9))
        assert running(engine) == [1, 0]
        await last.task

    simulate(main, profile, workers=2)


@pytest.mark.parametrize("profile", ["instant", *PROFILES])
def test_requests_wait_for_the_first_worker_that_is_warm(profile: str) -> None:
    async def main(engine: SimulatedEngine, clock: Clock) -> None:
        assert engine.staffed("m")
        assert not engine.workers.can_start
        reader = Reader(engine, clock, ask())
        gone = Reader(engine, clock, ask(1))
        assert engine.stats.waiting == 2
        await asyncio.sleep(1)
        await gone.run.cancel()
        assert engine.stats.waiting == 1
        assert (await gone.task).completion == 0
        assert (await reader.task).completion == 50
        assert 20.0 <= reader.times[0] < 20.4
        assert engine.workers.can_start
        warm = Reader(engine, clock, ask(2))
        start = clock.monotonic()
        await warm.task
        assert warm.times[0] - start < 0.3

    simulate(main, profile, warm_up=20.0)


def test_a_worker_that_came_back_warms_up_while_others_serve() -> None:
    async def main(engine: SimulatedEngine, clock: Clock) -> None:
        await asyncio.sleep(10)
        assert states(engine) == ["ready", "ready"]
        engine.workers.fail(1)
        engine.workers.restore(1)
        engine.workers.restore(1)
        assert states(engine) == ["ready", "warming"]
        readers = [Reader(engine, clock, ask(number)) for number in range(3)]
        assert running(engine) == [3, 0]
        await asyncio.gather(*(reader.task for reader in readers))
        await asyncio.sleep(10)
        assert states(engine) == ["ready", "ready"]

    simulate(main, "8b-h100", workers=2, warm_up=10.0)


def test_when_the_warming_ones_are_gone_too_the_waiting_hear_of_it() -> None:
    async def main(engine: SimulatedEngine, clock: Clock) -> None:
        reader = Reader(engine, clock, ask())
        engine.workers.fail(0)
        with pytest.raises(EngineUnavailable):
            await reader.task

    simulate(main, "8b-h100", warm_up=5.0)


def test_what_can_never_fit_is_refused_before_the_worker_is_warm() -> None:
    async def main(engine: SimulatedEngine, clock: Clock) -> None:  # noqa: ARG001
        with pytest.raises(ContextTooLong):
            engine.run(ask(0, "word " * 500_000))

    simulate(main, "8b-h100", warm_up=5.0)


def test_the_end_of_the_engine_ends_what_waits() -> None:
    async def main(engine: SimulatedEngine, clock: Clock) -> None:
        reader = Reader(engine, clock, ask())
        await engine.close()
        assert (await reader.task).completion == 0

    simulate(main, "8b-h100", warm_up=5.0)


def test_each_model_is_answered_at_the_speed_of_its_own_profile() -> None:
    async def inside(clock: Clock) -> None:
        fleet = Fleet("8b-h100", {"big": "405b-h100-tp8"}, 1, clock, workers=2)
        assert [(worker.number, worker.profile) for worker in fleet.all] == [
            *((0, "8b-h100"), (1, "8b-h100"), (2, "405b-h100-tp8"), (3, "405b-h100-tp8")),
        ]
        took, said = {}, {}
        for model in ("small", "big"):
            start, text = clock.monotonic(), ""
            generation = Generation("r", model, (Turn("user", "Write 50 tokens"),))
            async for deltas in fleet.run(generation, fleet.count_prompt(generation)):
                text += "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
            took[model], said[model] = clock.monotonic() - start, text
        assert 5 < took["big"] / took["small"] < 8  # 80 ms a token against 12
        await fleet.change(2, "fail")
        await fleet.change(3, "fail")
        assert [fleet.staffed(model) for model in ("small", "big")] == [True, False]
        assert fleet.state == "no worker"
        await fleet.change(3, "restore")
        await fleet.change(0, "drain")
        assert [worker.state for worker in fleet.all] == ["draining", "ready", "failed", "ready"]
        assert fleet.state == ""
        assert len(await fleet.embed("big", ["a"], 3)) == 1
        await fleet.close()

    run(inside)
