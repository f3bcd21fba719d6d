"""Rate limits: exactly as many as promised, a refusal that uses up nothing, headers that tell the truth."""

from __future__ import annotations

import re
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wiremark_server.clock import ManualClock
from wiremark_server.keys import Key, LimitOverrides
from wiremark_server.policy.limit_headers import go_duration
from wiremark_server.policy.limits import Decision, Limiter

KEY = Key("key", "acme")


def now(decision: Coroutine[Any, Any, Decision]) -> Decision:
    """A decision in memory never waits, so one step is all that it takes: nothing can come between."""
    with pytest.raises(StopIteration) as stop:
        decision.send(None)
    found: Decision = stop.value.value
    return found


def headers(limiter: Limiter, key: Key = KEY, tokens: int = 0) -> dict[str, str]:
    return told(now(limiter.check(key, tokens)))


def told(decision: Decision) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in decision.headers}


def test_exactly_the_promised_number_is_admitted_in_every_window() -> None:
    clock = ManualClock()
    limiter = Limiter({"requests_per_minute": 60}, clock)
    for _ in range(3):
        assert sum(now(limiter.check(KEY)).allowed for _ in range(200)) == 60
        clock.advance(60)


def test_a_window_is_full_until_its_last_instant() -> None:
    clock = ManualClock()
    limiter = Limiter({"requests_per_minute": 1}, clock)
    assert now(limiter.check(KEY)).allowed
    clock.advance(59.999)
    assert not now(limiter.check(KEY)).allowed
    clock.advance(0.001)
    assert now(limiter.check(KEY)).allowed


@given(st.lists(st.floats(0, 90), max_size=60))
def test_waiting_as_told_always_admits(pauses: list[float]) -> None:
    clock = ManualClock()
    limiter = Limiter({"requests_per_minute": 3}, clock)
    for pause in pauses:
        clock.advance(pause)
        decision = now(limiter.check(KEY))
        if not decision.allowed:
            assert decision.retry_after is not None
            assert 1 <= decision.retry_after <= 60
            clock.advance(decision.retry_after)
            assert now(limiter.check(KEY)).allowed


def test_every_key_has_its_own_window() -> None:
    limiter = Limiter({"requests_per_minute": 1}, ManualClock())
    assert now(limiter.check(KEY)).allowed
    assert not now(limiter.check(KEY)).allowed
    assert now(limiter.check(Key("another", "acme"))).allowed


def test_a_refusal_uses_up_nothing() -> None:
    clock = ManualClock()
    limiter = Limiter({"requests_per_minute": 2, "requests_per_day": 5}, clock)
    assert [now(limiter.check(KEY)).allowed for _ in range(10)] == [True, True] + [False] * 8
    clock.advance(60)
    assert [now(limiter.check(KEY)).allowed for _ in range(10)] == [True, True] + [False] * 8
    clock.advance(60)
    decisions = [now(limiter.check(KEY)) for _ in range(3)]
    assert [decision.allowed for decision in decisions] == [True, False, False]
    assert decisions[1].scope == "requests_per_day"
    assert decisions[1].retry_after == 86_400 - 120
    clock.advance(86_400 - 120)
    assert now(limiter.check(KEY)).allowed


def test_headers_report_the_tighter_window_on_every_answer() -> None:
    clock = ManualClock()
    limiter = Limiter({"requests_per_minute": 2, "requests_per_day": 3}, clock)
    seen = []
    for _ in range(3):
        found = headers(limiter)
        seen.append([found[f"x-ratelimit-{part}-requests"] for part in ("limit", "remaining", "reset")])
    clock.advance(60)
    found = headers(limiter)
    seen.append([found[f"x-ratelimit-{part}-requests"] for part in ("limit", "remaining", "reset")])
    assert seen == [
        ["2", "1", "1m0s"],
        ["2", "0", "1m0s"],
        ["2", "0", "1m0s"],
        ["3", "0", "23h59m0s"],
    ]


def test_remaining_falls_by_one_within_a_window() -> None:
    limiter = Limiter({"requests_per_minute": 60, "requests_per_day": 1000}, ManualClock())
    assert [int(headers(limiter)["x-ratelimit-remaining-requests"]) for _ in range(60)] == [
        *range(59, -1, -1)
    ]


def test_token_headers_are_there_when_tokens_are_promised() -> None:
    assert "x-ratelimit-limit-tokens" not in headers(Limiter({"requests_per_minute": 60}, ManualClock()))
    limiter = Limiter({"requests_per_minute": 60, "tokens_per_minute": 100}, ManualClock())
    found = headers(limiter, tokens=30)
    assert found["x-ratelimit-limit-tokens"] == "100"
    assert found["x-ratelimit-remaining-tokens"] == "70"
    assert found["x-ratelimit-reset-tokens"] == "1m0s"


