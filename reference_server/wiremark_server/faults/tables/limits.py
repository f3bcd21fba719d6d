"""Rates, balances, caps and the size of bodies."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from wiremark_server.faults.change import (
    CHAT,
    with_document,
    with_header,
    without_header,
)
from wiremark_server.faults.edit import (
    Ask,
    Document,
    Head,
    Headers,
    Inside,
    On,
    Promise,
    Question,
)
from wiremark_server.faults.fault import Fault, named
from wiremark_server.keys import Key, KeyStore
from wiremark_server.policy.call import Services

_fault = named("")
_ALL = On()
_REFUSALS = On(form="refusal")
_REQUESTS = b"x-ratelimit-remaining-requests"


def _status_is(*statuses: int, change: Callable[[int, Headers], int]) -> Head:
    """Change the heads of refusals with one of these statuses."""
    return Head(_REFUSALS, lambda found, headers: change(found, headers) if found in statuses else found)


def _set(name: bytes, value: bytes | None) -> Callable[[int, Headers], int]:
    def change(found: int, headers: Headers) -> int:
        headers[:] = [(n, v) for n, v in headers if n.lower() != name]
        if value is not None:
            headers.append((name, value))
        return found

    return change


def _becomes(value: int) -> Callable[[int, Headers], int]:
    return lambda _found, _headers: value


def _keys(decide: Callable[[Key], Key]) -> Inside:
    """Keys are known for what `decide` makes of them."""

    def change(services: Services, _: KeyStore) -> Services:
        original = services.authenticate
        return dataclasses.replace(services, authenticate=lambda head: decide(original(head)))

    return Inside(change)


def _of_role(role: str, **changes: Any) -> Inside:
    return _keys(lambda key: dataclasses.replace(key, **changes) if key.role_hint == role else key)


def _promise(change: Callable[[Document], None]) -> tuple[Promise]:
    return (Promise(change),)


_SMALL = {"model": "hermes-text-only", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}


def _large_in_chunks(ask: Ask) -> bool:
    return bool(ask.header(b"transfer-encoding")) and len(ask.body) > 100_000


def _is_rate(status_: int, headers: Headers) -> bool:
    return status_ == 429 and any(name.lower() == b"retry-after" for name, _ in headers)


def _is_day(status_: int, headers: Headers) -> bool:
    """A window that lasts longer than a minute, by what is told of it."""
    told = {name.lower(): value for name, value in headers}
    return _is_rate(status_, headers) and told.get(b"x-ratelimit-limit-requests") == b"1000"


def _is_cap(status_: int, headers: Headers) -> bool:
    return status_ == 429 and not _is_rate(status_, headers)


TABLE: tuple[Fault, ...] = (
    _fault(
        "limits.body-unlimited",
        "policy",
        "Bodies over the limit are read.",
        *_promise(lambda d: d["limits"].update(body_bytes=None)),
        catches=("limits.body.length", "limits.body.chunked", "contract.errors.body-too-large"),
    ),
    _fault(
        "limits.body-chunked-unlimited",
        "policy",
        "Bodies without a content-length are not measured.",
        Question(On(CHAT, where=_large_in_chunks), lambda ask: with_document(ask, _SMALL)),
        catches=("limits.body.chunked",),
    ),
    _fault(
        "limits.body-400",
        "errors",
        "Bodies over the limit are answered with 400.",
        _status_is(413, change=_becomes(400)),
        catches=("limits.body.length", "limits.body.chunked", "contract.errors.body-too-large"),
        bug="body-limit-too-small",
    ),
    _fault(
        "limits.headers-absent",
        "headers",
        "No answer has rate-limit headers.",
        *_promise(lambda d: d["headers"].update(rate_limit=None)),
        catches=("limits.headers.present", "limits.rate.headers"),
    ),
    _fault(
        "limits.remaining-above",
        "headers",
        "More requests remain than the limit allows.",
        with_header(_ALL, _REQUESTS, lambda v: b"%d" % (int(v) + 10**12)),
        catches=("limits.headers.within", "limits.rate.headers"),
    ),
    _fault(
        "limits.remaining-constant",
        "headers",
        "The remaining number of requests never changes.",
        with_header(_ALL, _REQUESTS, b"59"),
        catches=("limits.headers.counting", "limits.rate.headers"),
    ),
    _fault(
        "limits.remaining-text",
        "headers",
        "The remaining number of requests is `unlimited`.",
        with_header(_ALL, _REQUESTS, b"unlimited"),
        catches=("limits.headers.integers", "limits.rate.headers"),
        allows=("limits.headers.counting",),
    ),
    _fault(
        "limits.limit-list",
        "headers",
        "The limit header lists its windows.",
        with_header(_ALL, b"x-ratelimit-limit-requests", b"60, 60;w=60"),
        catches=("limits.headers.integers",),
        allows=("limits.rate.promised",),
    ),
    _fault(
        "limits.limit-other",
        "policy",
        "A refused client is told of a higher limit than the contract promises.",
        with_header(On(form="refusal", status=429), b"x-ratelimit-limit-requests", b"6000"),
        catches=("limits.rate.promised", "limits.day.promised"),
    ),
    _fault(
        "limits.minute-higher",
        "policy",
        "A key may send one request more in a minute than the contract promises.",
        *_promise(lambda d: d["limits"].update(requests_per_minute=61)),
        catches=("limits.rate.promised",),
    ),
    _fault(
        "limits.day-higher",
        "policy",
        "A key may send ten times as many requests in a day as the contract promises.",
        *_promise(lambda d: d["limits"].update(requests_per_day=10_000)),
        catches=("limits.day.promised",),
    ),
    _fault(
        "limits.day-unlimited",
        "policy",
        "The requests of a key in a day are not counted.",
        _of_role("daily", limits=None),
        catches=("limits.day.status", "contract.errors.rate-limited-day"),
    ),
    _fault(
        "limits.day-402",
        "errors",
        "A key that has used up its day is answered as one without balance.",
        Head(_REFUSALS, lambda found, headers: 402 if _is_day(found, headers) else found),
        catches=("limits.day.status", "contract.errors.rate-limited-day"),
    ),
    _fault(
        "limits.day-retry-years",
        "headers",
        "A key that has used up its day is asked to come back in a year.",
        Head(
            _REFUSALS,
            lambda found, headers: (
                _set(b"retry-after", b"31536000")(found, headers) if _is_day(found, headers) else found
            ),
        ),
        catches=("limits.day.retry-after",),
    ),
    _fault(
        "limits.reset-epoch",
        "headers",
        "The reset header is a moment, not a duration.",
        with_header(_ALL, b"x-ratelimit-reset-requests", b"1764547260"),
        catches=("limits.headers.durations",),
        bug="ratelimit-reset-format",
    ),
    _fault(
        "limits.reset-date",
        "headers",
        "The reset header is a date.",
        with_header(_ALL, b"x-ratelimit-reset-requests", b"2026-01-01T00:00:00Z"),
        catches=("limits.headers.durations",),
        bug="ratelimit-reset-format",
    ),
    _fault(
        "limits.rate-unlimited",
        "policy",
        "The rate of a key is not limited.",
        _of_role("throttled", limits=None),
        catches=("limits.rate.status", "contract.errors.rate-limited"),
    ),
    _fault(
        "limits.rate-503",
        "errors",
        "A key over its rate is answered with 503.",
        Head(On(form="refusal"), lambda found, headers: 503 if _is_rate(found, headers) else found),
        catches=("limits.rate.status", "contract.errors.rate-limited"),
    ),
    _fault(
        "limits.retry-after-absent",
        "headers",
        "The 429 of a rate has no `Retry-After`.",
        without_header(_REFUSALS, b"retry-after"),
        catches=("limits.rate.retry-after", "limits.day.retry-after"),
    ),
    _fault(
        "limits.retry-after-zero",
        "headers",
        "`Retry-After` is 0.",
        with_header(_REFUSALS, b"retry-after", lambda _: b"0"),
        catches=("limits.rate.retry-after", "limits.day.retry-after"),
    ),
    _fault(
        "limits.retry-after-fraction",
        "headers",
        "`Retry-After` is a fraction of seconds.",
        with_header(_REFUSALS, b"retry-after", lambda _: b"1.5"),
        catches=("limits.rate.retry-after", "limits.day.retry-after"),
    ),
    _fault(
        "limits.retry-after-date",
        "headers",
        "`Retry-After` is a date.",
        with_header(_REFUSALS, b"retry-after", lambda _: b"Wed, 21 Oct 2026 07:28:00 GMT"),
        catches=("limits.rate.retry-after", "limits.day.retry-after"),
    ),
    _fault(
        "limits.retry-after-unit",
        "headers",
        "`Retry-After` has a unit.",
        with_header(_REFUSALS, b"retry-after", lambda _: b"20s"),
        catches=("limits.rate.retry-after", "limits.day.retry-after"),
    ),
    _fault(
        "limits.retry-after-long",
        "headers",
        "`Retry-After` is an hour.",
        with_header(_REFUSALS, b"retry-after", lambda _: b"3600"),
        catches=("limits.rate.retry-soon",),
    ),
    _fault(
        "limits.remaining-of-429",
        "headers",
        "The 429 of a rate says that requests remain.",
        with_header(_REFUSALS, _REQUESTS, lambda v: b"1" if v == b"0" else v),
        catches=("limits.rate.headers",),
    ),
    _fault(
        "limits.credits-ignored",
        "policy",
        "A key without balance is answered.",
        _of_role("exhausted", account_id="role-default"),
        catches=("limits.credits.refused", "contract.errors.insufficient-credits"),
    ),
    _fault(
        "limits.credits-403",
        "errors",
        "Want of balance is answered with 403.",
        _status_is(402, change=_becomes(403)),
        catches=("limits.credits.refused", "contract.errors.insufficient-credits"),
    ),
    _fault(
        "limits.credits-retry",
        "headers",
        "Want of balance asks to come back in a second.",
        _status_is(402, change=_set(b"retry-after", b"1")),
        catches=("limits.credits.no-retry",),
    ),
    _fault(
        "limits.cap-ignored",
        "policy",
        "The monthly cap of a key is not looked at.",
        _of_role("capped", monthly_cap=None),
        catches=("limits.cap.refused", "contract.errors.monthly-cap"),
    ),
    _fault(
        "limits.cap-403",
        "errors",
        "A key at its monthly cap is answered with 403.",
        Head(On(form="refusal"), lambda found, headers: 403 if _is_cap(found, headers) else found),
        catches=("limits.cap.refused", "contract.errors.monthly-cap"),
    ),
    _fault(
        "limits.cap-retry",
        "headers",
        "A key at its monthly cap is asked to come back in five seconds.",
        Head(
            On(form="refusal"),
            lambda found, headers: (
                _set(b"retry-after", b"5")(found, headers) if _is_cap(found, headers) else found
            ),
        ),
        catches=("limits.cap.no-retry",),
    ),
)
