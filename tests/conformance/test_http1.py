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
    ("response", "notes"),
    [
        (
            b"HTTP/1.1 200 OK\ncontent-length: 1\n\nx",
            ("a line of the response head ends with LF alone, not CRLF",),
        ),
        (
            b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\ncontent-length: 1\r\n\r\nx",
            ("the header 'A' is folded over several lines (obs-fold)",),
        ),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length : 1\r\n\r\nx",
            ("there is a space between the header name 'content-length' and its colon",),
        ),
        (b"HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx", ("the status line has no space after the status",)),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx",
            ("content-length is given more than once, with the same value",),
        ),
        (
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n",
            ("a chunk ends with LF alone, not CRLF",),
        ),
        (
            b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
            ("a 204 response must not have content-length or transfer-encoding",),
        ),
    ],
)
def test_unambiguous_departures_are_read_and_noted(response: bytes, notes: tuple[str, ...]) -> None:
    got = read(response, closed=False)
    assert got.error == ""
    assert got.end is not None
    assert got.notes == notes


@pytest.mark.parametrize("blanks", [b" \t ", b"\t"])
def test_folded_header_is_joined_by_one_space(blanks: bytes) -> None:
    got = read(b"HTTP/1.1 204 N\r\nA: b\r\n" + blanks + b"c \r\n\r\n")
    assert got.head is not None
    assert got.head.headers == (("A", "b c"),)


@pytest.mark.parametrize("reason", ["", " ", " Odd"])
def test_the_last_status_and_a_reason_that_may_be_missing(reason: str) -> None:
    got = read(f"HTTP/1.1 599{reason}\r\ncontent-length: 0\r\n\r\n".encode())
    assert got.head is not None
    assert (got.head.status, got.head.reason) == (599, reason.strip())


