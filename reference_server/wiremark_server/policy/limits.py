"""Rate limits per key: exact however many ask at once, reported on every answer.

Fixed windows that begin with a key's first request. A request is added to every window of its key and is
admitted when it fits into all; when it does not, it is taken out again, so a refusal uses up nothing. What
a key's limits are is worked out once per key, and headers are written only when an answer asks for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from msgspec import Struct

from wiremark_server.clock import Clock
from wiremark_server.keys import Key
from wiremark_server.policy.counters import Cell, Charge, Counters, MemoryCounters
from wiremark_server.policy.limit_headers import HEADER_SETS, Headers, Show, Unit, Window, no_headers

Scope = Literal["requests_per_minute", "requests_per_day", "tokens_per_minute", "concurrent_requests"]

CONCURRENT: Scope = "concurrent_requests"
_RULES: tuple[tuple[Scope, Unit, int], ...] = (
    ("requests_per_minute", "requests", 60),
    ("requests_per_day", "requests", 86_400),
    ("tokens_per_minute", "tokens", 60),
)
"""With the length of the window in seconds."""

_UNPROMISED: Mapping[str, int] = {"requests_per_minute": 60, "requests_per_day": 1000}
"""Limits of a key whose window is always full where the contract promises none."""


class Decision(Struct, frozen=True):
    """Whether a request may proceed.

    retry_after: whole seconds after which the request is admitted; None when it is admitted now
    scope:       the limit that refused, such as `requests_per_minute`; empty when admitted
    place:       what to hand to `leave` when the request is over; None when nobody counts
    """

    allowed: bool
    retry_after: int | None
    scope: str
    windows: Callable[[], Sequence[Window]]
    refusing: Window | None
    show: Show
    place: tuple[str, str] | None = None

    @property
    def headers(self) -> Headers:
        """The rate-limit header set, for the answer whatever it is; without `retry-after`."""
        return self.show(self.windows(), self.refusing)


class Meter(Struct, frozen=True):
    """One limit of one key; `name` is its counter's."""

    scope: Scope
    unit: Unit
    limit: int
    seconds: int
    name: str


class Meters(Struct, frozen=True):
    """The limits of one key, as long as `key` is what is known of it.

    one_request: what a request adds to the windows of requests
    day:         which of those is the daily one, None without one
    """

    key: Key
    windows: tuple[Meter, ...]
    concurrent: int | None
    names: tuple[str, ...]
    of_requests: tuple[Meter, ...]
    of_tokens: tuple[Meter, ...]
    one_request: tuple[Charge, ...]
    day: int | None

    def tokens(self, count: int) -> tuple[Charge, ...]:
        """What a request of so many tokens adds to the windows of tokens."""
        return tuple([Charge(meter.name, count, meter.seconds) for meter in self.of_tokens])


DayCount = Callable[[str, int, float], None]
"""Told of every change of a key's daily count: key id, count, seconds until the day is over."""


