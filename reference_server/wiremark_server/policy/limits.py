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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from wiremark_server.clock import Clock, rfc3339
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
    """One window of a key as it stands.

    reset: seconds until it is empty again; ends: the same as a time, seconds since the epoch, UTC
    """

    scope: str
    unit: Unit
    limit: int
    remaining: int
    reset: float
    ends: float


_Show = Callable[[list[Window], Window | None], Headers]


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
    header_set: the set that the contract promises, a name in HEADER_SETS; None for no headers at all
    """

    def __init__(self, promised: Mapping[str, int], clock: Clock, header_set: str | None = "openai") -> None:
        self._promised = promised
        self._clock = clock
        self._counters = _Counters(clock)
        self._windows = FixedWindowRateLimiter(self._counters)
        self._header_set = header_set

    def check(self, key: Key, tokens: int = 0, dialect: str | None = None) -> Decision:
        """Admit and count one request of the key, or refuse it and count nothing.

        tokens: prompt tokens plus the largest completion asked for, counted on admission as OpenAI
                does, so that parallel requests cannot pass together what each would pass alone;
                0 when the body is still to be read and `check_tokens` will follow
        dialect: whose headers the answer has, when the contract promises any; None: those promised
        """
        show = self._headers(dialect)
        if key.limits is not None and key.limits.full:
            return self._always_full(key, show)
        return self._admit(key, {"requests": 1, "tokens": tokens}, show)

    def check_tokens(self, key: Key, tokens: int, dialect: str | None = None) -> Decision:
        """Count the tokens of a request that `check` admitted before its body was known.

        A refusal takes the request back out of its windows: what is refused uses up nothing.
        """
        show = self._headers(dialect)
        decision = self._admit(key, {"requests": 0, "tokens": tokens}, show)
        if decision.allowed:
            return decision
        for rule, item in self._rules(key):
            name = item.key_for(key.id, rule.scope)
            if rule.unit == "requests" and self._counters.get(name):
                self._counters.incr(name, item.get_expiry(), -1)
        return replace(decision, headers=self._admit(key, {"requests": 0, "tokens": 0}, show).headers)

    def _headers(self, dialect: str | None) -> _Show:
        if self._header_set is None:
            return _no_headers
        return HEADER_SETS.get(dialect or self._header_set, _no_headers)

    def _admit(self, key: Key, cost: Mapping[Unit, int], show: _Show) -> Decision:
        rules = self._rules(key)
        refusing = [rule for rule, item in rules if not self._fits(item, key, rule, cost[rule.unit])]
        if not refusing:
            for rule, item in rules:
                if cost[rule.unit]:
                    self._windows.hit(item, key.id, rule.scope, cost=cost[rule.unit])
        return self._decide([self._window(rule, item, key) for rule, item in rules], refusing, show)

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
        now = self._clock.now()
        ends = max(now, stats.reset_time)
        return Window(rule.scope, rule.unit, item.amount, stats.remaining, ends - now, ends)

    @staticmethod
    def _decide(windows: list[Window], refusing: list[_Rule], show: _Show) -> Decision:
        scopes = {rule.scope for rule in refusing}
        slowest = max((window for window in windows if window.scope in scopes), key=_reset, default=None)
        headers = show(windows, slowest)
        if slowest is None:
            return Decision(True, headers, None, "")
        return Decision(False, headers, max(1, math.ceil(slowest.reset)), slowest.scope)

    def _always_full(self, key: Key, show: _Show) -> Decision:
        """As if others had used up the key's window the moment it opened, with the UTC minute."""
        rule = _RULES[0]
        limit = self._limit(key, rule) or _UNPROMISED
        now = self._clock.now()
        left = 60 - now % 60
        windows = [Window(rule.scope, rule.unit, limit, 0, left, now + left)]
        tokens = self._promised.get("tokens_per_minute")
        if tokens is not None:
            windows.append(Window("tokens_per_minute", "tokens", tokens, tokens, 0.0, now))
        return self._decide(windows, [rule], show)


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
    return tuple(
        header
        for window in _tightest(windows, refusing)
        for header in (
            (f"x-ratelimit-limit-{window.unit}", str(window.limit)),
            (f"x-ratelimit-remaining-{window.unit}", str(window.remaining)),
            (f"x-ratelimit-reset-{window.unit}", go_duration(window.reset)),
        )
    )


def _anthropic_headers(windows: list[Window], refusing: Window | None) -> Headers:
    """`anthropic-ratelimit-{requests,tokens}-{limit,remaining,reset}`; resets are times, RFC 3339 in UTC."""
    return tuple(
        header
        for window in _tightest(windows, refusing)
        for header in (
            (f"anthropic-ratelimit-{window.unit}-limit", str(window.limit)),
            (f"anthropic-ratelimit-{window.unit}-remaining", str(window.remaining)),
            (f"anthropic-ratelimit-{window.unit}-reset", rfc3339(math.ceil(window.ends))),
        )
    )


def _tightest(windows: list[Window], refusing: Window | None) -> Iterator[Window]:
    """For each unit the window to show: the one that refuses, else the one with the least left."""
    for unit in ("requests", "tokens"):
        of_unit = [window for window in windows if window.unit == unit]
        if refusing is not None and refusing in of_unit:
            yield refusing
        elif of_unit:
            yield min(of_unit, key=_tightness)


def _no_headers(windows: list[Window], refusing: Window | None) -> Headers:  # noqa: ARG001 - one signature
    return ()


def _tightness(window: Window) -> tuple[int, float]:
    """Least remaining first; of equals, the one that lasts longer."""
    return window.remaining, -window.reset


def _reset(window: Window) -> float:
    return window.reset


HEADER_SETS: Mapping[str, _Show] = {"openai": _openai_headers, "anthropic": _anthropic_headers}
"""How the windows are shown on the wire in a dialect; one that is not listed has no such headers."""
