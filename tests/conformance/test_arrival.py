"""Bytes that arrived at known times, as the exchange that a client would have made of them."""

from __future__ import annotations

import pytest
from wiremark_conformance import arrival
from wiremark_conformance.exchange import Exchange, Part, Request, TransportFailure

REQUEST = Request("GET", "/v1/models", (("accept", "*/*"),), b"{}")
HEAD = b"HTTP/1.1 201 Made\r\nX-A: 1\r\n"


def _read(*arrived: tuple[int, bytes], request: Request = REQUEST) -> Exchange:
    return arrival.read(
        "p", request, arrived, started="2027-01-31T12:00:00Z", elapsed_ns=99, origin="http://a"
    )


def _exchange(request: Request = REQUEST, **more: object) -> Exchange:
    given = {"started": "2027-01-31T12:00:00Z", "elapsed_ns": 99, "origin": "http://a", **more}
    return Exchange("p", request, **given)  # type: ignore[arg-type]


def test_an_answer_is_read_with_the_times_of_its_parts() -> None:
    found = _read((1, HEAD), (2, b"content-length: 4\r\n\r\nab"), (3, b"cd"))
    assert found == _exchange(
        status=201,
        reason="Made",
        http_version="1.1",
        headers=(("X-A", "1"), ("content-length", "4")),
        parts=(Part(2, b"ab"), Part(3, b"cd")),
        framing="length",
    )


def test_an_answer_may_end_with_its_connection() -> None:
    found = _read((1, HEAD + b"\r\nab"))
    assert (found.framing, found.body, found.failure) == ("close", b"ab", None)


def test_an_answer_to_head_has_no_body() -> None:
    asked = Request("HEAD", "/", ())
    assert _read((1, HEAD + b"content-length: 4\r\n\r\n"), request=asked).failure is None


def test_nothing_is_told_as_nothing() -> None:
    found = _read()
    failure = found.failure
    assert failure is not None
    assert found == _exchange(failure=failure)
    assert isinstance(failure, TransportFailure)


@pytest.mark.parametrize(
    ("arrived", "kind", "words"),
    [
        (b"GIF89a\r\n\r\n", "protocol", "GIF89a"),
        (HEAD + b"content-length: 4\r\n\r\nab", "truncated", "4"),
    ],
)
def test_what_broke_is_told_with_its_reason(arrived: bytes, kind: str, words: str) -> None:
    failure = _read((1, arrived)).failure
    assert failure is not None
    assert failure.kind == kind
    assert words in failure.message


def test_departures_from_http_are_noted() -> None:
    assert _read((1, b"HTTP/1.1 200 OK\ncontent-length: 0\n\n")).notes