def test_tokens_are_counted_on_admission_and_a_refusal_counts_no_request() -> None:
    limiter = Limiter({"requests_per_minute": 60, "tokens_per_minute": 100}, ManualClock())
    assert now(limiter.check(KEY, 60)).allowed
    refused = now(limiter.check(KEY, 41))
    assert (refused.allowed, refused.scope, refused.retry_after) == (False, "tokens_per_minute", 60)
    assert told(refused)["x-ratelimit-remaining-requests"] == "59"
    assert now(limiter.check(KEY, 40)).allowed
    assert now(limiter.check(KEY, 0)).allowed


def test_tokens_known_later_give_the_request_back_when_they_do_not_fit() -> None:
    limiter = Limiter({"requests_per_minute": 60, "tokens_per_minute": 100}, ManualClock())
    assert now(limiter.check(KEY)).allowed
    assert now(limiter.check_tokens(KEY, 100)).allowed
    assert now(limiter.check(KEY)).allowed
    refused = now(limiter.check_tokens(KEY, 1))
    assert (refused.allowed, refused.scope) == (False, "tokens_per_minute")
    assert told(refused)["x-ratelimit-remaining-requests"] == "59"
    assert told(refused)["x-ratelimit-remaining-tokens"] == "0"


def test_a_keys_own_limits_come_first() -> None:
    limiter = Limiter({"requests_per_minute": 1, "requests_per_day": 1}, ManualClock())
    key = Key("key", "acme", limits=LimitOverrides(requests_per_minute=5, requests_per_day=4))
    assert [now(limiter.check(key)).allowed for _ in range(6)] == [True] * 4 + [False] * 2


@pytest.mark.parametrize("promised", [{"requests_per_minute": 60, "tokens_per_minute": 9}, {}])
def test_a_throttled_key_is_refused_every_time_and_shows_the_contracts_limits(
    promised: dict[str, int],
) -> None:
    clock = ManualClock(1_764_547_200.0)
    limiter = Limiter(promised, clock)
    key = Key("key", "acme", limits=LimitOverrides(full=True))
    for _ in range(70):
        decision = now(limiter.check(key))
        assert not decision.allowed
        assert decision.scope == "requests_per_minute"
        assert decision.retry_after is not None
        assert 1 <= decision.retry_after <= 60
        assert told(decision)["x-ratelimit-limit-requests"] == "60"
        assert told(decision)["x-ratelimit-remaining-requests"] == "0"
        clock.advance(1.7)


@pytest.mark.parametrize("promised", [{"requests_per_minute": 60, "requests_per_day": 1000}, {}])
def test_a_key_that_has_used_up_its_day_may_come_back_tomorrow(promised: dict[str, int]) -> None:
    clock = ManualClock(1_764_547_200.0 + 3600)
    limiter = Limiter(promised, clock)
    decision = now(limiter.check(Key("key", "acme", limits=LimitOverrides(full_day=True))))
    assert (decision.allowed, decision.scope, decision.retry_after) == (False, "requests_per_day", 82_800)
    assert told(decision)["x-ratelimit-limit-requests"] == "1000"
    assert told(decision)["x-ratelimit-remaining-requests"] == "0"


def test_without_a_promise_everything_is_admitted_without_headers() -> None:
    limiter = Limiter({"body_bytes": 5}, ManualClock())
    decisions = [now(limiter.check(KEY, 10**9)) for _ in range(1000)]
    assert all(decision.allowed and decision.headers == () for decision in decisions)
    shy = Limiter({"requests_per_minute": 1}, ManualClock(), header_set=None)
    assert now(shy.check(KEY)).headers == ()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0s"),
        (0.0001, "1ms"),
        (0.012, "12ms"),
        (0.9995, "1s"),
        (1, "1s"),
        (1.5, "1.5s"),
        (59.065, "59.065s"),
        (59.9999, "1m0s"),
        (60, "1m0s"),
        (360, "6m0s"),
        (3600, "1h0m0s"),
        (86_399.5, "23h59m59.5s"),
    ],
)
def test_durations_are_written_as_go_writes_them(seconds: float, expected: str) -> None:
    assert go_duration(seconds) == expected


@given(st.floats(0, 200_000))
def test_a_duration_is_never_shorter_than_the_span(seconds: float) -> None:
    text = go_duration(seconds)
    parts = re.fullmatch(r"(?:(?:(\d+)h)?(\d+)m)?(\d+(?:\.\d{1,3})?)s|(\d+)ms", text)
    assert parts is not None
    hours, minutes, rest, milliseconds = (float(part or 0) for part in parts.groups())
    total = hours * 3600 + minutes * 60 + rest + milliseconds / 1000
    assert -1e-6 < total - seconds < 0.001001