def test_a_value_may_hold_colons() -> None:
    got = read(b"HTTP/1.1 204 N\r\nLink: http://a:1/\r\n\r\n")
    assert got.head is not None
    assert got.head.headers == (("Link", "http://a:1/"),)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("response", "kind", "sentence"),
    [
        (b"", "reset", "the server closed the connection without an answer"),
        (b"HTTP/1.1 20", "truncated", "the connection was closed before the response head was complete"),
        (
            OK + b"content-length: 5\r\n\r\nabc",
            "truncated",
            "the connection was closed before all 5 bytes of content-length had come (3 had)",
        ),
        (CHUNKED + b"5\r\nab", "truncated", "the connection was closed before a chunk was complete"),
        (CHUNKED + b"5\r\nabcde\r", "truncated", "the connection was closed before a chunk was complete"),
        (CHUNKED + b"1\r\na\r\n", "truncated", "the connection was closed before the last chunk had come"),
        (
            CHUNKED + b"0\r\n",
            "truncated",
            "the connection was closed before the blank line after the last chunk had come",
        ),
        (CHUNKED + b"zz\r\n", "protocol", "a chunk size is not a hexadecimal number: 'zz'"),
        (CHUNKED + b"-1\r\n", "protocol", "a chunk size is not a hexadecimal number: '-1'"),
        (CHUNKED + b"0x1\r\n", "protocol", "a chunk size is not a hexadecimal number: '0x1'"),
        (CHUNKED + b"\r\n", "protocol", "a chunk size is not a hexadecimal number: ''"),
        (
            CHUNKED + b"11111111111111111\r\n",
            "protocol",
            "a chunk size is not a hexadecimal number: '11111111111111111'",
        ),
        (CHUNKED + b"2\r\nabc\r\n", "protocol", "a chunk is longer than its size says: 'c\\r\\n' follows it"),
        (
            OK + b"content-length: 5\r\ncontent-length: 6\r\n\r\n",
            "protocol",
            "the response has several content-lengths that differ: 5, 6",
        ),
        (
            OK + b"content-length: 5, 6\r\n\r\n",
            "protocol",
            "the response has several content-lengths that differ: 5, 6",
        ),
        (OK + b"content-length: +5\r\n\r\n", "protocol", "content-length is not a number: '+5'"),
        (OK + b"content-length:\r\n\r\n", "protocol", "content-length is not a number: ''"),
        (
            OK + b"content-length: " + b"9" * 30 + b"\r\n\r\n",
            "protocol",
            "content-length is not a number: '999999999999999999999999999999'",
        ),
        (
            OK + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "protocol",
            "the response has both content-length and transfer-encoding, so its end is ambiguous",
        ),
        (
            OK + b"transfer-encoding: gzip, chunked\r\n\r\n",
            "protocol",
            "transfer-encoding 'gzip, chunked' is not 'chunked'",
        ),
        (
            b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "protocol",
            "an HTTP/1.0 response has transfer-encoding, which that version lacks",
        ),
        (b"HTTP/2.0 200 OK\r\n\r\n", "protocol", "the response says HTTP/2.0; HTTP/1.1 was asked for"),
        (
            CHUNKED + b"1\r\na" + b"x" * 30,
            "protocol",
            "a chunk is longer than its size says: 'xxxxxxxxxxxxxxxxxxxx' follows it",
        ),
        (b"HTTP/1.1 600 High\r\n\r\n", "protocol", "600 is not an HTTP status"),
        (b"HTTP/1.1 099 Low\r\n\r\n", "protocol", "99 is not an HTTP status"),
        (b"HTTP/1.1 two OK\r\n\r\n", "protocol", "this is not a status line of HTTP/1.1: 'HTTP/1.1 two OK'"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "protocol",
            "the response switches protocols (101), which was not asked for",
        ),
        (
            b"\r\nHTTP/1.1 200 OK\r\n\r\n",
            "protocol",
            "the answer does not begin like HTTP: '\\r\\nHTTP/1.1 200 OK\\r\\n\\r\\n'",
        ),
        (b"<html>hello</html>", "protocol", "the answer does not begin like HTTP: '<html>hello</html>'"),
        (
            b"\x15\x03\x03\x00\x02\x02\x46",
            "protocol",
            "the server answered in TLS; use https:// in the base URL",
        ),
        (
            b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
            "protocol",
            "the server answered in HTTP/2; only HTTP/1.1 is read",
        ),
        (
            OK + b"transfer-encoding: " + b"g" * 90 + b"\r\n\r\n",
            "protocol",
            f"transfer-encoding '{'g' * 80}' is not 'chunked'",
        ),
        (
            OK + b"content-length: " + b"9" * 50 + b"\r\n\r\n",
            "protocol",
            f"content-length is not a number: '{'9' * 40}'",
        ),
        (b"x" * 60, "protocol", f"the answer does not begin like HTTP: '{'x' * 60}'"),
        (b"\xff" + b"x" * 60, "protocol", f"the answer does not begin like HTTP: '\\\\xff{'x' * 59}'…"),
        (CHUNKED + b"1\r\nab\r", "protocol", "a chunk is longer than its size says: 'b\\r' follows it"),
        (OK + b" folded\r\n\r\n", "protocol", "the first header line begins with a space: ' folded'"),
        (OK + b"nocolon\r\n\r\n", "protocol", "a header line has no colon: 'nocolon'"),
        (OK + b"na me: x\r\n\r\n", "protocol", "a header name is not a token: 'na me'"),
        (OK + b": x\r\n\r\n", "protocol", "a header name is not a token: ''"),
        (OK + b"a\x0b: x\r\n\r\n", "protocol", "a header name is not a token: 'a\\x0b'"),
        (OK + b"a: b\r\n c\x00\r\n\r\n", "protocol", "the header 'a' holds a control character"),
        (OK + b"a: \x00\r\n\r\n", "protocol", "the header 'a' holds a control character"),
        (OK + b"a: b\rc\r\n\r\n", "protocol", "the header 'a' holds a control character"),
    ],
)
def test_what_cannot_be_read_says_what_happened(response: bytes, kind: str, sentence: str) -> None:
    whole = play([response], closed=True)
    assert (whole.error, whole.kind) == (sentence, kind)
    drip = play([response[i : i + 1] for i in range(len(response))], closed=True)
    assert drip.kind == kind


