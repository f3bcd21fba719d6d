"""Connections and the sentences about their failures: DNS, TCP and TLS, each bounded in time.

Only this module and `client.py` touch the network. No proxy is ever used: what is judged must be
what the base URL names.
"""

from __future__ import annotations

import errno
import ipaddress
import queue
import socket
import ssl
import threading
from typing import Any

from wiremark_conformance.endpoint import Endpoint
from wiremark_conformance.exchange import FailureKind

# What getaddrinfo gives: family, type, protocol, canonical name, address.
_Address = tuple[int, int, int, str, Any]


class ConnectError(Exception):
    """No connection came about; `kind` says at which step."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind


def connect(endpoint: Endpoint, timeout: float) -> socket.socket:
    """A connected, non-blocking socket, TLS set up when the scheme asks for it.

    timeout: seconds for each of name look-up, TCP connect (per address) and TLS handshake
    Raises ConnectError.
    """
    sock = _connect_tcp(endpoint, _resolve(endpoint, timeout), timeout)
    if endpoint.scheme == "https":
        sock = _handshake(endpoint, sock, timeout)
    sock.setblocking(False)
    return sock


class Certificates:
    """What an endpoint has shown of itself, so that a change is told as one. Threads may share it."""

    def __init__(self) -> None:
        self._first: bytes | None = None

    def noted(self, sock: socket.socket) -> tuple[str, ...]:
        """Notes on the certificate of an accepted connection: whether it is another one than at first."""
        shown = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
        if shown is None or self._first is None:
            self._first = shown
        return () if shown == self._first else ("the certificate is another one than at first",)

    def told(self, error: ConnectError) -> str:
        """The sentence about a failure, and that it was not so before."""
        changed = self._first is not None and error.kind == "tls"
        return f"{error}; the certificate has changed: an earlier one was accepted" if changed else str(error)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _resolve(endpoint: Endpoint, timeout: float) -> list[_Address]:
    answers: queue.SimpleQueue[list[_Address] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(list(socket.getaddrinfo(endpoint.host, endpoint.port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    if _is_address(endpoint.host):
        look_up()
    else:  # getaddrinfo takes no timeout, so a name is looked up where waiting can end
        threading.Thread(target=look_up, name="wiremark-dns", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise ConnectError(
            "dns",
            f"looking up the host name {endpoint.host!r} took longer than {timeout:g} s; "
            "check the name and this machine's DNS",
        ) from None
    if isinstance(answer, Exception):
        raise ConnectError(
            "dns",
            f"the host name {endpoint.host!r} has no address ({_reason(answer)}); "
            "check the spelling of the base URL and this machine's DNS",
        )
    return answer


def _connect_tcp(endpoint: Endpoint, addresses: list[_Address], timeout: float) -> socket.socket:
    failure: OSError = OSError("no address")
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(timeout)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    where = endpoint.authority
    if isinstance(failure, TimeoutError):
        raise ConnectError(
            "timeout",
            f"{where} did not accept a connection within {timeout:g} s; "
            "check the host, the port and any firewall between",
        )
    if failure.errno == errno.ECONNREFUSED:
        raise ConnectError(
            "connect", f"nothing accepts connections on {where}; start the server or correct the port"
        )
    raise ConnectError("connect", f"{where} cannot be reached: {_reason(failure)}; check host and network")


def _handshake(endpoint: Endpoint, sock: socket.socket, timeout: float) -> socket.socket:
    where = endpoint.authority
    context = ssl.create_default_context()  # reads SSL_CERT_FILE and SSL_CERT_DIR
    context.set_alpn_protocols(["http/1.1"])
    try:
        return context.wrap_socket(sock, server_hostname=endpoint.host)
    except TimeoutError:
        kind: FailureKind = "timeout"
        message = f"{where} did not finish the TLS handshake within {timeout:g} s; is this an https port?"
    except ssl.SSLCertVerificationError as error:
        kind = "tls"
        message = (
            f"the certificate of {where} is not accepted: {error.verify_message}; "
            "use the host name it was issued for, or name its authority in SSL_CERT_FILE"
        )
    except ssl.SSLError as error:
        kind = "tls"
        if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
            message = f"{where} does not speak TLS; use http:// in the base URL"
        else:
            message = f"the TLS handshake with {where} failed: {error.reason or _reason(error)}"
    except OSError as error:
        kind = "tls"
        message = f"{where} closed the connection during the TLS handshake: {_reason(error)}"
    sock.close()
    raise ConnectError(kind, message) from None


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return str(text).rstrip(".")
