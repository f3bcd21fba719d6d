"""One keep-alive connection of a load user: sends a request, collects its response with arrival times.

Over plain TCP the hub collects what arrives (`receiver.py`) and the user's greenlet sleeps until the
response is whole; the kernel's stamps say when each read had arrived. Under TLS the greenlet reads by
itself and its own clock is all there is. Times are nanoseconds of `time.monotonic_ns`.
"""

from __future__ import annotations

import errno
import socket as stdlib_socket
import ssl as stdlib_ssl
import time
from contextlib import suppress
from typing import Any, Protocol

import gevent  # type: ignore[import-untyped]
from gevent import monkey, socket, ssl

from wiremark_loadtests.client import receiver, stamps
from wiremark_loadtests.client.conduct import SLOW_READ, SLOW_WINDOW, STEADY, Conduct, HungUp
from wiremark_loadtests.client.wire import ResponseReader, WireError

_READ = 65536
_CONNECT_SECONDS = 10.0
# What ends a chunked body, trailers or not, ends with this, and so may a read in the middle of one. A
# read too short to show it may hold the rest of it.
_END = b"\r\n\r\n"

_CLOCK = stamps.KernelClock()
_PlainSocket: type[stdlib_socket.socket] = monkey.get_original("socket", "socket")

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
                self._link = _PlainLink(raw, kernel_stamps=self._kernel)
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


