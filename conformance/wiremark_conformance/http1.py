"""HTTP/1.1 responses read from bytes; no sockets, no clock.

Bytes go in by `feed`; `next_event` then has three outcomes: it returns an event, it returns None
because more bytes are needed, or it raises ProtocolError because the bytes are not a response that
can be read in one way only. What is wrong but unambiguous (a lone LF, obs-fold, a space before the
colon) is read as every lenient client reads it and kept as a sentence in `notes`.

Rules: RFC 9112 (framing in its section 6), RFC 9110 section 15 for statuses without a body.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from wiremark_conformance.exchange import FailureKind, Headers

Framing = Literal["length", "chunked", "close", "none"]

_STATUS_LINE = re.compile(rb"HTTP/(\d\.\d) (\d{3})(?: (.*))?", re.DOTALL)
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;.*)?", re.DOTALL)
_LENGTH = re.compile(r"[0-9]{1,18}")
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_BLANKS = b" \t"
_TLS_ALERT = b"\x15\x03"
_HTTP2_SETTINGS = b"\x00\x00"


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """How much of a response is read before it counts as hostile; sizes in bytes."""

    head: int = 64 * 1024  # the whole of a head, or of the trailers
    headers: int = 256
    chunk_line: int = 4 * 1024  # a chunk size with its extensions
    interim: int = 16
    body: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Interim:
    """A 1xx response: the final one is still to come."""

    status: int


@dataclass(frozen=True, slots=True)
class Head:
    """The head of the final response."""

    version: str
    status: int
    reason: str
    headers: Headers
    framing: Framing


@dataclass(frozen=True, slots=True)
class Data:
    """Body bytes, transfer coding removed; never empty."""

    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The body is complete."""

    trailers: Headers = ()


HttpEvent = Interim | Head | Data | End


class ProtocolError(Exception):
    """The bytes are not a response that can be read; `kind` says in which way."""

    def __init__(self, message: str, kind: FailureKind = "protocol") -> None:
        super().__init__(message)
        self.kind: FailureKind = kind