class Limiter:
    """The limits of a contract, a key's own limits before them.

    promised:   a limit for each scope that has one; other names are ignored
    header_set: the set that the contract promises, a name in HEADER_SETS; None for no headers at all
    """

    def __init__(
        self,
        promised: Mapping[str, int],
        clock: Clock,
        header_set: str | None = "openai",
        counters: Counters | None = None,
        day_count: DayCount | None = None,
    ) -> None:
        self._promised = promised
        self._clock = clock
        self._counters = counters or MemoryCounters(clock)
        self._peeks = self._counters.peek(()) is not None
        self._header_set = header_set
        self._day_count = day_count
        self._meters: dict[str, Meters] = {}

    def check(self, key: Key, tokens: int = 0, dialect: str | None = None) -> Coroutine[Any, Any, Decision]:
        """Admit and count one request of the key, or refuse it and count nothing.

        tokens: prompt tokens plus the largest completion asked for, counted on admission as OpenAI
                does, so that parallel requests cannot pass together what each would pass alone;
                0 when the body is still to be read and `check_tokens` will follow
        dialect: whose headers the answer has, when the contract promises any; None: those promised
        """
        show = self._show(dialect)
        if key.limits is not None and key.limits.refusing:
            return self._always_full(key, key.limits.refusing, show)
        meters = self._of(key)
        counted, charges = meters.of_requests, meters.one_request
        if tokens:
            counted, charges = counted + meters.of_tokens, charges + meters.tokens(tokens)
        if meters.concurrent is not None:
            return self._enter(meters, meters.concurrent, counted, charges, show)
        return self._admit(meters, counted, charges, show, None)

    async def _enter(
        self,
        meters: Meters,
        most: int,
        counted: Sequence[Meter],
        charges: Sequence[Charge],
        show: Show,
    ) -> Decision:
        """As `_admit`, for one of the places that a key has."""
        name = f"{meters.key.id}/{CONCURRENT}"
        place = await self._counters.enter(name, most)
        if place is None:
            windows = self._shown(meters, await self._counters.read(meters.names))
            return Decision(False, 1, CONCURRENT, lambda: windows, None, show)
        return await self._admit(meters, counted, charges, show, (name, place))

    async def check_tokens(self, key: Key, tokens: int, dialect: str | None = None) -> Decision:
        """Count the tokens of a request that `check` admitted before its body was known.

        A refusal takes the request back out of its windows: what is refused uses up nothing.
        """
        show = self._show(dialect)
        meters = self._of(key)
        decision = await self._admit(meters, meters.of_tokens, meters.tokens(tokens), show, None)
        if decision.allowed:
            return decision
        await self._take_back(meters, meters.of_requests, meters.one_request)
        return await self._refuse(meters, {decision.scope}, show)

    async def leave(self, place: tuple[str, str]) -> None:
        """The request that was given this place is over."""
        await self._counters.leave(*place)

    def _show(self, dialect: str | None) -> Show:
        return (
            no_headers
            if self._header_set is None
            else HEADER_SETS.get(dialect or self._header_set, no_headers)
        )

    def _of(self, key: Key) -> Meters:
        """A change of the key makes a new Key, so that identity tells whether the meters still hold."""
        known = self._meters.get(key.id)
        if known is None or known.key is not key:
            known = self._meters[key.id] = self._work_out(key)
        return known

    def _work_out(self, key: Key) -> Meters:
        found: list[Meter] = []
        for scope, unit, seconds in _RULES:
            limit = self._limit(key, scope)
            if limit is not None:
                found.append(Meter(scope, unit, limit, seconds, f"{key.id}/{scope}"))
        requests = tuple(meter for meter in found if meter.unit == "requests")
        days = [place for place, meter in enumerate(requests) if meter.scope == "requests_per_day"]
        return Meters(
            key,
            tuple(found),
            self._limit(key, CONCURRENT),
            names=tuple(meter.name for meter in found),
            of_requests=requests,
            of_tokens=tuple(meter for meter in found if meter.unit == "tokens"),
            one_request=tuple(Charge(meter.name, 1, meter.seconds) for meter in requests),
            day=days[0] if days else None,
        )

    def _limit(self, key: Key, scope: Scope) -> int | None:
        own: int | None = getattr(key.limits, scope) if key.limits is not None else None
        return own if own is not None else self._promised.get(scope)

    async def _admit(
        self,
        meters: Meters,
        counted: Sequence[Meter],
        charges: Sequence[Charge],
        show: Show,
        place: tuple[str, str] | None,
    ) -> Decision:
        """counted: the windows that the charges are for"""
        cells = await self._counters.add(charges) if charges else []
        for meter, cell in zip(counted, cells, strict=True):
            if cell.counted > meter.limit:
                over = [m.scope for m, c in zip(counted, cells, strict=True) if c.counted > m.limit]
                await self._take_back(meters, counted, charges)
                if place is not None:
                    await self.leave(place)
                return await self._refuse(meters, over, show)
        if meters.day is not None and counted is not meters.of_tokens:
            self._tell(counted[meters.day], cells[meters.day])
        windows = partial(self._peek, meters) if self._peeks else await self._now(meters, counted, cells)
        return Decision(True, None, "", windows, None, show, place)

    async def _take_back(self, meters: Meters, counted: Sequence[Meter], charges: Sequence[Charge]) -> None:
        await self._counters.take_back(charges)
        if meters.day is not None and counted is not meters.of_tokens:
            day = counted[meters.day]
            self._tell(day, *await self._counters.read([day.name]))

    async def _refuse(self, meters: Meters, scopes: Collection[str], show: Show) -> Decision:
        """Of the limits that refuse, the one that lasts longest is named."""
        windows = self._shown(meters, await self._counters.read(meters.names))
        slowest = max((window for window in windows if window.scope in scopes), key=_reset)
        return Decision(False, _whole(slowest.reset), slowest.scope, lambda: windows, slowest, show)

    def _tell(self, day: Meter, cell: Cell) -> None:
        if self._day_count is not None:
            self._day_count(day.name, cell.counted, cell.left)

    def _peek(self, meters: Meters) -> Sequence[Window]:
        """Counters in memory are read when the headers are written."""
        return self._shown(meters, self._counters.peek(meters.names) or ())

    async def _now(
        self, meters: Meters, counted: Sequence[Meter], cells: Sequence[Cell]
    ) -> Callable[[], Sequence[Window]]:
        """Those that have to be waited for are read now, if there will be headers and they are not known."""
        if self._header_set is None or not meters.windows:
            return tuple
        known = {meter.name: cell for meter, cell in zip(counted, cells, strict=True)}
        missing = [name for name in meters.names if name not in known]
        known |= zip(missing, await self._counters.read(missing), strict=True)
        windows = self._shown(meters, [known[name] for name in meters.names])
        return lambda: windows

    def _shown(self, meters: Meters, cells: Sequence[Cell]) -> Sequence[Window]:
        now = self._clock.now()
        found = []
        for meter, cell in zip(meters.windows, cells, strict=True):
            limit, left = meter.limit, min(cell.left, meter.seconds)  # a float may come out above its length
            remaining = max(0, limit - cell.counted)
            found.append(Window(meter.scope, meter.unit, limit, remaining, left, now + left))
        return found

    async def _always_full(self, key: Key, refusing: str, show: Show) -> Decision:
        """As if others had used up the key's window the moment it opened, with the UTC minute or day."""
        scope, unit, seconds = next(rule for rule in _RULES if rule[0] == refusing)
        now = self._clock.now()
        left = seconds - now % seconds
        full = Window(scope, unit, self._limit(key, scope) or _UNPROMISED[scope], 0, left, now + left)
        windows = [full]
        tokens = self._promised.get("tokens_per_minute")
        if tokens is not None:
            windows.append(Window("tokens_per_minute", "tokens", tokens, tokens, 0.0, now))
        return Decision(False, _whole(left), scope, lambda: windows, full, show)


def _reset(window: Window) -> float:
    return window.reset


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))
