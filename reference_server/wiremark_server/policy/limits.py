"""Rate limits per key: decided in one tick of the event loop, reported on every answer.

Fixed windows that begin with a key's first request. The algorithm is the `limits` library's; its
own memory store reads the machine's clock and starts a thread, so the counters live in a store of
ours, the extension that the library documents, over an injected clock. A later store shared by
several processes takes the same place.

All limits are tested before any is counted, and nothing can run in between, so a refusal uses up
nothing and exactly as many requests are admitted as promised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from wiremark_server.clock import Clock
from wiremark_server.keys import Key

Headers = tuple[tuple[str, str], ...]
Unit = Literal["requests", "tokens"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a request may proceed.

    headers:     the rate-limit header set, for the answer whatever it is; without `retry-after`
    retry_after: whole seconds after which the request is admitted; None when it is admitted now
    scope:       the limit that refused, such as `requests_per_minute`; empty when admitted
    """

    allowed: bool
    headers: Headers
    retry_after: int | None
    scope: str


@dataclass(frozen=True, slots=True)
class Window:
    """One window of a key as it stands; `reset` is in seconds until it is empty again."""

    scope: str
    unit: Unit
    limit: int
    remaining: int
    reset: float


@dataclass(frozen=True, slots=True)
class _Rule:
    """One kind of limit: its name in contracts and overrides, what it counts, per how long."""

    scope: str
    unit: Unit
    item: Callable[[int], RateLimitItem]


_RULES = (
    _Rule("requests_per_minute", "requests", RateLimitItemPerMinute),
    _Rule("requests_per_day", "requests", RateLimitItemPerDay),
    _Rule("tokens_per_minute", "tokens", RateLimitItemPerMinute),
)


@lru_cache(maxsize=1024)
def _item(rule: _Rule, limit: int) -> RateLimitItem:
    return rule.item(limit)


class Limiter:
    """The limits of a contract, a key's own limits before them.

    promised:   requests_per_minute, requests_per_day, tokens_per_minute; other names are ignored
    header_set: a name in HEADER_SETS, None for no headers
    """

    def __init__(self, promised: Mapping[str, int], clock: Clock, header_set: str | None = "openai") -> None:
        self._promised = promised
        self._clock = clock
        self._counters = _Counters(clock)
        self._windows = FixedWindowRateLimiter(self._counters)
        self._headers = HEADER_SETS[header_set]

    def check(self, key: Key, tokens: int = 0) -> Decision:
        """Admit and count one request of the key, or refuse it and count nothing.

        tokens: prompt tokens plus the largest completion asked for, counted on admission as OpenAI
                does, so that parallel requests cannot pass together what each would pass alone;
                0 when the body is still to be read and `check_tokens` will follow
        """
        if key.limits is not None and key.limits.full:
            return self._always_full(key)
        return self._admit(key, {"requests": 1, "tokens": tokens})

    def check_tokens(self, key: Key, tokens: int) -> Decision:
        """Count the tokens of a request that `check` admitted before its body was known.

        A refusal takes the request back out of its windows: what is refused uses up nothing.
        """
        decision = self._admit(key, {"requests": 0, "tokens": tokens})
        if decision.allowed:
            return decision
        for rule, item in self._rules(key):
            name = item.key_for(key.id, rule.scope)
            if rule.unit == "requests" and self._counters.get(name):
                self._counters.incr(name, item.get_expiry(), -1)
        return replace(decision, headers=self._admit(key, {"requests": 0, "tokens": 0}).headers)

    def _admit(self, key: Key, cost: Mapping[Unit, int]) -> Decision:
        rules = self._rules(key)
        refusing = [rule for rule, item in rules if not self._fits(item, key, rule, cost[rule.unit])]
        if not refusing:
            for rule, item in rules:
                if cost[rule.unit]:
                    self._windows.hit(item, key.id, rule.scope, cost=cost[rule.unit])
        return self._decide([self._window(rule, item, key) for rule, item in rules], refusing)

    def _rules(self, key: Key) -> list[tuple[_Rule, RateLimitItem]]:
        return [
            (rule, _item(rule, limit)) for rule in _RULES if (limit := self._limit(key, rule)) is not None
        ]

    def _limit(self, key: Key, rule: _Rule) -> int | None:
        own: int | None = getattr(key.limits, rule.scope) if key.limits is not None else None
        return own if own is not None else self._promised.get(rule.scope)

    def _fits(self, item: RateLimitItem, key: Key, rule: _Rule, cost: int) -> bool:
        return cost == 0 or self._windows.test(item, key.id, rule.scope, cost=cost)

    def _window(self, rule: _Rule, item: RateLimitItem, key: Key) -> Window:
        stats = self._windows.get_window_stats(item, key.id, rule.scope)
        reset = max(0.0, stats.reset_time - self._clock.now())
        return Window(rule.scope, rule.unit, item.amount, stats.remaining, reset)

    def _decide(self, windows: list[Window], refusing: list[_Rule]) -> Decision:
        scopes = {rule.scope for rule in refusing}
        slowest = max((window for window in windows if window.scope in scopes), key=_reset, default=None)
        headers = self._headers(windows, slowest)
        if slowest is None:
            return Decision(True, headers, None, "")
        return Decision(False, headers, max(1, math.ceil(slowest.reset)), slowest.scope)

    def _always_full(self, key: Key) -> Decision:
        """As if others had used up the key's window the moment it opened, with the UTC minute."""
        rule = _RULES[0]
        limit = self._limit(key, rule) or _UNPROMISED
        full = Window(rule.scope, rule.unit, limit, 0, 60 - self._clock.now() % 60)
        tokens = self._promised.get("tokens_per_minute")
        windows = (
            [full] if tokens is None else [full, Window("tokens_per_minute", "tokens", tokens, tokens, 0.0)]
        )
        return self._decide(windows, [rule])