@dataclass
class ResponseReader:
    """Reads the one response to a request with the given method.

    notes: sentences on what departed from the rules and was read all the same
    done:  the End event was given
    """

    method: str
    limits: ReadLimits = field(default_factory=ReadLimits)
    notes: list[str] = field(default_factory=list)
    done: bool = False

    def __post_init__(self) -> None:
        self._buffer = bytearray()
        self._closed = False
        self._scanned = 0  # bytes of the buffer known to hold no line feed
        self._lines: list[bytes] = []  # of the head or trailers under way
        self._block_size = 0  # bytes of the block of lines under way
        self._interim = 0
        self._body_size = 0
        self._remaining = 0  # of the declared length, or of the chunk under way
        self._any_byte = False
        self._state: Callable[[], HttpEvent | None] = self._read_head

    def feed(self, data: bytes) -> None:
        """Add bytes as they arrived; b"" says that the other side closed the connection."""
        if data:
            self._buffer += data
            self._any_byte = True
        else:
            self._closed = True

    def next_event(self) -> HttpEvent | None:
        """The next event, or None when more bytes are needed or the response is complete.

        Raises ProtocolError; the reader is of no use afterwards.
        """
        return None if self.done else self._state()

    @property
    def leftover(self) -> bytes:
        """Bytes that came after the end of the response."""
        return bytes(self._buffer) if self.done else b""

    # -- lines ---------------------------------------------------------------------------------

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._scanned = 0
        return taken

    def _line(self, what: str, limit: int) -> bytes | None:
        """The next line without its end, or None when it is not complete.

        limit: bytes of the block that the line belongs to
        """
        size = self._buffer.find(b"\n", self._scanned) + 1  # 0: the line is not complete
        if self._block_size + (size or len(self._buffer)) > limit:
            raise ProtocolError(f"{what} has more than {limit} bytes", "too-large")
        if not size:
            self._scanned = len(self._buffer)
            return None
        self._block_size += size
        line = self._take(size)[:-1]
        if line.endswith(b"\r"):
            return line[:-1]
        self._note(f"a line of {what} ends with LF alone, not CRLF")
        return line

    def _block(self, what: str) -> list[bytes] | None:
        """The lines up to a blank line (a head, or trailers), or None when it is not complete."""
        while True:
            line = self._line(what, self.limits.head)
            if line is None:
                return None
            if not line:
                lines, self._lines, self._block_size = self._lines, [], 0
                return lines
            self._lines.append(line)
            if len(self._lines) > self.limits.headers + 1:
                raise ProtocolError(f"{what} has more than {self.limits.headers} lines", "too-large")

    def _headers(self, lines: list[bytes]) -> Headers:
        headers: list[tuple[str, str]] = []
        for line in lines:
            if line[:1] in (b" ", b"\t"):
                if not headers:
                    raise ProtocolError(f"the first header line begins with a space: {_show(line)}")
                self._note(f"the header {headers[-1][0]!r} is folded over several lines (obs-fold)")
                name, value = headers[-1]
                _refuse_controls(name, line)
                headers[-1] = (name, f"{value} {line.strip(_BLANKS).decode('latin-1')}".strip())
                continue
            raw_name, colon, raw_value = line.partition(b":")
            if not colon:
                raise ProtocolError(f"a header line has no colon: {_show(line)}")
            stripped = raw_name.rstrip(_BLANKS)
            if not _TOKEN.fullmatch(stripped):
                raise ProtocolError(f"a header name is not a token: {_show(raw_name)}")
            if stripped != raw_name:
                self._note(f"there is a space between the header name {stripped.decode()!r} and its colon")
            _refuse_controls(stripped.decode(), raw_value)
            headers.append((stripped.decode(), raw_value.strip(_BLANKS).decode("latin-1")))
        return tuple(headers)

    # -- states --------------------------------------------------------------------------------

    def _read_head(self) -> HttpEvent | None:
        if not self._lines and self._buffer and not b"HTTP/".startswith(self._buffer[:5]):
            raise ProtocolError(_not_http(bytes(self._buffer[:64])))
        lines = self._block("the response head")
        if lines is None:
            return self._ended_early("the response head was complete") if self._closed else None
        match = _STATUS_LINE.fullmatch(lines[0])
        if match is None:
            raise ProtocolError(f"this is not a status line of HTTP/1.1: {_show(lines[0])}")
        version, status = match[1].decode(), int(match[2])
        if not version.startswith("1."):
            raise ProtocolError(f"the response says HTTP/{version}; HTTP/1.1 was asked for")
        if not 100 <= status <= 599:
            raise ProtocolError(f"{status} is not an HTTP status")
        if match[3] is None:
            self._note("the status line has no space after the status")
        headers = self._headers(lines[1:])
        if status < 200:
            return self._interim_response(status)
        framing = self._framing(version, status, headers)
        self._state = {
            "none": self._finish,
            "length": self._read_length,
            "chunked": self._read_chunk_size,
            "close": self._read_until_close,
        }[framing]
        return Head(version, status, (match[3] or b"").decode("latin-1"), headers, framing)

    def _interim_response(self, status: int) -> Interim:
        if status == 101:
            raise ProtocolError("the response switches protocols (101), which was not asked for")
        self._interim += 1
        if self._interim > self.limits.interim:
            raise ProtocolError(f"more than {self.limits.interim} interim (1xx) responses came", "too-large")
        return Interim(status)

    def _framing(self, version: str, status: int, headers: Headers) -> Framing:
        lengths = _values(headers, "content-length")
        codings = [coding.lower() for coding in _values(headers, "transfer-encoding")]
        if codings and lengths:
            raise ProtocolError(
                "the response has both content-length and transfer-encoding, so its end is ambiguous"
            )
        bad = [length for length in lengths if not _LENGTH.fullmatch(length)]
        if bad:
            raise ProtocolError(f"content-length is not a number: {bad[0][:40]!r}")
        sizes = {int(length) for length in lengths}
        if len(sizes) > 1:
            raise ProtocolError(
                "the response has several content-lengths that differ: " + ", ".join(map(str, sorted(sizes)))
            )
        if len(lengths) > 1:
            self._note("content-length is given more than once, with the same value")
        if status in (204, 304) or self.method == "HEAD":
            if status == 204 and (codings or lengths):
                self._note("a 204 response must not have content-length or transfer-encoding")
            return "none"
        if codings:
            if codings != ["chunked"]:
                raise ProtocolError(f"transfer-encoding {', '.join(codings)[:80]!r} is not 'chunked'")
            if version == "1.0":
                raise ProtocolError("an HTTP/1.0 response has transfer-encoding, which that version lacks")
            return "chunked"
        if not sizes:
            return "close"
        (self._remaining,) = sizes
        if self._remaining > self.limits.body:
            raise ProtocolError(
                f"the body is announced with {self._remaining} bytes; at most {self.limits.body} are read",
                "too-large",
            )
        return "length"

    def _read_length(self) -> HttpEvent | None:
        if self._remaining == 0:
            return self._finish()
        if self._buffer:
            return self._data(self._remaining)
        if self._closed:
            self._ended_early(
                f"all {self._body_size + self._remaining} bytes of content-length had come "
                f"({self._body_size} had)"
            )
        return None

    def _read_until_close(self) -> HttpEvent | None:
        if self._buffer:
            return self._data(len(self._buffer))
        return self._finish() if self._closed else None

    def _read_chunk_size(self) -> HttpEvent | None:
        line = self._line("a chunk size line", self.limits.chunk_line)
        if line is None:
            return self._ended_early("the last chunk had come") if self._closed else None
        self._block_size = 0
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise ProtocolError(f"a chunk size is not a hexadecimal number: {_show(line)}")
        self._remaining = int(match[1], 16)
        self._state = self._read_chunk if self._remaining else self._read_trailers
        return self._state()

    def _read_chunk(self) -> HttpEvent | None:
        if self._remaining == 0:
            return self._read_chunk_end()
        if self._buffer:
            return self._data(self._remaining)
        return self._ended_early("a chunk was complete") if self._closed else None

    def _read_chunk_end(self) -> HttpEvent | None:
        if self._buffer[:1] == b"\n":
            self._note("a chunk ends with LF alone, not CRLF")
            self._take(1)
        elif self._buffer[:2] == b"\r\n":
            self._take(2)
        elif bytes(self._buffer[:2]) not in (b"", b"\r"):
            raise ProtocolError(
                f"a chunk is longer than its size says: {_show(bytes(self._buffer[:20]))} follows it"
            )
        else:
            return self._ended_early("a chunk was complete") if self._closed else None
        self._state = self._read_chunk_size
        return self._state()

    def _read_trailers(self) -> HttpEvent | None:
        lines = self._block("the trailer section")
        if lines is None:
            return self._ended_early("the blank line after the last chunk had come") if self._closed else None
        return self._finish(self._headers(lines))

    def _data(self, most: int) -> Data:
        data = self._take(most)
        self._remaining -= len(data)
        self._body_size += len(data)
        if self._body_size > self.limits.body:
            raise ProtocolError(f"the body is longer than {self.limits.body} bytes", "too-large")
        return Data(data)

    def _finish(self, trailers: Headers = ()) -> End:
        self.done = True
        return End(trailers)

    def _ended_early(self, before: str) -> NoReturn:
        if not self._any_byte:
            raise ProtocolError("the server closed the connection without an answer", "reset")
        raise ProtocolError(f"the connection was closed before {before}", "truncated")


def _refuse_controls(name: str, value: bytes) -> None:
    if _CONTROLS.search(value):
        raise ProtocolError(f"the header {name!r} holds a control character")


def _values(headers: Headers, name: str) -> list[str]:
    """Every list element of a header, repeats included."""
    found = [value for key, value in headers if key.lower() == name]
    return [element.strip() for value in found for element in value.split(",")]


def _show(data: bytes) -> str:
    text = data[:60].decode("ascii", "backslashreplace")
    return repr(text) + ("…" if len(data) > 60 else "")


def _not_http(start: bytes) -> str:
    if start.startswith(_TLS_ALERT):
        return "the server answered in TLS; use https:// in the base URL"
    if start.startswith(_HTTP2_SETTINGS):
        return "the server answered in HTTP/2; only HTTP/1.1 is read"
    return f"the answer does not begin like HTTP: {_show(start)}"
