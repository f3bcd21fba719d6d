"""One request and what came back, as values: what checks judge and recordings hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from wiremark_conformance import content

Headers = tuple[tuple[str, str], ...]

FailureKind = Literal[
    "dns",  # the host name has no address
    "connect",  # nobody accepts the connection
    "tls",  # the handshake or the certificate failed
    "timeout",  # a time limit ran out; the message says which
    "reset",  # the connection was reset while a message was under way
    "truncated",  # the body ended before its declared length or its last chunk
    "protocol",  # the bytes are not HTTP/1.1
    "too-large",  # a limit on headers, line or body was passed
]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was sent. `target` is path and query; headers keep their order and case.

    after: what is sent before it on the same connection; no part of what is recorded
    """

    method: str
    target: str
    headers: Headers
    body: bytes = b""
    after: Request | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Body bytes that arrived together, transfer coding removed.

    at_ns: nanoseconds on a monotonic clock since the first request byte was sent
    """

    at_ns: int
    data: bytes


@dataclass(frozen=True, slots=True)
class TransportFailure:
    """Why an exchange did not complete."""

    kind: FailureKind
    message: str


@dataclass(frozen=True)
class Exchange:
    """One probe's request and response.

    status:  None when no response head arrived
    framing: how the end of the body was told: content-length, chunks, end of connection, or no body
    parts:   the body as it arrived; content coding (gzip) is *not* removed here
    failure: set when the exchange did not complete; what had arrived is still in `parts`
    elapsed_ns: from the first request byte sent to the end of the body, or to the failure
    notes:   sentences on what was read although it departs from HTTP/1.1
    interim: status codes of the 1xx responses that came before
    cut:     we closed the connection on purpose before the end of the body
    origin:  scheme, host and port it was sent to, such as `http://127.0.0.1:8000`
    """

    probe: str
    request: Request
    status: int | None = None
    reason: str = ""
    http_version: str = ""
    headers: Headers = ()
    parts: tuple[Part, ...] = ()
    framing: Literal["length", "chunked", "close", "none"] = "none"
    failure: TransportFailure | None = None
    started: str = ""  # UTC, RFC 3339
    elapsed_ns: int = 0
    notes: tuple[str, ...] = ()
    interim: tuple[int, ...] = ()
    trailers: Headers = ()
    cut: bool = False
    origin: str = ""

    @cached_property
    def body(self) -> bytes:
        """The body as it stood on the wire, transfer coding removed."""
        return b"".join(part.data for part in self.parts)

    @cached_property
    def content(self) -> bytes:
        """The body with its content coding (gzip, deflate) removed.

        Raises content.ContentError when it is not what content-encoding says, or far too large.
        """
        return content.decode(self.body, self.header("content-encoding") or "")

    @cached_property
    def _by_name(self) -> Mapping[str, str]:
        """Header values by name in lower case; repeats joined by commas."""
        found: dict[str, str] = {}
        for key, value in self.headers:
            name = key.lower()
            found[name] = f"{found[name]}, {value}" if name in found else value
        return found

    def header(self, name: str) -> str | None:
        """The value of a response header, names compared without case; repeats joined by commas."""
        return self._by_name.get(name.lower())
