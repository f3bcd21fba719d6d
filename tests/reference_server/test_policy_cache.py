from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from wiremark_schemas import contracts
from wiremark_server.domain.generation import Delta, Finish, TextDelta, Usage
from wiremark_server.policy.cache import Kept, Replay, ResponseCache, fingerprint

USAGE = Usage(prompt=1, completion=2)


def _kept(size: int) -> Kept:
    return Kept((*(TextDelta(0, str(n)) for n in range(size)), Finish(0, "stop")), USAGE)


def test_the_order_of_keys_and_the_way_of_sending_do_not_matter() -> None:
    one = fingerprint("a", "chat", {"model": "m", "n": 1, "stream": True, "stream_options": {}})
    assert one == fingerprint("a", "chat", {"n": 1, "model": "m"})
    assert one != fingerprint("a", "chat", {"n": 2, "model": "m"})
    assert one != fingerprint("b", "chat", {"n": 1, "model": "m"})


def test_the_least_recently_used_answer_goes_first() -> None:
    cache = ResponseCache(max_answers=2)
    cache.put(b"1", _kept(1))
    cache.put(b"2", _kept(1))
    assert cache.get(b"1")
    cache.put(b"3", _kept(1))
    assert cache.get(b"2") is None
    assert cache.get(b"1")
    assert cache.get(b"3")


def test_the_deltas_together_are_bounded() -> None:
    cache = ResponseCache(max_deltas=10)
    cache.put(b"1", _kept(4))
    cache.put(b"1", _kept(4))
    cache.put(b"2", _kept(4))
    assert cache.get(b"1")
    cache.put(b"3", _kept(100))
    assert [cache.get(key) for key in (b"1", b"2", b"3")] == [None, None, None]


def test_a_replay_gives_the_same_deltas_and_counts() -> None:
    kept = _kept(1000)

    async def read() -> list[Delta]:
        return [delta async for step in Replay(kept) for delta in step]

    assert tuple(asyncio.run(read())) == kept.deltas
    assert Replay(kept).usage == USAGE


def test_a_kept_answer_is_still_that_of_the_provider_who_gave_it(in_process: Callable[..., Any]) -> None:
    cache = {"tool_less": True, "status_header": "x-cache"}
    raw = {**contracts.load("apipie").raw, "cache": cache}
    gateway = in_process(contracts.Contract("apipie", raw))
    first, again = gateway.chat(), gateway.chat()
    assert [answer.headers["x-cache"] for answer in (first, again)] == ["miss", "hit"]
    assert again.json["provider"] == first.json["provider"] is not None
    assert again.json["usage"]["cost"] == 0
