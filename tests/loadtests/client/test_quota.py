"""Rate limits as heads tell them."""

from __future__ import annotations

import pytest
from wiremark_loadtests.client.quota import Quota, told
from wiremark_loadtests.client.wire import ResponseReader


def _reader(*lines: str) -> ResponseReader:
    reader = ResponseReader()
    reader.head = "\r\n".join(["HTTP/1.1 200 OK", *lines]).encode()
    return reader


def _openai(reset: str | None, limit: str = "60") -> ResponseReader:
    lines = [f"x-ratelimit-limit-requests: {limit}", "X-RateLimit-Remaining-Requests: 0"]
    return _reader(*lines, *([f"x-ratelimit-reset-requests: {reset}"] if reset is not None else []))


@pytest.mark.parametrize(
    ("reset", "milliseconds"),
    [
        ("1s", 1000),
        ("6m0s", 360_000),
        ("12ms", 12),
        ("1h0m0.5s", 3_600_500),
        ("7", 7000),
        ("soon", None),
        (None, None),
    ],
)
def test_reads_what_openai_tells(reset: str | None, milliseconds: int | None) -> None:
    assert told(_openai(reset), "openai") == Quota(60, 0, milliseconds)


def test_reads_what_anthropic_tells() -> None:
    lines = ("anthropic-ratelimit-requests-limit: 50", "anthropic-ratelimit-requests-remaining: 49")
    assert told(_reader(*lines), "anthropic") == Quota(50, 49)


def test_tells_nothing_where_nothing_sensible_is_told() -> None:
    assert told(_openai("1s", limit="many"), "openai") is None
    assert told(_reader(), "openai") is None
    assert told(_openai("1s"), None) is None
