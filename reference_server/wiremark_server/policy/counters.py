"""Counters that end, which is all that a fixed window is: in this process, or shared through Redis.

The shared ones are those of the `limits` library, whose script adds and sets the end in one step. Its own
memory storage reads the machine's clock and starts a thread, so the ones in memory are kept here, over an
injected clock. Adding says what came out, so many can add at once and each knows whether it was in time.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

from msgspec import Struct

from wiremark_server.clock import Clock

_LEASE_SECONDS = 60
_RENEW_SECONDS = 20


class CountersUnavailable(Exception):  # noqa: N818 - named for what happened
    """The shared counters cannot be reached: nobody can be admitted."""


class Cell(Struct, frozen=True):
    """A counter as it stands; `left` is in seconds until it is gone."""

    counted: int
    left: float


NONE = Cell(0, 0.0)
_ENDED = (0, -math.inf)


class Charge(Struct, frozen=True):
    """So much is added to a counter; one that does not exist begins now and ends after `seconds`."""

    name: str
    amount: int
    seconds: int


class Counters(Protocol):
    """Each method that can wait may raise CountersUnavailable."""

    async def add(self, charges: Sequence[Charge]) -> list[Cell]:
        """Each counter as it is after its charge."""
        ...

    async def take_back(self, charges: Sequence[Charge]) -> None:
        """Undo an `add`, unless the counter has ended since."""
        ...

    async def read(self, names: Sequence[str]) -> list[Cell]: ...

    def peek(self, names: Sequence[str]) -> list[Cell] | None:
        """What `read` gives; None when one has to wait for it."""
        ...

    async def enter(self, name: str, limit: int) -> str | None:
        """A place among at most `limit`, or None; give it back with `leave`."""
        ...

    async def leave(self, name: str, place: str) -> None: ...

    async def close(self) -> None: ...


class MemoryCounters:
    """Never waits, so that what a caller does between two awaits of others is one step."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cells: dict[str, tuple[int, float]] = {}
        self._places: dict[str, int] = {}

    async def add(self, charges: Sequence[Charge]) -> list[Cell]:
        now = self._clock.monotonic()
        found = []
        for charge in charges:
            count, ends = self._cells.get(charge.name, _ENDED)
            if ends <= now:
                count, ends = 0, now + charge.seconds
            count += charge.amount
            self._cells[charge.name] = (count, ends)
            found.append(Cell(count, ends - now))
        return found

    async def take_back(self, charges: Sequence[Charge]) -> None:
        now = self._clock.monotonic()
        for charge in charges:
            count, ends = self._cells.get(charge.name, _ENDED)
            if ends > now:
                self._cells[charge.name] = (max(0, count - charge.amount), ends)

    async def read(self, names: Sequence[str]) -> list[Cell]:
        return self.peek(names)

    def peek(self, names: Sequence[str]) -> list[Cell]:
        now = self._clock.monotonic()
        found = []
        for name in names:
            count, ends = self._cells.get(name, _ENDED)
            found.append(Cell(count, ends - now) if ends > now else NONE)
        return found

    def restore(self, name: str, count: int, left: float) -> None:
        """Go on with a counter of an earlier process."""
        self._cells[name] = (count, self._clock.monotonic() + left)

    async def enter(self, name: str, limit: int) -> str | None:
        taken = self._places.get(name, 0)
        if taken >= limit:
            return None
        self._places[name] = taken + 1
        return name

    async def leave(self, name: str, place: str) -> None:  # noqa: ARG002 - places are alike here
        taken = self._places[name] - 1
        if taken:
            self._places[name] = taken
        else:
            del self._places[name]

    async def close(self) -> None: ...


