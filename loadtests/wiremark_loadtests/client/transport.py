"""One keep-alive connection on a raw gevent socket, stamping what arrives.

On Linux over plain TCP the stamp is the kernel's own (SO_TIMESTAMPNS): when the bytes reached this host,
however late this process got round to reading them. Elsewhere, and under TLS, it is the time of reading.
All stamps are nanoseconds of `time.monotonic_ns`.
"""

from __future__ import annotations

import contextlib
import errno
import socket as stdlib_socket
import ssl as stdlib_ssl
import struct
import sys
import time
from typing import Any

from gevent import socket, ssl  # type: ignore[import-untyped]

from wiremark_loadtests.client.wire import ResponseReader, WireError

_READ = 65536
_SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the socket module does not name it
_TIMESPEC = struct.Struct("qq")
_ANCILLARY = stdlib_socket.CMSG_SPACE(_TIMESPEC.size) if hasattr(stdlib_socket, "CMSG_SPACE") else 0
_OFFSET_LIFE_NS = 60 * 10**9  # how long the difference of the two clocks is taken to hold
_CONNECT_SECONDS = 10.0


# Kinds of TransportError after which the server cannot have seen a request.
NOT_SENT = frozenset({"dns", "connect", "tls"})


class TransportError(Exception):
    """No complete response; `kind` is one of NOT_SENT, or timeout, reset, truncated or protocol."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class _KernelClock:
    """Turns the kernel's wall-clock stamps into monotonic ones."""

    def __init__(self) -> None:
        self._offset_ns = 0
        self._measured_ns = -_OFFSET_LIFE_NS

    def offset_ns(self, now_ns: int) -> int:
        """Wall clock minus monotonic clock, measured anew once a minute.

        The smallest of many differences has the least scheduling delay between the two readings.
        """
        if now_ns - self._measured_ns > _OFFSET_LIFE_NS:
            self._offset_ns = min(
                time.clock_gettime_ns(time.CLOCK_REALTIME) - time.monotonic_ns() for _ in range(100)
            )
            self._measured_ns = now_ns
        return self._offset_ns


_CLOCK = _KernelClock()


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
        self._kernel = kernel_stamps and not tls and sys.platform == "linux"
        self._socket: Any = None

    def connect(self) -> None:
        """Open the connection unless it is open and still good; raise TransportError."""
        if self._socket is not None:
            if not self._gone_stale():
                return
            self.close()
        host, port = self._address
        try:
            raw = socket.create_connection(self._address, timeout=_CONNECT_SECONDS)
            raw.setsockopt(stdlib_socket.IPPROTO_TCP, stdlib_socket.TCP_NODELAY, 1)
            if self._kernel:
                raw.setsockopt(stdlib_socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            if self._tls is not None:
                raw = self._tls.wrap_socket(raw, server_hostname=host)
            raw.settimeout(self._silence)
        except stdlib_socket.gaierror as error:
            raise TransportError("dns", f"{host} has no address: {error.strerror}") from None
        except stdlib_ssl.SSLError as error:
            raise TransportError("tls", f"no TLS with {host}:{port}: {error.reason or error}") from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise TransportError("connect", f"{host}:{port} does not accept connections: {reason}") from None
        self._socket = raw

    def exchange(self, request: bytes, reader: ResponseReader) -> None:
        """Send `request` and feed `reader` until its response is complete.

        On any failure (TransportError, or the greenlet being killed) the connection is closed; what had
        arrived is in `reader`.
        """
        complete = False
        try:
            self._socket.sendall(request)
            self._receive(reader)
            complete = reader.keeps_alive
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
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _receive(self, reader: ResponseReader) -> None:
        feed, now = reader.feed, time.monotonic_ns
        if not self._kernel:
            receive = self._socket.recv
            while not feed(receive(_READ), now()):
                pass
            return
        receive_message = self._socket.recvmsg
        while True:
            data, ancillary, _, _ = receive_message(_READ, _ANCILLARY)
            at_ns = now()
            if ancillary and len(ancillary[0][2]) == _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
                at_ns = seconds * 10**9 + nanoseconds - _CLOCK.offset_ns(at_ns)
            if feed(data, at_ns):
                return

    def _gone_stale(self) -> bool:
        """Whether the server closed the idle connection: found before a request is spent on it."""
        self._socket.settimeout(0.0)
        try:
            self._socket.recv(1)  # nothing may arrive between responses: a byte is as bad as the end
        except OSError as error:  # TLS says "want read", plain sockets "would block"
            return not (isinstance(error, stdlib_ssl.SSLWantReadError) or error.errno == errno.EAGAIN)
        else:
            return True
        finally:
            with contextlib.suppress(OSError):
                self._socket.settimeout(self._silence)
