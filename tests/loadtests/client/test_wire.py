"""The response reader, whole, byte by byte, and cut at every place."""

from __future__ import annotations

import pytest
from wiremark_loadtests.client.wire import MAX_HEAD, ResponseReader, WireError, post

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nX-Request-Id: Req-7\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\n\r\n"
)
TRAILERS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"
LENGTH = b"HTTP/1.1 429 Too Many\r\nretry-after: 2\r\nContent-Length: 4\r\n\r\nwait"
EMPTY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + LENGTH

COMPLETE = {
    "chunked": (CHUNKED, 200, b"hello world"),
    "trailers": (TRAILERS, 200, b"ok"),
    "length": (LENGTH, 429, b"wait"),
    "empty": (EMPTY, 200, b""),
    "no-content": (NO_CONTENT, 204, b""),
    "interim": (INTERIM, 429, b"wait"),
}


def _feed_all(data: bytes, size: int) -> tuple[ResponseReader, list[bool]]:
    reader = ResponseReader()
    done = [reader.feed(data[i : i + size], i) for i in range(0, len(data), size)]
    return reader, done


@pytest.mark.parametrize("size", [1, 3, 10_000])
@pytest.mark.parametrize("name", COMPLETE)
def test_reads_a_response_in_pieces_of_any_size(name: str, size: int) -> None:
    data, status, body = COMPLETE[name]
    reader, done = _feed_all(data, size)
    assert done == [False] * (len(done) - 1) + [True]
    assert (reader.status, reader.body) == (status, body)


@pytest.mark.parametrize("name", COMPLETE)
def test_a_close_before_the_end_is_an_error_at_every_place(name: str) -> None:
    data, _, _ = COMPLETE[name]
    for cut in range(1, len(data)):
        reader = ResponseReader()
        assert not reader.feed(data[:cut], 0)
        with pytest.raises(WireError) as caught:
            reader.feed(b"", 1)
        assert caught.value.kind == "truncated"


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    reader = ResponseReader()
    assert not reader.feed(b"HTTP/1.0 200 OK\r\n\r\nab", 1)
    assert not reader.feed(b"c", 2)
    assert reader.feed(b"", 3)
    assert reader.parts == [(1, b"ab"), (2, b"c")]
    assert not reader.keeps_alive


def test_stamps_belong_to_the_read_that_completed_a_chunk() -> None:
    reader = ResponseReader()
    reader.feed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab", 10)
    reader.feed(b"c\r\n1\r\nd\r\n1\r", 20)
    reader.feed(b"\ne\r\n", 30)
    assert reader.parts == [(20, b"abcd"), (30, b"e")]


def test_headers_compare_without_case_and_keep_their_value() -> None:
    reader, _ = _feed_all(CHUNKED, 10_000)
    assert reader.header("x-request-id") == "Req-7"
    assert reader.header("retry-after") is None
    assert reader.header("id") is None


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n", False),
        (b"HTTP/1.0 200 OK\r\n", False),
    ],
)
def test_says_whether_the_connection_may_be_used_again(head: bytes, kept: bool) -> None:
    reader = ResponseReader()
    reader.feed(head + b"content-length: 0\r\n\r\n", 0)
    assert reader.keeps_alive is kept


BROKEN = {
    "not http": b"SSH-2.0-x\r\n\r\n",
    "no status": b"HTTP/1.1 abc\r\n\r\n",
    "endless head": b"HTTP/1.1 200 OK\r\nx: " + b"a" * (MAX_HEAD + 1),
    "bad length": b"HTTP/1.1 200 OK\r\ncontent-length: -4\r\n\r\n",
    "too long": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab",
    "bad chunk size": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "negative chunk size": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
    "long chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n",
    "after the end": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nmore",
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_bytes_are_a_protocol_error(name: str) -> None:
    with pytest.raises(WireError) as caught:
        ResponseReader().feed(BROKEN[name], 0)
    assert caught.value.kind == "protocol"


def test_a_request_carries_its_length_and_headers() -> None:
    request = post("/v1/chat/completions", "h:1", "Authorization: Bearer k\r\n", b"{}")
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /v1/chat/completions HTTP/1.1",
        b"Host: h:1",
        b"Authorization: Bearer k",
        b"Content-Type: application/json",
        b"Content-Length: 2",
    ]
    assert body == b"{}"