_CONNECTIONS = 32
_PATIENCE = 2.0  # seconds
_ENTER = """
local now = redis.call('TIME')
local seconds = now[1] + now[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', seconds)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], seconds + ARGV[3], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
_RENEW = """
local now = redis.call('TIME')
redis.call('ZADD', KEYS[1], 'XX', now[1] + ARGV[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


class RedisCounters:
    """Shared by every process that has the same address.

    A place is a lease that is renewed while it is held, so that one taken by a process that was killed
    comes free by itself.
    """

    def __init__(self, url: str) -> None:
        from limits.aio.storage import RedisStorage
        from redis import asyncio as redis

        self._pool = redis.BlockingConnectionPool.from_url(
            url, max_connections=_CONNECTIONS, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE
        )
        self._redis = redis.Redis(connection_pool=self._pool)
        pool: Any = self._pool  # documented for the storage, and not in its types
        self._storage = RedisStorage(f"async+{url}", implementation="redispy", connection_pool=pool)
        self._errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._ends: dict[str, float] = {}  # of counters, on the monotonic clock
        self._held: dict[str, str] = {}  # names by place
        self._renewing: asyncio.Task[None] | None = None

    async def add(self, charges: Sequence[Charge]) -> list[Cell]:
        return await asyncio.gather(*(self._add(charge) for charge in charges))

    async def _add(self, charge: Charge) -> Cell:
        name, amount, seconds = charge.name, charge.amount, charge.seconds
        count = await self._ask(lambda: self._storage.incr(name, seconds, amount))
        if count == amount:  # a new window
            self._ends[name] = time.monotonic() + seconds
        return Cell(count, await self._left(name))

    async def take_back(self, charges: Sequence[Charge]) -> None:
        await asyncio.gather(*(self._take_back(charge.name, charge.amount) for charge in charges))

    async def _take_back(self, name: str, amount: int) -> None:
        if await self._ask(lambda: self._storage.get(name)) >= amount:
            await self._ask(lambda: self._storage.incr(name, 1, -amount))

    async def read(self, names: Sequence[str]) -> list[Cell]:
        return await asyncio.gather(*(self._read(name) for name in names))

    async def _read(self, name: str) -> Cell:
        count = await self._ask(lambda: self._storage.get(name))
        return Cell(count, await self._left(name)) if count else NONE

    def peek(self, names: Sequence[str]) -> None:  # noqa: ARG002 - one signature
        return None

    async def _left(self, name: str) -> float:
        """Asked once in each window: when a counter ends does not change."""
        now = time.monotonic()
        ends = self._ends.get(name, now)
        if ends <= now:
            key = self._storage.bridge.prefixed_key(name)
            milliseconds: int = await self._ask(lambda: self._redis.pttl(key))
            ends = self._ends[name] = now + max(0.0, milliseconds / 1000)
        return ends - now

    async def enter(self, name: str, limit: int) -> str | None:
        place = secrets.token_hex(8)
        arguments = (name, limit, place, _LEASE_SECONDS)
        if not await self._ask(lambda: self._redis.eval(_ENTER, 1, *arguments)):
            return None
        self._held[place] = name
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
        return place

    async def leave(self, name: str, place: str) -> None:
        self._held.pop(place, None)
        # When Redis is away, the lease ends by itself.
        with contextlib.suppress(CountersUnavailable):
            await self._ask(lambda: self._redis.zrem(name, place))

    async def close(self) -> None:
        if self._renewing is not None:
            self._renewing.cancel()
        await self._redis.aclose()
        await self._pool.disconnect()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            for place, name in list(self._held.items()):
                with contextlib.suppress(CountersUnavailable):
                    await self._ask(partial(self._redis.eval, _RENEW, 1, name, place, _LEASE_SECONDS))

    async def _ask(self, question: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await question()
        except self._errors as error:
            raise CountersUnavailable(f"the shared limits cannot be reached ({error})") from None


async def shared(url: str) -> Counters:
    """Counters in the Redis or Valkey at `redis://…`. Raises CountersUnavailable."""
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise CountersUnavailable(f"{url!r} is no address of a Redis; give redis://HOST:PORT/DATABASE")
    try:
        counters = RedisCounters(url)
    except ImportError as error:
        raise CountersUnavailable(
            f"shared limits need redis ({error}): pip install 'wiremark[redis]'"
        ) from None
    try:
        await counters.read(["wiremark"])
    except CountersUnavailable:
        await counters.close()
        raise
    return counters
