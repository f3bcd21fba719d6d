"""A minimal sans-IO HTTP/1.1 response reader for the hot path of a load run.

Bytes go in with the time at which they arrived; nothing is decoded before the response is whole. No
header objects are built: the head is kept as bytes and a header is looked up when somebody asks. Three
outcomes of `feed`: False (more is needed), True (the response is complete), or WireError.

The judge's own reader (`wiremark_conformance`) records framing exactly and forgives nothing; this one
only has to be fast and to notice a response that is broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

# Common servers allow 8 to 64 KiB of response head; more is not an answer of an API.
MAX_HEAD = 65536
# An answer has a few megabytes at the most, with pictures in it; more may never end.
MAX_RESPONSE = 1 << 26

_CRLF = b"\r\n"
_VERSIONS = (b"HTTP/1.1 ", b"HTTP/1.0 ")
_NO_BODY = frozenset({204, 205, 304})


class WireError(Exception):
    """The bytes are not a complete HTTP/1.1 response; `kind` is `truncated` or `protocol`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def endless() -> WireError:
    """What to say of a response of more than MAX_RESPONSE bytes."""
    return WireError("protocol", f"the response is larger than {MAX_RESPONSE >> 20} MiB")


class ResponseReader:
    """Reads one response.

    status: 0 until the head is complete
    head:   status line and headers, each line but the first preceded by CRLF
    pieces: body bytes, transfer coding removed; bytes that became readable in the same read are one piece
    arrivals: of each piece, in ns. Two lists of what holds nothing else: pairs would be objects that
            every garbage collection has to look at, a thousand streams being under way
    sent_ns: when the first byte of its request was handed to the kernel; 0 before
    waited_ns: from the read that ended it until somebody looked at it
    lags_ns: of the reads that the kernel had stamped, how much later than arrived they were read
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_left",
        "_lowered",
        "arrivals",
        "head",
        "is_chunked",
        "keeps_alive",
        "lags_ns",
        "pieces",
        "sent_ns",
        "status",
        "waited_ns",
    )

    def __init__(self) -> None:
        self._buffer = b""
        self._left = 0
        # A function, not a bound method: a reader that held itself would wait for the garbage collector.
        self._body: Callable[[ResponseReader, bytes, int], bool] | None = None
        self.head = self._lowered = b""
        self.status = 0
        self.is_chunked = False
        self.keeps_alive = True
        self.lags_ns: list[int] = []
        self.sent_ns = self.waited_ns = 0
        self.arrivals: list[int] = []
        self.pieces: list[bytes] = []

    def feed(self, data: bytes, at_ns: int) -> bool:
        """Take what arrived at `at_ns`; `b""` says that the peer closed the connection."""
        if not data:
            return self._closed()
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        if self._body is not None:
            return self._body(self, data, at_ns)
        rest = self._read_head(data)
        if self._body is None:
            self._buffer = rest
            return False
        return self._body(self, rest, at_ns)

    def feed_all(self, arrivals: Sequence[int], reads: Iterable[bytes]) -> bool:
        """Feed reads in order, each with its arrival; whether the response is complete."""
        arrived, append = self.arrivals.append, self.pieces.append
        for at_ns, data in zip(arrivals, reads, strict=True):
            if self.is_chunked and not self._buffer:  # the usual read is one chunk and nothing else
                end = data.find(_CRLF, 0, 8)
                try:
                    size = int(data[:end], 16)
                except ValueError:
                    size = 0
                if size > 0 and end + 4 + size == len(data) and data.endswith(_CRLF):
                    append(data[end + 2 : -2])
                    arrived(at_ns)
                    continue
            if self.feed(data, at_ns):
                return True
        return False

    def header(self, name: str) -> str | None:
        """The first value of a header, None when it is absent; names compare without case."""
        if len(self._lowered) != len(self.head):
            self._lowered = self.head.lower()
        wanted = _line_of(name)
        at = self._lowered.find(wanted)
        if at < 0:
            return None
        start = at + len(wanted)
        end = self.head.find(_CRLF, start)
        return self.head[start : end if end >= 0 else None].strip().decode("latin-1")

    @property
    def body(self) -> bytes:
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    @property
    def parts(self) -> list[tuple[int, bytes]]:
        """The pieces, each with its arrival."""
        return list(zip(self.arrivals, self.pieces, strict=True))

    def _read_head(self, data: bytes) -> bytes:
        """Read the head, skipping interim (1xx) ones; return the bytes after what was read."""
        while True:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                if len(data) > MAX_HEAD:
                    raise WireError("protocol", f"the response head is larger than {MAX_HEAD} bytes")
                if not data.startswith(b"HTTP/1."[: len(data)]):
                    raise WireError("protocol", "the answer does not begin with HTTP/1.")
                return data
            head, data = data[:end], data[end + 4 :]
            status = self._status_of(head)
            if status >= 200:
                break
        self.head, self.status = head, status
        self._choose_body()
        return data

    @staticmethod
    def _status_of(head: bytes) -> int:
        digits = head[9:12]
        if head[:9] not in _VERSIONS or not digits.isdigit():
            raise WireError("protocol", "the answer does not begin with an HTTP/1.1 status line")
        return int(digits)

    def _choose_body(self) -> None:
        self._lowered = lowered = self.head.lower()
        self.keeps_alive = self.head.startswith(b"HTTP/1.1") and (
            b"\r\nconnection:" not in lowered or "close" not in (self.header("connection") or "").lower()
        )
        length = self.header("content-length")
        if self.status in _NO_BODY:
            self._body = ResponseReader._feed_length
        elif b"\r\ntransfer-encoding:" in lowered and (
            (self.header("transfer-encoding") or "").lower().endswith("chunked")
        ):
            self._body = ResponseReader._feed_chunked
            self.is_chunked = True
        elif length is not None:
            if not length.isdecimal():
                raise WireError("protocol", f"content-length is not a number: {length[:40]!r}")
            self._left = int(length)
            self._body = ResponseReader._feed_length
        else:
            self._body = ResponseReader._feed_until_close
            self.keeps_alive = False

    def _keep(self, at_ns: int, piece: bytes) -> None:
        self.arrivals.append(at_ns)
        self.pieces.append(piece)

    def _feed_length(self, data: bytes, at_ns: int) -> bool:
        self._left -= len(data)
        if self._left < 0:
            raise WireError("protocol", "bytes follow the end of the response")
        if data:
            self._keep(at_ns, data)
        return self._left == 0

    def _feed_until_close(self, data: bytes, at_ns: int) -> bool:
        if data:
            self._keep(at_ns, data)
        return False

    def _feed_chunked(self, data: bytes, at_ns: int) -> bool:
        """Take every complete chunk; the rest waits for its remaining bytes."""
        pieces: list[bytes] = []
        position, available = 0, len(data)
        complete = False
        while (end := data.find(_CRLF, position)) >= 0:
            size = _chunk_size(data[position:end])
            start = end + 2
            if size == 0:
                complete = self._end_of_chunks(data, start)
                break
            after = start + size
            if after + 2 > available:
                break
            if data[after : after + 2] != _CRLF:
                raise WireError("protocol", "a chunk is longer than its declared size")
            pieces.append(data[start:after])
            position = after + 2
        if pieces:
            self._keep(at_ns, pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if not complete:
            self._buffer = data[position:]
        return complete

    @staticmethod
    def _end_of_chunks(data: bytes, start: int) -> bool:
        """Whether the trailer section, which is ignored, is complete."""
        if data.startswith(_CRLF, start):
            end = start + 2
        else:
            trailers = data.find(b"\r\n\r\n", start)
            if trailers < 0:
                return False
            end = trailers + 4
        if end != len(data):
            raise WireError("protocol", "bytes follow the end of the response")
        return True

    def _closed(self) -> bool:
        if self._body is ResponseReader._feed_until_close:
            return True
        where = "before the response head was complete" if self._body is None else "before the body ended"
        raise WireError("truncated", f"the connection was closed {where}")


@cache
def _line_of(name: str) -> bytes:
    """How the line of a header begins, in lower case."""
    return b"\r\n" + name.lower().encode("ascii") + b":"


def _chunk_size(line: bytes) -> int:
    try:
        size = int(line, 16)
    except ValueError:  # an extension follows the size, or it is no size at all
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            raise WireError("protocol", f"this is not a chunk size: {line[:40]!r}") from None
    if size < 0:
        raise WireError("protocol", f"this is not a chunk size: {line[:40]!r}")
    return size


def get(target: str, host: str, headers: str) -> bytes:
    """The bytes of a GET; `headers` are further lines, each ending in CRLF."""
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode("ascii")


def post(target: str, host: str, headers: str, body: bytes) -> bytes:
    """The bytes of a POST with a JSON body; `headers` are further lines, each ending in CRLF."""
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {host}\r\n{headers}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body