class _PlainLink:
    """Plain TCP, read in the hub. What is collected is taken apart when the response may be whole."""

    def __init__(self, connected: Any, *, kernel_stamps: bool) -> None:
        self._socket = _PlainSocket(fileno=connected.detach())
        self._socket.setblocking(False)
        if kernel_stamps:
            self._socket.setsockopt(stdlib_socket.SOL_SOCKET, stamps.SO_TIMESTAMPNS, 1)
        self._hub = gevent.get_hub()
        self._loop = self._hub.loop
        self._receiver = receiver.of_this_hub()
        self._response: ResponseReader | None = None  # None between exchanges
        self._waiter: Any = None  # the greenlet that waits in the hub for the response
        self._failure: Exception | None = None
        self._reads: list[stamps.Read] = []
        self._defers = False  # inside a chunked body: only its end is of interest
        self._is_spoiled = False
        self._sent_ns = self._seen_ns = 0
        self._conduct = STEADY
        self._reads_left: int | None = None
        self._timer: Any = None  # looks for silence
        self._resting: Any = None  # the timer of a slow reader's pause
        self._receiver.watch(self._socket.fileno(), self._on_readable)

    def exchange(self, request: bytes, response: ResponseReader, silence: float, conduct: Conduct) -> None:
        self._response, self._failure, self._defers = response, None, False
        self._behave(conduct)
        self._sent_ns = self._seen_ns = time.monotonic_ns()
        if self._timer is None:
            self._timer = self._loop.timer(silence / 4, silence / 4, ref=False)
            self._timer.start(self._give_up_after, silence)
        try:
            self._send(request if conduct.cut_after != -1 else request[: len(request) // 2], silence)
            if conduct.cut_after is not None and conduct.cut_after <= 0:
                raise HungUp
            if self._response is not None:
                self._waiter = gevent.getcurrent()
                self._hub.switch()
                response.waited_ns = time.monotonic_ns() - self._seen_ns
        finally:
            self._waiter = None
            if self._reads:  # the greenlet was killed, or the response was given up
                with suppress(WireError):
                    self._digest()
            self._response = None
        failure, self._failure = self._failure, None
        if failure is not None:
            try:
                raise failure
            finally:
                del failure  # its traceback holds this frame

    def _behave(self, conduct: Conduct) -> None:
        if conduct is self._conduct is STEADY:
            return
        self._conduct, self._reads_left = conduct, conduct.cut_after
        if conduct.read_rate is not None:
            self._socket.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_RCVBUF, SLOW_WINDOW)

    def _send(self, request: bytes, silence: float) -> None:
        """Send all of it; a response that comes before all is sent ends the sending."""
        rest = memoryview(request)
        while rest and self._response is not None:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                socket.wait_write(self._socket.fileno(), timeout=silence, timeout_exc=TimeoutError())
            except (BrokenPipeError, ConnectionResetError):
                return  # it may have answered before it closed: reading tells

    def _on_readable(self) -> None:
        """In the hub: keep what arrived, with its times; as little as possible for each chunk."""
        try:
            data, ancillary, _, _ = self._socket.recvmsg(
                _READ if self._conduct.read_rate is None else SLOW_READ, stamps.ANCILLARY
            )
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
            return
        self._seen_ns = seen_ns = time.monotonic_ns()
        self._reads.append((data, ancillary[0][2] if ancillary else b"", seen_ns))
        if self._conduct is not STEADY and self._is_to_leave(len(data)):
            self._defers = False
        if self._defers and len(data) >= len(_END) and not data.endswith(_END):
            return
        try:
            if self._digest():
                self._end(None)
            elif self._reads_left is not None and self._reads_left <= 0:
                self._end(HungUp())
        except Exception as error:  # noqa: BLE001  whatever it is, it belongs to the greenlet that waits
            self._end(error)

    def _is_to_leave(self, count: int) -> bool:
        """After a read of `count` bytes: whether to hang up now; rests when reading is to be slow."""
        rate = self._conduct.read_rate
        if rate is not None and count:
            self._receiver.forget(self._socket.fileno())
            self._resting = self._loop.timer(count / rate)
            self._resting.start(self._read_on)
        if self._reads_left is not None:
            self._reads_left -= 1
        return self._reads_left is not None and self._reads_left <= 0

    def _read_on(self) -> None:
        self._resting = None
        self._receiver.watch(self._socket.fileno(), self._on_readable)

    def _digest(self) -> bool:
        """Feed the response what was collected; whether it is complete."""
        response, reads = self._response, self._reads
        self._reads = []
        if response is None:
            raise ConnectionResetError(errno.ECONNRESET, "bytes that nobody asked for")
        arrivals, lags = _CLOCK.arrivals(reads, self._sent_ns)
        response.lags_ns += lags
        complete = response.feed_all(arrivals, [data for data, _, _ in reads])
        self._defers = response.is_chunked
        return complete

    def _end(self, failure: Exception | None) -> None:
        """Wake the greenlet that waits, after the sockets that are readable now have been read."""
        if failure is not None:
            self._is_spoiled = True
            self._receiver.forget(self._socket.fileno())  # it might stay readable
        if self._response is not None:
            self._response, self._failure = None, failure
            self._receiver.after(self._wake)

    def _wake(self) -> None:
        """Switch to the greenlet, if it is still waiting here."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.switch()

    def _give_up_after(self, silence: float) -> None:
        """In the hub, now and then: end the exchange when nothing arrived for so long."""
        if self._response is not None and time.monotonic_ns() - self._seen_ns >= silence * 1e9:
            self._end(TimeoutError())

    def is_stale(self) -> bool:
        if self._is_spoiled:
            return True
        try:
            self._socket.recv(1, stdlib_socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def close(self) -> None:
        for timer in (self._timer, self._resting):
            if timer is not None:
                timer.close()
        self._timer = self._resting = None
        self._receiver.forget(self._socket.fileno())
        self._socket.close()


class _TlsLink:
    """TLS, read by the user's own greenlet."""

    def __init__(self, connected: Any) -> None:
        self._socket = connected

    def exchange(self, request: bytes, response: ResponseReader, silence: float, conduct: Conduct) -> None:
        self._socket.settimeout(silence)
        left = conduct.cut_after
        self._socket.sendall(request if left != -1 else request[: len(request) // 2])
        feed, receive, now = response.feed, self._socket.recv, time.monotonic_ns
        size = _READ if conduct.read_rate is None else SLOW_READ
        while left is None or left > 0:
            data = receive(size)
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
