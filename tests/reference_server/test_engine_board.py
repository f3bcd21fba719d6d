"""Workers of several processes as one list: here two of them in one process, over one board."""

from __future__ import annotations

import asyncio

import pytest
from wiremark_server.chores import every
from wiremark_server.clock import ManualClock
from wiremark_server.engine import pace
from wiremark_server.engine.board import Board, Everywhere
from wiremark_server.engine.simulated import SimulatedEngine
from wiremark_server.engine.workers import WorkerAway, Workers

PROFILES = ("8b-h100", "8b-h100")


def crew() -> Workers:
    return SimulatedEngine(pace.profile(PROFILES[0]), 7, ManualClock(), workers=len(PROFILES)).workers


async def at_once(_: float) -> None:
    """Others have their turn, and no time passes."""
    await asyncio.sleep(0)


def states(seen: Everywhere) -> list[str]:
    return [worker.state for worker in seen.all]


def test_every_process_sees_all_workers_and_changes_those_of_another() -> None:
    async def scenario() -> None:
        board = Board(2, PROFILES)
        first, second = (Everywhere(board, place, crew(), at_once) for place in (0, 1))
        assert states(first) == states(second) == ["ready"] * 4
        shown = [worker.to_json() for worker in first.all]
        assert [(row["number"], row["process"]) for row in shown] == [(0, 0), (1, 0), (2, 1), (3, 1)]
        assert {row["profile"] for row in shown} == {"8b-h100"}
        serving = [asyncio.create_task(every(0.05, "workers", one.look, at_once)) for one in (first, second)]
        await first.change(0, "drain")
        await first.change(3, "fail")
        await second.change(1, "fail")
        assert states(first) == states(second) == ["draining", "failed", "ready", "failed"]
        await asyncio.gather(first.change(3, "restore"), second.change(1, "restore"))
        assert states(second) == ["draining", "ready", "ready", "ready"]
        for one in serving:
            one.cancel()

    asyncio.run(scenario())


def test_a_process_that_is_away_is_told_and_does_nothing_later() -> None:
    async def scenario() -> None:
        board = Board(2, PROFILES)
        first, second = (Everywhere(board, place, crew(), at_once) for place in (0, 1))
        with pytest.raises(WorkerAway, match="worker 2"):
            await first.change(2, "fail")
        await second.look()
        assert states(first) == ["ready"] * 4

    asyncio.run(scenario())


def test_a_process_does_not_do_what_was_asked_of_the_one_before_it() -> None:
    async def scenario() -> None:
        board = Board(2, PROFILES)
        first = Everywhere(board, 0, crew(), at_once)
        asking = asyncio.create_task(first.change(2, "fail"))
        await asyncio.sleep(0)
        second = Everywhere(board, 1, crew(), at_once)
        await second.look()
        with pytest.raises(WorkerAway):
            await asking
        assert states(second) == ["ready"] * 4
        serving = asyncio.create_task(every(0.05, "workers", second.look, at_once))
        await first.change(2, "fail")
        assert states(first) == ["ready", "ready", "failed", "ready"]
        serving.cancel()

    asyncio.run(scenario())
