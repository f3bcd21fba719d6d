"""Continuous batching: queueing, chunked prefill, prefix reuse, preemption, and the time each step takes."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wiremark_server.clock import Clock
from wiremark_server.domain.generation import Delta, Finish, Generation, TextDelta, Turn, Usage
from wiremark_server.engine import pace
from wiremark_server.engine.batch import Batch, Request, Step
from wiremark_server.engine.kv import BlockCache, block_hashes
from wiremark_server.engine.pace import Batched
from wiremark_server.engine.plan import Choice
from wiremark_server.engine.protocol import ContextTooLong, EngineRefusal
from wiremark_server.engine.run import PacedRun
from wiremark_server.engine.simulated import SimulatedEngine
from wiremark_server.engine.virtualtime import run


def profile(**fields: Any) -> Batched:
    """Round numbers: a step takes 10 ms, 1 ms more a sequence, 0.1 ms more a prompt token."""
    numbers: dict[str, Any] = {
        "step": 0.010,
        "per_sequence": 0.001,
        "per_prefill_token": 0.0001,
        "max_num_seqs": 4,
        "max_batched_tokens": 100,
        "kv_blocks": 100,
        "block_tokens": 10,
        "watermark": 0.0,
    }
    return Batched(name="test", **{**numbers, **fields})


def request(prompt: int, answer: int, width: int = 1, topic: str | None = None) -> Request:
    choices = [
        Choice(tuple(TextDelta(index, "x") for _ in range(answer)), 0, Finish(index, "stop"))
        for index in range(width)
    ]
    pieces = [topic] * prompt if topic else []
    return Request(PacedRun(choices, prompt), block_hashes(pieces, 10))


def steps(batch: Batch, limit: int = 10_000) -> list[Step]:
    """Run to the end."""
    done: list[Step] = []
    while (step := batch.plan()) is not None:
        done.append(step)
        batch.finish(step)
        assert len(done) < limit, "the batch makes no progress"
    return done


def test_a_step_costs_what_it_computes() -> None:
    batch = Batch(profile())
    batch.add(request(prompt=30, answer=3))
    batch.add(request(prompt=20, answer=2))
    done = steps(batch)
    assert [step.seconds for step in done] == pytest.approx([0.010 + 0.005, 0.010 + 0.002, 0.010 + 0.001])


def test_attention_to_long_contexts_can_cost_time_too() -> None:
    batch = Batch(profile(per_kv_token=0.001))
    batch.add(request(prompt=30, answer=3))
    assert [step.seconds for step in steps(batch)] == pytest.approx([0.013, 0.011 + 0.030, 0.011 + 0.031])


def test_long_prompts_are_computed_in_chunks_beside_decoding() -> None:
    batch = Batch(profile(max_batched_tokens=50))
    batch.add(request(prompt=10, answer=9))
    batch.finish(batch.plan() or pytest.fail("nothing to do"))
    batch.add(request(prompt=120, answer=1))
    done = steps(batch)
    assert [[chunk for _, chunk in step.chunks] for step in done[:4]] == [[49], [49], [22], []]
    assert all(len(step.decodes) == 1 for step in done[:4])


def test_only_so_many_sequences_run_and_the_rest_wait_in_order() -> None:
    batch = Batch(profile(max_num_seqs=2))
    requests = [request(prompt=10, answer=3) for _ in range(5)]
    for one in requests:
        batch.add(one)
    first = batch.plan()
    assert first is not None
    assert [one for one, _ in first.chunks] == requests[:2]
    assert batch.stats.running == 2
    assert batch.stats.waiting == 3
    batch.finish(first)
    steps(batch)
    assert all(one.run.finished for one in requests)


def test_choices_are_sequences_of_their_own() -> None:
    batch = Batch(profile(max_num_seqs=4))
    batch.add(request(prompt=10, answer=2, width=3))
    batch.add(request(prompt=10, answer=2, width=2))
    done = steps(batch)
    assert [len(step.chunks) for step in done] == [1, 0, 1, 0]
    assert done[1].seconds == pytest.approx(0.013)


def test_a_known_prefix_is_not_computed_again() -> None:
    batch = Batch(profile())
    first, second, other = (request(35, 2, topic=topic) for topic in ("a", "a", "b"))
    for one in (first, second, other):
        batch.add(one)
        steps(batch)
    assert [one.run.usage.cached for one in (first, second, other)] == [0, 30, 0]
    assert batch.stats.cached_tokens == 30
    assert batch.stats.kv_usage == 0


def test_the_last_prompt_token_is_always_computed() -> None:
    batch = Batch(profile())
    for expected in (0, 20):
        one = request(30, 1, topic="a")
        batch.add(one)
        steps(batch)
        assert one.run.usage.cached == expected


def test_requests_that_run_together_share_blocks() -> None:
    batch = Batch(profile(kv_blocks=8))
    first = request(40, 30, topic="a")
    batch.add(first)
    batch.finish(batch.plan() or pytest.fail("nothing to do"))
    second = request(40, 3, topic="a")
    batch.add(second)
    step = batch.plan()
    assert step is not None
    assert step.chunks == ((second, 10),)


def test_the_least_recently_used_prefix_makes_room() -> None:
    batch = Batch(profile(kv_blocks=10))
    for topic in ("a", "b", "a", "c"):  # four blocks each: c pushes out b, not a
        batch.add(request(41, 1, topic=topic))
        steps(batch)
    again = {}
    for topic in ("a", "b"):
        again[topic] = request(41, 1, topic=topic)
        batch.add(again[topic])
        steps(batch)
    assert again["a"].run.usage.cached == 40
    assert again["b"].run.usage.cached < 40


def test_the_youngest_is_preempted_and_starts_again() -> None:
    batch = Batch(profile(kv_blocks=8))
    old, young = request(30, 30), request(30, 30)
    batch.add(old)
    batch.add(young)
    order: list[Request] = []
    while (step := batch.plan()) is not None:
        batch.finish(step)
        order += [one for one in (old, young) if one.run.finished and one not in order]
    assert order == [old, young]
    assert batch.stats.preemptions == 1
    assert (old.run.usage.completion, young.run.usage.completion) == (30, 30)
    assert batch.stats.kv_usage == 0


def test_dropped_requests_give_back_what_they_hold_even_in_the_middle_of_a_step() -> None:
    batch = Batch(profile(max_num_seqs=2))
    running, waiting = request(30, 5), request(30, 5, width=2)
    batch.add(running)
    batch.add(waiting)
    step = batch.plan()
    assert step is not None
    batch.drop(running)
    batch.drop(waiting)
    batch.finish(step)
    assert (running.run.usage.completion, waiting.run.usage.completion) == (0, 0)
    assert batch.plan() is None
    assert batch.stats.kv_usage == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(12, 40), st.integers(1, 40))
def test_any_load_is_served_whole_and_leaves_nothing_behind(seed: int, blocks: int, budget: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - a test's load
    batch = Batch(profile(kv_blocks=blocks, max_batched_tokens=max(budget, 4), watermark=0.1))
    requests = [
        request(rng.randint(1, 60), rng.randint(1, 20), rng.randint(1, 2), rng.choice(["a", "b", None]))
        for _ in range(rng.randint(1, 12))
    ]
    for one in requests:
        batch.add(one)
    dropped = set(rng.sample(range(len(requests)), rng.randint(0, len(requests) // 2)))
    for number in dropped:
        for _ in range(rng.randint(0, 3)):
            step = batch.plan()
            if step is not None:
                assert sum(chunk for _, chunk in step.chunks) + len(step.decodes) <= max(budget, 4)
                batch.finish(step)
        batch.drop(requests[number])
    steps(batch)
    assert all(one.run.finished for number, one in enumerate(requests) if number not in dropped)
    assert batch.stats.kv_usage == 0
    assert (batch.stats.running, batch.stats.waiting) == (0, 0)


def test_a_block_cache_changes_nothing_when_it_refuses() -> None:
    cache = BlockCache(4)
    assert cache.take((), 3)
    assert not cache.take((), 2)
    assert not cache.take((), 1, reserve=1)
    assert cache.available == 1
    assert cache.publish(11)
    assert not cache.publish(11)
    assert cache.match((11, 12)) == 1
    cache.release((11,), 2)
    assert cache.available == 4
    assert cache.match((11,)) == 1
    assert cache.take((), 4)
    assert cache.match((11,)) == 0


# -- the loop in virtual time ----------------------------------------------------------------------------


def ask(text: str = "Write 50 tokens", **fields: Any) -> Generation:
    return Generation("r", "m", (Turn("user", text),), **fields)


async def read(engine: SimulatedEngine, generation: Generation, clock: Clock) -> tuple[list[float], Usage]:
    start = clock.monotonic()
    answering = engine.run(generation)
    times = [clock.monotonic() - start async for _ in answering]
    return times, answering.usage


def test_latency_follows_from_load() -> None:
    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(pace.profile("8b-h100"), 1, clock)
        alone, _ = await read(engine, ask(), clock)
        prompt = engine.count_prompt(ask())
        assert alone[0] == pytest.approx(0.030 + 0.00025 * prompt, abs=1e-6)
        assert (alone[-1] - alone[0]) / 49 == pytest.approx(0.012, abs=1e-6)
        sixteen = await asyncio.gather(
            *(read(engine, ask(f"Write 50 tokens ({n})"), clock) for n in range(16))
        )
        gap = max((times[-1] - times[0]) / 49 for times, _ in sixteen)
        assert gap == pytest.approx(0.024, rel=0.01)
        many = await asyncio.gather(*(read(engine, ask(f"Write 50 tokens ({n})"), clock) for n in range(32)))
        firsts = sorted(times[0] for times, _ in many)
        assert firsts[15] < 0.1
        assert firsts[16] > 1.0  # the second half queued for a whole answer
        assert engine.stats is not None
        assert engine.stats.running == 0
        await engine.close()

    run(main)


def test_usage_tells_cached_tokens_of_a_growing_conversation() -> None:
    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(pace.profile("70b-h100-tp8"), 1, clock)
        turns: tuple[Turn, ...] = (Turn("system", "word " * 200), Turn("user", "Hello"))
        _, first = await read(engine, Generation("a", "m", turns), clock)
        turns = (*turns, Turn("assistant", "Hi."), Turn("user", "And now?"))
        _, second = await read(engine, Generation("b", "m", turns), clock)
        assert first.cached == 0
        assert first.prompt - 16 <= second.cached < second.prompt
        assert second.cached % 16 == 0
        assert second.prompt == engine.count_prompt(Generation("b", "m", turns))

    run(main)


def test_a_cancelled_stream_makes_room_for_the_next() -> None:
    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(profile(max_num_seqs=1), 1, clock)
        hog = engine.run(ask("Write 400 tokens"))
        waiting = asyncio.create_task(read(engine, ask("Say exactly: me"), clock))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        await hog.cancel()
        times, usage = await waiting
        assert times[0] == pytest.approx(0.5, abs=0.05)
        assert usage.completion == 1
        got: list[Delta] = [delta async for deltas in hog for delta in deltas]
        assert len(got) == hog.usage.completion

    run(main)


def test_what_can_never_fit_is_refused_with_a_sentence() -> None:
    async def main(clock: Clock) -> None:
        engine = SimulatedEngine(profile(kv_blocks=20), 1, clock)
        with pytest.raises(ContextTooLong, match="holds 200 tokens in all"):
            engine.run(ask("word " * 300))
        with pytest.raises(EngineRefusal, match="at most 4 at a time"):
            engine.run(ask(n=5))
        assert (await read(engine, ask("Say exactly: fine"), clock))[1].completion == 1

    run(main)
