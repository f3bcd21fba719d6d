"""Limits that several processes share, places that are given back, and days that outlast a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from wiremark_loadtests import services
from wiremark_server.clock import ManualClock
from wiremark_server.keys import Key, LimitOverrides
from wiremark_server.policy.counters import Counters, CountersUnavailable, MemoryCounters, shared
from wiremark_server.policy.limits import Limiter

KEY = Key("key", "acme")


@pytest.fixture(params=["memory", "redis"])
def play(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Runs a scenario with counters of a kind; given several, they are different processes' view of one."""

    def run(scenario: Callable[[list[Counters]], Awaitable[Any]]) -> Any:
        async def with_counters() -> Any:
            if request.param == "memory":
                counters: list[Counters] = [MemoryCounters(ManualClock())] * 3
            else:
                url = request.getfixturevalue("redis_server")
                counters = [await shared(url) for _ in range(3)]
                await counters[0]._redis.flushall()  # type: ignore[attr-defined]
            try:
                return await scenario(counters)
            finally:
                for one in counters:
                    await one.close()

        return asyncio.run(with_counters())

    return run


def test_of_many_at_once_exactly_the_promised_number_is_admitted(play: Callable[..., Any]) -> None:
    async def scenario(counters: list[Counters]) -> int:
        limiters = [Limiter({"requests_per_minute": 100}, ManualClock(), counters=one) for one in counters]
        decisions = await asyncio.gather(*(limiters[n % 3].check(KEY) for n in range(500)))
        assert {d.scope for d in decisions if not d.allowed} == {"requests_per_minute"}
        return sum(decision.allowed for decision in decisions)

    assert play(scenario) == 100


def test_a_refusal_is_taken_out_of_every_window(play: Callable[..., Any]) -> None:
    async def scenario(counters: list[Counters]) -> None:
        promised = {"requests_per_minute": 50, "requests_per_day": 3, "tokens_per_minute": 10}
        limiter = Limiter(promised, ManualClock(), counters=counters[0])
        assert (await limiter.check(KEY, 4)).allowed
        refused = await limiter.check(KEY, 7)
        assert (refused.allowed, refused.scope) == (False, "tokens_per_minute")
        assert refused.retry_after is not None
        assert 59 <= refused.retry_after <= 60
        found = {name.decode(): told.decode() for name, told in (await limiter.check(KEY, 6)).headers}
        assert found["x-ratelimit-remaining-tokens"] == "0"
        assert found["x-ratelimit-remaining-requests"] == "1"  # of the day
        assert (await limiter.check(KEY)).allowed
        assert not (await limiter.check_tokens(KEY, 1)).allowed
        assert (await limiter.check(KEY)).allowed
        assert (await limiter.check(KEY)).scope == "requests_per_day"

    play(scenario)


def test_places_are_limited_and_given_back(play: Callable[..., Any]) -> None:
    async def scenario(counters: list[Counters]) -> None:
        limiters = [Limiter({"concurrent_requests": 5}, ManualClock(), counters=one) for one in counters]
        decisions = await asyncio.gather(*(limiters[n % 3].check(KEY) for n in range(20)))
        inside = [decision for decision in decisions if decision.allowed]
        assert len(inside) == 5
        refused = next(decision for decision in decisions if not decision.allowed)
        assert (refused.scope, refused.retry_after) == ("concurrent_requests", 1)
        assert inside[0].place is not None
        await limiters[0].leave(inside[0].place)
        assert (await limiters[1].check(KEY)).allowed
        assert not (await limiters[2].check(KEY)).allowed

    play(scenario)


def test_whom_a_window_refuses_holds_no_place(play: Callable[..., Any]) -> None:
    async def scenario(counters: list[Counters]) -> None:
        promised = {"concurrent_requests": 1, "requests_per_minute": 1}
        limiter = Limiter(promised, ManualClock(), counters=counters[0])
        first = await limiter.check(KEY)
        assert first.place is not None
        await limiter.leave(first.place)
        for _ in range(3):
            assert (await limiter.check(KEY)).scope == "requests_per_minute"

    play(scenario)


def test_a_key_has_its_own_number_of_places() -> None:
    async def scenario() -> None:
        limiter = Limiter({}, ManualClock())
        key = Key("own", "acme", limits=LimitOverrides(concurrent_requests=2))
        assert [(await limiter.check(key)).allowed for _ in range(3)] == [True, True, False]
        assert all([(await limiter.check(KEY)).allowed for _ in range(3)])

    asyncio.run(scenario())


def test_a_day_goes_on_after_a_restart() -> None:
    clock = ManualClock()
    told: dict[str, tuple[int, float]] = {}

    def remember(name: str, count: int, left: float) -> None:
        told[name] = (count, clock.now() + left)

    def limiter() -> Limiter:
        counters = MemoryCounters(clock)
        for name, (count, ends) in told.items():
            counters.restore(name, count, ends - clock.now())
        return Limiter({"requests_per_day": 5}, clock, counters=counters, day_count=remember)

    async def scenario() -> None:
        assert [(await limiter().check(KEY)).allowed for _ in range(7)] == [True] * 5 + [False] * 2
        clock.advance(86_399)
        assert (await limiter().check(KEY)).retry_after == 1
        clock.advance(1)
        assert (await limiter().check(KEY)).allowed

    asyncio.run(scenario())


def test_redis_that_cannot_be_reached_admits_nobody() -> None:
    pytest.importorskip("redis")

    async def scenario() -> None:
        try:
            server = services.redis()
            url = server.__enter__()
        except services.Missing as missing:
            pytest.skip(str(missing))
        counters = await shared(url)
        promised = {"requests_per_minute": 5, "concurrent_requests": 2}
        limiter = Limiter(promised, ManualClock(), counters=counters)
        decision = await limiter.check(KEY)
        server.__exit__(None, None, None)
        with pytest.raises(CountersUnavailable):
            await limiter.check(KEY)
        assert decision.place is not None
        await limiter.leave(decision.place)  # it comes free by itself
        await counters.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("url", "sentence"),
    [("http://x", "is no address of a Redis"), ("redis://127.0.0.1:1/0", "cannot be reached")],
)
def test_a_wrong_address_is_named(url: str, sentence: str) -> None:
    pytest.importorskip("redis")
    with pytest.raises(CountersUnavailable, match=sentence):
        asyncio.run(shared(url))
