"""One keep-alive connection of a load user: sends a request, collects its response with arrival times.

Over plain TCP the hub collects what arrives (`plain.py`) and the kernel's stamps say when each read had
arrived. Under TLS the user's greenlet reads by itself and its own clock is all there is. Times are
nanoseconds of `time.monotonic_ns`.
"""

from __future__ import annotations

import errno
import socket as stdlib_socket
import ssl as stdlib_ssl
import time
from typing import Any, Protocol

import gevent  # type: ignore[import-untyped]
from gevent import socket, ssl

from wiremark_loadtests.client import stamps
from wiremark_loadtests.client.conduct import SLOW_READ, STEADY, Conduct, HungUp
from wiremark_loadtests.client.plain import READ, PlainLink
from wiremark_loadtests.client.wire import MAX_RESPONSE, ResponseReader, WireError, endless

_CONNECT_SECONDS = 10.0

# Kinds of TransportError after which the server cannot have seen a request.
NOT_SENT = frozenset({"dns", "connect", "tls"})


class TransportError(Exception):
    """No complete response; `kind` is one of NOT_SENT, or timeout, reset, truncated, protocol or hung-up."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _Link(Protocol):
    """An open connection."""

    def exchange(self, request: bytes, response: ResponseReader, silence: float, conduct: Conduct) -> None:
        """Send, and feed `response` until it is complete; raise OSError, WireError or HungUp."""

    def is_stale(self) -> bool:
        """Whether the peer closed the idle connection, or sent something that nobody asked for."""

    def close(self) -> None: ...


class Connection:
    """Sends one request at a time and reads its response; connects when it has to.

    silence: seconds without a byte after which a response is given up
    """

    def __init__(
        self, host: str, port: int, *, tls: bool, silence: float, kernel_stamps: bool = True
    ) -> None:
        self._address = (host, port)
        self._tls = ssl.create_default_context() if tls else None
        self._silence = silence
        self._kernel = kernel_stamps and stamps.available(tls=tls)
        if self._kernel:
            stamps.keep_on()
        self._link: _Link | None = None

    def connect(self) -> None:
        """Open the connection unless it is open and still good; raise TransportError."""
        if self._link is not None:
            if not self._link.is_stale():
                return
            self.close()
        host, port = self._address
        try:
            raw = socket.create_connection(self._address, timeout=_CONNECT_SECONDS)
            raw.setsockopt(stdlib_socket.IPPROTO_TCP, stdlib_socket.TCP_NODELAY, 1)
            if self._tls is None:
                self._link = PlainLink(raw, kernel_stamps=self._kernel)
            else:
                self._link = _TlsLink(self._tls.wrap_socket(raw, server_hostname=host))
        except stdlib_socket.gaierror as error:
            raise TransportError("dns", f"{host} has no address: {error.strerror}") from None
        except stdlib_ssl.SSLError as error:
            raise TransportError("tls", f"no TLS with {host}:{port}: {error.reason or error}") from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise TransportError("connect", f"{host}:{port} does not accept connections: {reason}") from None

    def exchange(self, request: bytes, response: ResponseReader, conduct: Conduct = STEADY) -> None:
        """Send `request` over the open connection and feed `response` until it is complete.

        On any failure (TransportError, or the greenlet being killed) the connection is closed; what had
        arrived is in `response`.
        """
        if self._link is None:
            raise RuntimeError("connect before an exchange")
        complete = False
        try:
            self._link.exchange(request, response, self._silence, conduct)
            complete = response.keeps_alive
        except HungUp:
            raise TransportError("hung-up", "the client hung up as it was to") from None
        except WireError as error:
            raise TransportError(error.kind, str(error)) from None
        except TimeoutError:
            raise TransportError("timeout", f"no byte arrived for {self._silence:g} s") from None
        except OSError as error:
            raise TransportError("reset", f"the connection broke: {error.strerror or error}") from None
        finally:
            if not complete:
                self.close()

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None


class _TlsLink:
    """TLS, read by the user's own greenlet."""

    def __init__(self, connected: Any) -> None:
        self._socket = connected

    def exchange(self, request: bytes, response: ResponseReader, silence: float, conduct: Conduct) -> None:
        self._socket.settimeout(silence)
        left = conduct.cut_after
        response.sent_ns = time.monotonic_ns()
        self._socket.sendall(request if left != -1 else request[: len(request) // 2])
        feed, receive, now = response.feed, self._socket.recv, time.monotonic_ns
        size, count = READ if conduct.read_rate is None else SLOW_READ, 0
        while left is None or left > 0:
            data = receive(size)
            count += len(data)
            if count > MAX_RESPONSE:
                raise endless()
            if feed(data, now()):
                return
            left = left and left - 1
            if conduct.read_rate is not None:
                gevent.sleep(len(data) / conduct.read_rate)
        raise HungUp

    def is_stale(self) -> bool:
        self._socket.settimeout(0.0)
        try:
            self._socket.recv(1)
        except OSError as error:
            return not (isinstance(error, stdlib_ssl.SSLWantReadError) or error.errno == errno.EAGAIN)
        return True

    def close(self) -> None:
        self._socket.close()