_UNPROMISED = 60
"""Requests per minute of a key whose window is always full where the contract promises no limit."""


class _Counters(Storage):
    """Counters that expire, in memory, on an injected clock: what a fixed window needs."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._cells: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception] | tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        count, ends = self._cell(key) or (0, self._clock.now() + expiry)
        self._cells[key] = (count + amount, ends)
        return count + amount

    def get(self, key: str) -> int:
        cell = self._cell(key)
        return cell[0] if cell else 0

    def get_expiry(self, key: str) -> float:
        cell = self._cell(key)
        return cell[1] if cell else self._clock.now()

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        count = len(self._cells)
        self._cells.clear()
        return count

    def clear(self, key: str) -> None:
        self._cells.pop(key, None)

    def _cell(self, key: str) -> tuple[int, float] | None:
        cell = self._cells.get(key)
        if cell is not None and cell[1] <= self._clock.now():
            del self._cells[key]
            return None
        return cell


def go_duration(seconds: float) -> str:
    """A span as Go prints it, to the millisecond: `12ms`, `1.5s`, `6m0s`, `1h0m0s`; zero is `0s`.

    Rounded up, so that whoever waits that long has waited long enough.
    """
    milliseconds = math.ceil(round(seconds * 1000, 3))
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds > 0 else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    whole, fraction = divmod(rest, 1000)
    tail = f"{whole}.{fraction:03}".rstrip("0") if fraction else str(whole)
    parts = (f"{hours}h" if hours else "", f"{minutes}m" if hours or minutes else "", f"{tail}s")
    return "".join(parts)


def _openai_headers(windows: list[Window], refusing: Window | None) -> Headers:
    """`x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, for each unit its tightest window."""
    found: list[tuple[str, str]] = []
    for unit in ("requests", "tokens"):
        of_unit = [window for window in windows if window.unit == unit]
        if not of_unit:
            continue
        window = refusing if refusing in of_unit else min(of_unit, key=_tightness)
        found += [
            (f"x-ratelimit-limit-{unit}", str(window.limit)),
            (f"x-ratelimit-remaining-{unit}", str(window.remaining)),
            (f"x-ratelimit-reset-{unit}", go_duration(window.reset)),
        ]
    return tuple(found)


def _no_headers(windows: list[Window], refusing: Window | None) -> Headers:  # noqa: ARG001 - one signature
    return ()


def _tightness(window: Window) -> tuple[int, float]:
    """Least remaining first; of equals, the one that lasts longer."""
    return window.remaining, -window.reset


def _reset(window: Window) -> float:
    return window.reset


HEADER_SETS: Mapping[str | None, Callable[[list[Window], Window | None], Headers]] = {
    "openai": _openai_headers,
    None: _no_headers,
}
"""How a contract's `headers.rate_limit` shows the windows on the wire."""
