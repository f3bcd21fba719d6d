"""Each response is read whole, one byte at a time, and with bytes after it, by one helper."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wiremark_conformance.http1 import (
    Data,
    End,
    Head,
    Interim,
    ProtocolError,
    ReadLimits,
    ResponseReader,
)


@dataclass
class Got:
    """All that a reader gave for one response."""

    head: Head | None = None
    body: bytes = b""
    end: End | None = None
    interim: tuple[int, ...] = ()
    error: str = ""
    kind: str = ""
    notes: tuple[str, ...] = ()
    leftover: bytes = b""


def play(pieces: list[bytes], *, closed: bool, method: str = "GET", limits: ReadLimits | None = None) -> Got:
    reader = ResponseReader(method, limits or ReadLimits())
    got = Got()
    try:
        for piece in [*pieces, b""] if closed else pieces:
            reader.feed(piece)
            while (event := reader.next_event()) is not None:
                match event:
                    case Head():
                        got.head = event
                    case Interim(status):
                        got.interim += (status,)
                    case Data(data):
                        assert data
                        got.body += data
                    case End():
                        got.end = event
    except ProtocolError as error:
        got.error, got.kind = str(error), error.kind
    got.notes = tuple(reader.notes)
    got.leftover = reader.leftover
    return got


def read(
    response: bytes, *, closed: bool = True, method: str = "GET", limits: ReadLimits | None = None
) -> Got:
    """Read `response` in every way; all must agree. Bytes after a delimited end must stay unread."""
    whole = play([response], closed=closed, method=method, limits=limits)
    single = [response[i : i + 1] for i in range(len(response))]
    drip = play(single, closed=closed, method=method, limits=limits)
    assert (drip.head, drip.body, drip.end, drip.interim) == (
        whole.head,
        whole.body,
        whole.end,
        whole.interim,
    )
    assert (drip.error, drip.kind, drip.notes) == (whole.error, whole.kind, whole.notes)
    if whole.end is not None and whole.head is not None and whole.head.framing != "close":
        trailing = play([response + b"XYZ"], closed=closed, method=method, limits=limits)
        assert trailing.end == whole.end
        assert trailing.leftover == whole.leftover + b"XYZ"
    return whole


def test_content_length() -> None:
    got = read(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello", closed=False)
    assert got.head == Head("1.1", 200, "OK", (("Content-Length", "5"), ("X-A", "b")), "length")
    assert (got.body, got.end, got.notes) == (b"hello", End(), ())


def test_content_length_zero_ends_at_once() -> None:
    got = read(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", closed=False)
    assert (got.body, got.end) == (b"", End())


def test_chunks_with_extensions_and_trailers() -> None:
    got = read(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
        b'5;name="v"\r\nhello\r\n00A \r\n, world!!!\r\n0\r\nX-Sum: 9\r\n\r\n',
        closed=False,
    )
    assert got.head is not None
    assert got.head.framing == "chunked"
    assert (got.body, got.end) == (b"hello, world!!!", End((("X-Sum", "9"),)))


def test_body_until_close() -> None:
    got = read(b"HTTP/1.0 200 OK\r\n\r\nabc")
    assert got.head is not None
    assert (got.head.framing, got.head.version, got.body, got.end) == ("close", "1.0", b"abc", End())


@pytest.mark.parametrize(
    ("method", "start"),
    [
        ("HEAD", b"HTTP/1.1 200 OK"),
        ("GET", b"HTTP/1.1 204 No Content"),
        ("GET", b"HTTP/1.1 304 Not Modified"),
    ],
)
def test_responses_without_a_body(method: str, start: bytes) -> None:
    got = read(start + b"\r\nETag: x\r\n\r\n", closed=False, method=method)
    assert got.head is not None
    assert (got.head.framing, got.body, got.end) == ("none", b"", End())


def test_head_keeps_its_content_length_without_reading_it() -> None:
    got = read(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n", closed=False, method="HEAD")
    assert (got.end, got.notes) == (End(), ())


def test_interim_responses_are_skipped_and_kept() -> None:
    got = read(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx"
    )
    assert (got.interim, got.body) == ((100, 103), b"x")


@pytest.mark.parametrize(
    ("response", "note"),
    [
        (b"HTTP/1.1 200 OK\ncontent-length: 1\n\nx", "LF alone"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\ncontent-length: 1\r\n\r\nx", "obs-fold"),
        (b"HTTP/1.1 200 OK\r\ncontent-length : 1\r\n\r\nx", "space between the header name"),
        (b"HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx", "no space after the status"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx", "more than once"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n", "chunk ends with LF"),
        (b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", "204"),
    ],
)
def test_unambiguous_departures_are_read_and_noted(response: bytes, note: str) -> None:
    got = read(response, closed=False)
    assert got.error == ""
    assert got.end is not None
    assert any(note in sentence for sentence in got.notes), got.notes


def test_folded_header_is_joined_by_one_space() -> None:
    got = read(b"HTTP/1.1 204 N\r\nA: b\r\n \t c \r\n\r\n")
    assert got.head is not None
    assert got.head.headers == (("A", "b c"),)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (b"", "reset", "without an answer"),
        (b"HTTP/1.1 20", "truncated", "response head"),
        (OK + b"content-length: 5\r\n\r\nabc", "truncated", "5 bytes of content-length had come (3 had)"),
        (CHUNKED + b"5\r\nab", "truncated", "a chunk was complete"),
        (CHUNKED + b"5\r\nabcde\r", "truncated", "a chunk was complete"),
        (CHUNKED + b"1\r\na\r\n", "truncated", "the last chunk"),
        (CHUNKED + b"0\r\n", "truncated", "the last chunk"),
        (CHUNKED + b"zz\r\n", "protocol", "not a hexadecimal number: 'zz'"),
        (CHUNKED + b"-1\r\n", "protocol", "hexadecimal"),
        (CHUNKED + b"0x1\r\n", "protocol", "hexadecimal"),
        (CHUNKED + b"\r\n", "protocol", "hexadecimal"),
        (CHUNKED + b"11111111111111111\r\n", "protocol", "hexadecimal"),
        (CHUNKED + b"2\r\nabc\r\n", "protocol", "longer than its size"),
        (OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\n", "protocol", "differ: 5, 6"),
        (OK + b"content-length: 5, 6\r\n\r\n", "protocol", "differ"),
        (OK + b"content-length: +5\r\n\r\n", "protocol", "not a number"),
        (OK + b"content-length:\r\n\r\n", "protocol", "not a number"),
        (OK + b"content-length: " + b"9" * 30 + b"\r\n\r\n", "protocol", "not a number"),
        (OK + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", "protocol", "ambiguous"),
        (OK + b"transfer-encoding: gzip, chunked\r\n\r\n", "protocol", "not 'chunked'"),
        (b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "protocol", "HTTP/1.0"),
        (b"HTTP/2.0 200 OK\r\n\r\n", "protocol", "HTTP/2.0"),
        (b"HTTP/1.1 099 Low\r\n\r\n", "protocol", "not an HTTP status"),
        (b"HTTP/1.1 two OK\r\n\r\n", "protocol", "status line"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "protocol", "switches protocols"),
        (b"\r\nHTTP/1.1 200 OK\r\n\r\n", "protocol", "does not begin like HTTP"),
        (b"<html>hello</html>", "protocol", "does not begin like HTTP"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "protocol", "use https://"),
        (OK + b" folded\r\n\r\n", "protocol", "begins with a space"),
        (OK + b"nocolon\r\n\r\n", "protocol", "no colon"),
        (OK + b"na me: x\r\n\r\n", "protocol", "not a token"),
        (OK + b": x\r\n\r\n", "protocol", "not a token"),
        (OK + b"a: \x00\r\n\r\n", "protocol", "control character"),
        (OK + b"a: b\rc\r\n\r\n", "protocol", "control character"),
    ],
)
def test_what_cannot_be_read_says_what_happened(response: bytes, kind: str, words: str) -> None:
    whole = play([response], closed=True)
    assert words in whole.error
    assert whole.kind == kind
    drip = play([response[i : i + 1] for i in range(len(response))], closed=True)
    assert drip.kind == kind


SMALL = ReadLimits(head=100, headers=4, chunk_line=10, interim=2, body=8)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (OK + b"a" * 200, "longer than"),
        (OK + b"a: b\r\n" * 9, "lines"),
        (OK + b"a: " + b"b" * 60 + b"\r\nc: " + b"d" * 60, "longer than"),
        (CHUNKED + b"1;" + b"x" * 50, "chunk size line"),
        (b"HTTP/1.1 100 C\r\n\r\n" * 3, "interim"),
        (OK + b"content-length: 9\r\n\r\n", "announced with 9 bytes"),
        (CHUNKED + b"9\r\n123456789", "longer than 8"),
        (OK + b"\r\n123456789", "longer than 8"),
        (CHUNKED + b"0\r\n" + b"t: " + b"x" * 200, "the trailers"),
    ],
)
def test_limits_end_what_does_not_end(response: bytes, words: str) -> None:
    got = read_error(response, SMALL)
    assert got.kind == "too-large"
    assert words in got.error


def read_error(response: bytes, limits: ReadLimits) -> Got:
    whole = play([response], closed=False, limits=limits)
    drip = play([response[i : i + 1] for i in range(len(response))], closed=False, limits=limits)
    assert whole.kind == drip.kind
    return whole


def test_a_line_without_end_is_read_in_linear_time_and_bounded_memory() -> None:
    got = play([b"HTTP/1.1 200 OK\r\nx: ", *[b"y" * 64] * 10_000], closed=False)
    assert got.kind == "too-large"
    assert "longer than" in got.error


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_make_it_raise_anything_else(data: bytes, chunked: bool) -> None:
    play([CHUNKED + data if chunked else b"HTTP/1.1 " + data], closed=True)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=40)), st.data())
def test_chunked_bodies_arrive_whole_however_they_are_cut(chunks: list[bytes], data: st.DataObject) -> None:
    wire = CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    edges = [0, *cuts, len(wire)]
    pieces = [wire[a:b] for a, b in pairwise(edges) if a < b]
    got = play(pieces, closed=False)
    assert (got.body, got.end, got.error) == (b"".join(chunks), End(), "")
