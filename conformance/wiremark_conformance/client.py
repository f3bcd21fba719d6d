"""One request over one connection, and everything that came back with its times.

`Client.send` never raises for what an endpoint or a network does: the failure becomes part of the
exchange. It follows no redirect, keeps no cookie, uses no proxy, decodes no content, and ends in
bounded time and memory whatever the other side sends. Each call has its own connection (with
`connection: close`), so a client may be shared between threads. A request that is to come after
another one goes out on the connection that the other one left open, if it did.
"""

from __future__ import annotations

import dataclasses
import selectors
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NoReturn

from wiremark_conformance.endpoint import BadBaseUrl, Endpoint
from wiremark_conformance.exchange import Exchange, FailureKind, Part, Request, TransportFailure
from wiremark_conformance.http1 import Data, End, Head, Interim, ProtocolError, ReadLimits, ResponseReader
from wiremark_conformance.outgoing import CHUNK_SIZE, complete, wire
from wiremark_conformance.transport import Certificates, ConnectError, connect

__all__ = ["BadBaseUrl", "Client", "Endpoint", "Limits"]

_READ_SIZE = 256 * 1024
_CLOSED = frozenset({"reset", "truncated"})  # how a close before any answer is told


@dataclass(frozen=True, slots=True)
class Limits:
    """When an exchange is given up. Times in seconds, sizes in bytes.

    connect:    for each of name look-up, TCP connect and TLS handshake
    first_byte: from the last byte sent to the first byte of the answer
    idle:       between two arrivals of the answer
    total:      from the first byte sent to the end of the answer
    linger:     how long bytes after the end of the answer are waited for; a server that honours
                `connection: close` ends this at once
    parts:      arrivals kept, so that a body in single bytes cannot fill the memory
    """

    connect: float = 5.0
    first_byte: float = 60.0
    idle: float = 30.0
    total: float = 120.0
    linger: float = 0.1
    parts: int = 250_000
    read: ReadLimits = field(default_factory=ReadLimits)


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests to one endpoint.

    now: the wall clock, in UTC; only used to say when an exchange began
    """

    base: Endpoint
    limits: Limits = field(default_factory=Limits)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _certificates: Certificates = field(default_factory=Certificates, init=False, repr=False, compare=False)

    def send(self, probe: str, request: Request, *, stop_after: int | None = None) -> Exchange:
        """Send `request` and read what comes back.

        The request goes out as given, with host, content-length and connection headers added when it
        has none; `Exchange.request` shows them. Its target is relative to the root of the host. A
        `transfer-encoding: chunked` header makes the body go out in chunks, without a length.

        stop_after: close the connection once this many body bytes have arrived (0: once the head
                    has); the exchange is then marked `cut`
        Raises ValueError when the request itself cannot be written as HTTP/1.1.
        """
        full = complete(request, self.base)
        outgoing = wire(full)
        started = self.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        flight = _Flight(self.base, self.limits, request.method, stop_after)
        try:
            sock = connect(self.base, self.limits.connect)
        except ConnectError as error:
            flight.failure = TransportFailure(error.kind, self._certificates.told(error))
            return flight.exchange(probe, full, started)
        flight.notes += self._certificates.noted(sock)
        with sock:
            follows = request.after is None or self._led(sock, request.after, flight)
            if follows and flight.failure is None:
                flight.run(sock, outgoing)
                # A connection that is kept may be closed at any time; the request is then made anew.
                follows = request.after is None or not flight.unanswered
        if not follows:
            return self.send(probe, dataclasses.replace(request, after=None), stop_after=stop_after)
        return flight.exchange(probe, full, started)

    def _led(self, sock: socket.socket, request: Request, flight: _Flight) -> bool:
        """Send what comes before `flight` on the connection; False when that is not left open after it.

        A first answer that does not come whole is the failure of the flight.
        """
        first = _Flight(self.base, self.limits, request.method, None)
        first.run(sock, wire(complete(request, self.base, keep=True)), linger=False)
        if first.failure is not None:
            kind = first.failure.kind
            unended = kind == "timeout" and bool(first.parts)
            words = f"the {request.method} before it on the connection: {first.failure.message}"
            flight.failure = TransportFailure("truncated" if unended else kind, words)
            return True
        if first.reader.leftover:
            flight.reader.feed(first.reader.leftover)
            flight.heard = True
        return first.left_open


class _Stop(Exception):  # noqa: N818 - an outcome, not always an error
    """The exchange ends here: with a failure, or cut on purpose when there is none."""

    def __init__(self, kind: FailureKind | None = None, message: str = "") -> None:
        super().__init__(message)
        self.failure = TransportFailure(kind, message) if kind else None


class _Flight:
    """One request under way: sends and reads at once, so that an early answer is not lost."""

    def __init__(self, base: Endpoint, limits: Limits, method: str, stop_after: int | None) -> None:
        self.base = base
        self.limits = limits
        self.stop_after = stop_after
        self.reader = ResponseReader(method, limits.read)
        self.head: Head | None = None
        self.end: End | None = None
        self.interim: list[int] = []
        self.parts: list[Part] = []
        self.body_size = 0
        self.failure: TransportFailure | None = None
        self.notes: tuple[str, ...] = ()
        self.cut = False
        self.began = 0  # all times here: nanoseconds of the monotonic clock
        self.ended = 0
        self.progress = 0
        self.heard = False
        self.broken: OSError | None = None  # what ended the sending, while the answer may still come

    def exchange(self, probe: str, request: Request, started: str) -> Exchange:
        head = self.head
        extra = len(self.reader.leftover)
        notes = [*self.notes, *self.reader.notes]
        if extra:
            notes.append(f"at least {extra} bytes came after the end of the response")
        return Exchange(
            probe=probe,
            request=request,
            status=head.status if head else None,
            reason=head.reason if head else "",
            http_version=head.version if head else "",
            headers=head.headers if head else (),
            parts=tuple(self.parts),
            framing=head.framing if head else "none",
            failure=self.failure,
            started=started,
            elapsed_ns=self.ended - self.began,
            notes=tuple(notes),
            interim=tuple(self.interim),
            trailers=self.end.trailers if self.end else (),
            cut=self.cut,
            origin=self.base.origin,
        )

    @property
    def left_open(self) -> bool:
        """Whether the connection can take another request (RFC 9112, section 9.3)."""
        head = self.head
        if head is None or head.framing == "close" or head.version != "1.1":
            return False
        options = (value.lower() for name, value in head.headers if name.lower() == "connection")
        return not any("close" in value for value in options)

    @property
    def unanswered(self) -> bool:
        """The connection was closed before a byte of the answer came."""
        return self.failure is not None and self.failure.kind in _CLOSED and not self.heard

    def run(self, sock: socket.socket, outgoing: bytes, *, linger: bool = True) -> None:
        self.began = self.progress = time.monotonic_ns()
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
                self._exchange_bytes(sock, selector, memoryview(outgoing))
                self.ended = time.monotonic_ns()
                if linger:
                    self._linger(sock, selector)
        except _Stop as stop:
            self.ended = time.monotonic_ns()
            self.failure = stop.failure
            self.cut = stop.failure is None

    def _exchange_bytes(
        self, sock: socket.socket, selector: selectors.BaseSelector, pending: memoryview
    ) -> None:
        while self.end is None:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if pending else 0)
            selector.modify(sock, wanted)
            buffered = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0  # decrypted, unread
            ready = selector.select(0 if buffered else self._patience())
            mask = ready[0][1] if ready else 0
            if buffered or mask & selectors.EVENT_READ:
                self._receive(sock)
            if self.end is None and mask & selectors.EVENT_WRITE:
                pending = self._send(sock, pending)

    def _patience(self) -> float:
        """Seconds until the nearest time limit. Raises _Stop when one has run out."""
        limits, where = self.limits, self.base.authority
        now = time.monotonic_ns()
        idle = limits.idle if self.heard else limits.first_byte
        left_total = limits.total - (now - self.began) / 1e9
        left_idle = idle - (now - self.progress) / 1e9
        if left_total <= 0:
            raise _Stop("timeout", f"{where} had not finished its answer after {limits.total:g} s")
        if left_idle <= 0 and self.heard:
            raise _Stop("timeout", f"{where} fell silent for {idle:g} s in the middle of its answer")
        if left_idle <= 0:
            raise _Stop("timeout", f"{where} accepted the request and sent nothing for {idle:g} s")
        return min(left_total, left_idle)

    def _send(self, sock: socket.socket, pending: memoryview) -> memoryview:
        try:
            sent = sock.send(pending[:CHUNK_SIZE])
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return pending
        except OSError as error:  # the server closed early; its answer may have come before that
            self.broken = error
            return memoryview(b"")
        self.progress = time.monotonic_ns()
        return pending[sent:]

    def _receive(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(_READ_SIZE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as error:
            self._reset(error)
        self.progress = time.monotonic_ns()
        self.heard = self.heard or bool(data)
        self.reader.feed(data)
        if not data and self.broken is not None and not self.heard:
            self._reset(self.broken)
        try:
            self._read_events(self.progress - self.began)
        except ProtocolError as error:
            raise _Stop(error.kind, f"{self.base.authority}: {error}") from None

    def _reset(self, error: OSError) -> NoReturn:
        when = "in the middle of its answer" if self.heard else "before it answered"
        reason = error.strerror or type(error).__name__
        raise _Stop("reset", f"{self.base.authority} broke the connection {when}: {reason}") from None

    def _read_events(self, at_ns: int) -> None:
        arrived: list[bytes] = []
        try:
            while (event := self.reader.next_event()) is not None:
                match event:
                    case Data(data):
                        arrived.append(data)
                    case Head():
                        self.head = event
                    case Interim(status):
                        self.interim.append(status)
                    case End():
                        self.end = event
        finally:  # what came before a protocol error is part of the record
            self._keep(at_ns, b"".join(arrived))
        if self.stop_after is not None and self.head and self.body_size >= self.stop_after and not self.end:
            raise _Stop
        if len(self.parts) >= self.limits.parts:
            raise _Stop(
                "too-large", f"{self.base.authority} sent its body in more than {self.limits.parts} pieces"
            )

    def _keep(self, at_ns: int, data: bytes) -> None:
        if data:
            self.parts.append(Part(at_ns, data))
            self.body_size += len(data)

    def _linger(self, sock: socket.socket, selector: selectors.BaseSelector) -> None:
        """Wait for the close that was asked for, to see what a wrong content-length hides."""
        if self.head is None or self.head.framing == "close" or self.reader.leftover:
            return
        selector.modify(sock, selectors.EVENT_READ)
        if not selector.select(self.limits.linger):
            return
        try:
            self.reader.feed(sock.recv(_READ_SIZE))
        except OSError:  # the answer is complete; how the connection ends changes nothing
            return