SMALL = ReadLimits(head=100, headers=4, chunk_line=10, interim=2, body=8)


@pytest.mark.parametrize(
    ("response", "sentence"),
    [
        (OK + b"a" * 200, "the response head has more than 100 bytes"),
        (OK + b"a: b\r\n" * 9, "the response head has more than 4 lines"),
        (OK + b"a: " + b"b" * 60 + b"\r\nc: " + b"d" * 60, "the response head has more than 100 bytes"),
        (CHUNKED + b"1;" + b"x" * 50, "a chunk size line has more than 10 bytes"),
        (b"HTTP/1.1 100 C\r\n\r\n" * 3, "more than 2 interim (1xx) responses came"),
        (OK + b"content-length: 9\r\n\r\n", "the body is announced with 9 bytes; at most 8 are read"),
        (CHUNKED + b"9\r\n123456789", "the body is longer than 8 bytes"),
        (OK + b"\r\n123456789", "the body is longer than 8 bytes"),
        (CHUNKED + b"0\r\n" + b"t: " + b"x" * 200, "the trailer section has more than 100 bytes"),
    ],
)
def test_limits_end_what_does_not_end(response: bytes, sentence: str) -> None:
    got = read_error(response, SMALL)
    assert (got.error, got.kind) == (sentence, "too-large")


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (OK + b"a: " + b"b" * 76 + b"\r\n\r\n", ""),
        (OK + b"a: " + b"b" * 77 + b"\r\n\r\n", "the response head has more than 100 bytes"),
        (OK + b"a: b\r\n" + b"c: " + b"d" * 70 + b"\r\n\r\n", ""),
        (OK + b"a: b\r\n" + b"c: " + b"d" * 71 + b"\r\n\r\n", "the response head has more than 100 bytes"),
        (OK + b"a: b\r\n" * 4 + b"\r\n", ""),
        (OK + b"a: b\r\n" * 5 + b"\r\n", "the response head has more than 4 lines"),
        (CHUNKED + b"1;345678\r\na\r\n1;345678\r\nb\r\n0\r\n\r\n", ""),
        (CHUNKED + b"1;3456789\r\na\r\n0\r\n\r\n", "a chunk size line has more than 10 bytes"),
        (CHUNKED + b"0\r\n" + b"t: " + b"x" * 93 + b"\r\n\r\n", ""),
        (
            CHUNKED + b"0\r\n" + b"t: " + b"x" * 94 + b"\r\n\r\n",
            "the trailer section has more than 100 bytes",
        ),
        (b"HTTP/1.1 100 C\r\n\r\n" * 2 + OK + b"content-length: 8\r\n\r\n12345678", ""),
        (OK + b"\r\n12345678", ""),
    ],
)
def test_a_limit_is_what_may_just_be_reached(response: bytes, error: str) -> None:
    got = play([response], closed=True, limits=SMALL)
    assert (got.error, got.end is None) == (error, bool(error))


def read_error(response: bytes, limits: ReadLimits) -> Got:
    whole = play([response], closed=False, limits=limits)
    drip = play([response[i : i + 1] for i in range(len(response))], closed=False, limits=limits)
    assert whole.kind == drip.kind
    return whole


def test_a_line_without_end_is_read_in_linear_time_and_bounded_memory() -> None:
    got = play([b"HTTP/1.1 200 OK\r\nx: ", *[b"y" * 64] * 10_000], closed=False)
    assert (got.error, got.kind) == ("the response head has more than 65536 bytes", "too-large")


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


def test_before_the_end_nothing_is_left_over() -> None:
    reader = ResponseReader("GET")
    reader.feed(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}more")
    assert reader.leftover == b""
    while not reader.done:
        reader.next_event()
    assert reader.leftover == b"more"
