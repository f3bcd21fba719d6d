"""The client against sockets that play given bytes; pauses are events, never sleeps."""

from __future__ import annotations

import gzip
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from wiremark_conformance import client as client_module
from wiremark_conformance.client import BadBaseUrl, Client, Endpoint, Limits
from wiremark_conformance.content import ContentError
from wiremark_conformance.exchange import Exchange, Request
from wiremark_conformance.http1 import ReadLimits

PATIENCE = 10.0  # seconds after which a scripted server gives up, so that no test can hang
QUICK = Limits(linger=0.05)
GET = Request("GET", "/v1/models", ())
OK = b"HTTP/1.1 200 OK\r\n"

Handler = Callable[[socket.socket], None]
Serve = Callable[..., Endpoint]


class Server:
    """Gives each connection to the next handler, the last one to all further connections."""

    def __init__(self, handlers: tuple[Handler, ...], tls: ssl.SSLContext | None) -> None:
        self.handlers = list(handlers)
        self.tls = tls
        self.errors: list[BaseException] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            handler = self.handlers.pop(0) if len(self.handlers) > 1 else self.handlers[0]
            sock.settimeout(PATIENCE)
            try:
                if self.tls is not None:
                    sock = self.tls.wrap_socket(sock, server_side=True)
                handler(sock)
            except OSError as error:
                self.errors.append(error)
            finally:
                sock.close()

    def stop(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self.listener.close()
        self.thread.join(PATIENCE)


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(*handlers: Handler, tls: ssl.SSLContext | None = None) -> Endpoint:
        server = Server(handlers, tls)
        servers.append(server)
        port = server.listener.getsockname()[1]
        return Endpoint.parse(f"{'https' if tls else 'http'}://localhost:{port}/v1")

    yield start
    for server in servers:
        server.stop()


def request_head(sock: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += sock.recv(1)
    return data


def answer(response: bytes, seen: list[bytes] | None = None) -> Handler:
    """A handler that reads a head, then says `response` and closes."""

    def handle(sock: socket.socket) -> None:
        head = request_head(sock)
        if seen is not None:
            seen.append(head)
        sock.sendall(response)
        sock.shutdown(socket.SHUT_WR)
        sock.recv(1)

    return handle


def send(endpoint: Endpoint, request: Request = GET, limits: Limits = QUICK) -> Exchange:
    return Client(endpoint, limits).send("probe", request)


def test_a_request_goes_out_as_given_and_the_answer_is_recorded(serve: Serve) -> None:
    seen: list[bytes] = []
    endpoint = serve(answer(OK + b"X-Request-Id: r1\r\ncontent-length: 2\r\n\r\n{}", seen))
    moment = datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC)
    exchange = Client(endpoint, QUICK, now=lambda: moment).send(
        "models.list", Request("GET", "/v1/models?limit=1", (("X-Odd-Case", " v "), ("accept", "*/*")))
    )
    assert seen == [
        f"GET /v1/models?limit=1 HTTP/1.1\r\nhost: {endpoint.host_header}\r\nX-Odd-Case:  v \r\n"
        "accept: */*\r\nconnection: close\r\n\r\n".encode()
    ]
    assert exchange.failure is None
    assert (exchange.probe, exchange.status, exchange.reason) == ("models.list", 200, "OK")
    assert (exchange.http_version, exchange.framing, exchange.body) == ("1.1", "length", b"{}")
    assert exchange.header("x-request-id") == "r1"
    assert exchange.started == "2026-01-02T03:04:05.006Z"
    assert exchange.origin == endpoint.origin
    assert exchange.request.headers[0] == ("host", endpoint.host_header)
    assert 0 < exchange.parts[0].at_ns <= exchange.elapsed_ns


def body_server(bodies: list[bytes]) -> Handler:
    def handle(sock: socket.socket) -> None:
        head = request_head(sock)
        bodies.append(head)
        end = b"0\r\n\r\n" if b"chunked" in head else b"}"
        body = b""
        while not body.endswith(end):
            body += sock.recv(65536)
        bodies.append(body)
        sock.sendall(OK + b"content-length: 0\r\n\r\n")

    return handle


def test_a_body_gets_its_length(serve: Serve) -> None:
    bodies: list[bytes] = []
    exchange = send(serve(body_server(bodies)), Request("POST", "/v1/x", (), b'{"a":1}'))
    assert exchange.status == 200
    assert b"\r\ncontent-length: 7\r\n" in bodies[0]
    assert bodies[1] == b'{"a":1}'


def test_a_body_goes_out_in_chunks_when_the_request_says_so(serve: Serve) -> None:
    bodies: list[bytes] = []
    body = b"x" * 70_000
    request = Request("POST", "/v1/x", (("transfer-encoding", "chunked"),), body)
    exchange = send(serve(body_server(bodies)), request)
    assert exchange.status == 200
    assert b"content-length" not in bodies[0]
    assert bodies[1] == b"10000\r\n" + body[:65536] + b"\r\n1170\r\n" + body[65536:] + b"\r\n0\r\n\r\n"


def test_an_empty_post_says_so_and_a_get_has_no_length(serve: Serve) -> None:
    seen: list[bytes] = []
    endpoint = serve(answer(OK + b"content-length: 0\r\n\r\n", seen))
    send(endpoint, Request("POST", "/", ()))
    send(endpoint)
    assert b"content-length: 0" in seen[0]
    assert b"content-length" not in seen[1]


def test_given_host_length_and_connection_are_left_alone(serve: Serve) -> None:
    seen: list[bytes] = []
    headers = (("Host", "other"), ("Content-Length", "0"), ("Connection", "keep-alive"))
    send(serve(answer(OK + b"content-length: 0\r\n\r\n", seen)), Request("POST", "/", headers))
    assert seen == [b"POST / HTTP/1.1\r\nHost: other\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n"]


def test_parts_keep_what_arrived_together(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = threading.Semaphore(0)
    keep = client_module._Flight._keep

    def keep_and_tell(flight: client_module._Flight, at_ns: int, data: bytes) -> None:
        keep(flight, at_ns, data)
        arrived.release()

    monkeypatch.setattr(client_module._Flight, "_keep", keep_and_tell)

    def handle(sock: socket.socket) -> None:
        request_head(sock)
        for piece in (
            OK + b"transfer-encoding: chunked\r\n\r\n",
            b"3\r\none\r\n",
            b"3\r\ntwo\r\n5\r\nthree\r\n",
        ):
            sock.sendall(piece)
            assert arrived.acquire(timeout=PATIENCE)
        sock.sendall(b"0\r\nx-t: 1\r\n\r\n")

    exchange = send(serve(handle))
    assert [part.data for part in exchange.parts] == [b"one", b"twothree"]
    assert exchange.parts[0].at_ns < exchange.parts[1].at_ns <= exchange.elapsed_ns
    assert exchange.trailers == (("x-t", "1"),)


def test_a_redirect_is_recorded_and_not_followed(serve: Serve) -> None:
    seen: list[bytes] = []
    endpoint = serve(answer(b"HTTP/1.1 307 T\r\nlocation: /v2\r\ncontent-length: 0\r\n\r\n", seen))
    exchange = send(endpoint, Request("GET", "/v1", (("authorization", "Bearer k"),)))
    assert (exchange.status, exchange.header("location"), len(seen)) == (307, "/v2", 1)


def test_interim_responses_are_recorded(serve: Serve) -> None:
    exchange = send(serve(answer(b"HTTP/1.1 103 E\r\n\r\n" + OK + b"content-length: 0\r\n\r\n")))
    assert (exchange.status, exchange.interim) == (200, (103,))


def test_bytes_after_the_body_are_noted(serve: Serve) -> None:
    exchange = send(serve(answer(OK + b"content-length: 2\r\n\r\n{}extra")))
    assert exchange.body == b"{}"
    assert exchange.failure is None
    assert any("came after the end" in note for note in exchange.notes)


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (b"", "reset", "without an answer"),
        (OK + b"content-length: 9\r\n\r\nabc", "truncated", "(3 had)"),
        (b"SSH-2.0-OpenSSH_9\r\n", "protocol", "does not begin like HTTP"),
        (OK + b"content-length: 99999999999\r\n\r\n", "too-large", "announced"),
    ],
)
def test_bad_answers_become_failures(serve: Serve, response: bytes, kind: str, words: str) -> None:
    endpoint = serve(answer(response))
    exchange = send(endpoint)
    assert exchange.failure is not None
    assert exchange.failure.kind == kind
    assert words in exchange.failure.message
    assert endpoint.authority in exchange.failure.message


def test_what_arrived_before_a_protocol_error_is_kept(serve: Serve) -> None:
    exchange = send(serve(answer(OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n")))
    assert (exchange.status, exchange.body) == (200, b"abc")
    assert exchange.failure is not None
    assert exchange.failure.kind == "protocol"


def flood(sock: socket.socket) -> None:
    request_head(sock)
    sock.sendall(OK + b"\r\n")
    while True:  # until the client closes: then this raises
        sock.sendall(b"data: x\n\n" * 1000)


def test_an_endless_body_is_given_up(serve: Serve) -> None:
    exchange = send(serve(flood), limits=replace(QUICK, read=ReadLimits(body=100_000)))
    assert exchange.failure is not None
    assert exchange.failure.kind == "too-large"
    assert exchange.status == 200


def test_too_many_parts_are_given_up(serve: Serve) -> None:
    exchange = send(serve(flood), limits=replace(QUICK, parts=3))
    assert exchange.failure is not None
    assert exchange.failure.kind == "too-large"
    assert len(exchange.parts) == 3


def hold(start: bytes, released: threading.Event) -> Handler:
    def handle(sock: socket.socket) -> None:
        request_head(sock)
        sock.sendall(start)
        released.wait(PATIENCE)

    return handle


@pytest.mark.parametrize(
    ("start", "limits", "words"),
    [
        (b"", replace(QUICK, first_byte=0.05), "sent nothing for 0.05 s"),
        (OK + b"content-length: 5\r\n\r\nab", replace(QUICK, idle=0.05), "fell silent for 0.05 s"),
        (OK + b"content-length: 5\r\n\r\nab", replace(QUICK, total=0.05), "after 0.05 s"),
    ],
)
def test_silence_ends_in_a_timeout(serve: Serve, start: bytes, limits: Limits, words: str) -> None:
    released = threading.Event()
    exchange = send(serve(hold(start, released)), limits=limits)
    released.set()
    assert exchange.failure is not None
    assert exchange.failure.kind == "timeout"
    assert words in exchange.failure.message
    assert exchange.body == start.partition(b"\r\n\r\n")[2]


def test_a_reset_in_the_body_keeps_what_came(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = threading.Event()
    keep = client_module._Flight._keep

    def keep_and_tell(flight: client_module._Flight, at_ns: int, data: bytes) -> None:
        keep(flight, at_ns, data)
        arrived.set()

    monkeypatch.setattr(client_module._Flight, "_keep", keep_and_tell)

    def handle(sock: socket.socket) -> None:
        request_head(sock)
        sock.sendall(OK + b"content-length: 5\r\n\r\nab")
        assert arrived.wait(PATIENCE)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close with a reset

    exchange = send(serve(handle))
    assert exchange.failure is not None
    assert exchange.failure.kind == "reset"
    assert "in the middle of its answer" in exchange.failure.message
    assert exchange.body == b"ab"


def test_an_early_answer_is_read_although_the_body_was_not_taken(serve: Serve) -> None:
    def refuse(sock: socket.socket) -> None:
        request_head(sock)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}")

    endpoint = serve(refuse)
    for chunked in (False, True):
        headers = (("transfer-encoding", "chunked"),) if chunked else ()
        exchange = send(endpoint, Request("POST", "/v1/x", headers, b"x" * 20_000_000))
        assert (exchange.status, exchange.body, exchange.failure) == (413, b"{}", None)


def test_a_server_that_closes_while_we_send_is_a_reset(serve: Serve) -> None:
    def close(sock: socket.socket) -> None:
        request_head(sock)

    exchange = send(serve(close), Request("POST", "/v1/x", (), b"x" * 20_000_000))
    assert exchange.failure is not None
    assert exchange.failure.kind == "reset"


@pytest.mark.parametrize("stop_after", [0, 10])
def test_an_exchange_is_cut_on_purpose(serve: Serve, stop_after: int) -> None:
    exchange = Client(serve(flood), QUICK).send("cut", GET, stop_after=stop_after)
    assert exchange.cut
    assert exchange.failure is None
    assert exchange.status == 200
    assert len(exchange.body) >= stop_after


def test_an_answer_that_ends_before_the_cut_is_not_cut(serve: Serve) -> None:
    endpoint = serve(answer(OK + b"content-length: 2\r\n\r\n{}"))
    exchange = Client(endpoint, QUICK).send("cut", GET, stop_after=100)
    assert not exchange.cut


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    exchange = send(Endpoint.parse(f"http://127.0.0.1:{port}"))
    assert exchange.failure is not None
    assert exchange.failure.kind == "connect"
    assert f"127.0.0.1:{port}" in exchange.failure.message
    assert exchange.elapsed_ns == 0


def test_a_name_without_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    exchange = send(Endpoint.parse("http://no-such-host.invalid/v1"))
    assert exchange.failure is not None
    assert exchange.failure.kind == "dns"
    assert "'no-such-host.invalid' has no address" in exchange.failure.message


def test_a_name_look_up_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(PATIENCE) and [])
    exchange = send(Endpoint.parse("http://slow.invalid"), limits=replace(QUICK, connect=0.05))
    released.set()
    assert exchange.failure is not None
    assert (exchange.failure.kind, "longer than 0.05 s" in exchange.failure.message) == ("dns", True)


# -- TLS -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is not installed, so no certificate can be made")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        [openssl, *options.split(), *names],
        check=True,
        capture_output=True,
        timeout=30,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


def tls_answer(sock: socket.socket) -> None:
    request_head(sock)
    sock.sendall(OK + b"content-length: 100000\r\n\r\n" + b"x" * 100_000)


def test_https(
    serve: Serve, certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    exchange = send(serve(tls_answer, tls=context))
    assert exchange.failure is None
    assert (exchange.status, len(exchange.body)) == (200, 100_000)


def test_a_certificate_that_is_not_trusted(
    serve: Serve, certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    exchange = send(serve(tls_answer, tls=certificate[1]))
    assert exchange.failure is not None
    assert exchange.failure.kind == "tls"
    assert "self-signed certificate" in exchange.failure.message
    assert "SSL_CERT_FILE" in exchange.failure.message


def test_a_certificate_for_another_name(
    serve: Serve, certificate: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, context = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    exchange = send(replace(serve(tls_answer, tls=context), host="127.0.0.1"))
    assert exchange.failure is not None
    assert exchange.failure.kind == "tls"
    assert "127.0.0.1" in exchange.failure.message


def test_https_to_a_port_without_tls(serve: Serve) -> None:
    endpoint = replace(serve(lambda sock: sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")), scheme="https")
    exchange = send(endpoint)
    assert exchange.failure is not None
    assert exchange.failure.kind == "tls"
    assert "use http://" in exchange.failure.message


def test_http_to_a_port_with_tls(serve: Serve, certificate: tuple[Path, ssl.SSLContext]) -> None:
    exchange = send(replace(serve(tls_answer, tls=certificate[1]), scheme="http"))
    assert exchange.failure is not None
    assert exchange.failure.kind in ("protocol", "reset")


# -- requests we refuse to make, base URLs, content codings ------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/a\r\nx: y", ()),
        Request("GET", "/", (("x", "a\r\nb: c"),)),
        Request("GET", "/", (("x", "\u20ac"),)),
        Request("GET", "v1/models", ()),
        Request("GET", "/a b", ()),
    ],
)
def test_a_request_that_is_none_is_our_mistake(request_: Request) -> None:
    with pytest.raises(ValueError, match="a request's"):
        send(Endpoint.parse("http://127.0.0.1:1"), request_)


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "path", "host_header"),
    [
        ("http://127.0.0.1:8000/v1", "http", "127.0.0.1", 8000, "/v1", "127.0.0.1:8000"),
        ("https://API.example.com/", "https", "api.example.com", 443, "", "api.example.com"),
        ("http://[::1]:80/a//", "http", "::1", 80, "/a", "[::1]"),
        (
            "http://b\u00fccher.example:8080",
            "http",
            "xn--bcher-kva.example",
            8080,
            "",
            "xn--bcher-kva.example:8080",
        ),
        ("http://h/m\u00f6d%20el", "http", "h", 80, "/m%C3%B6d%20el", "h"),
        ("  HTTP://h:9/v1/ ", "http", "h", 9, "/v1", "h:9"),
    ],
)
def test_base_urls(url: str, scheme: str, host: str, port: int, path: str, host_header: str) -> None:
    endpoint = Endpoint.parse(url)
    assert (endpoint.scheme, endpoint.host, endpoint.port) == (scheme, host, port)
    assert (endpoint.base_path, endpoint.host_header) == (path, host_header)
    assert Endpoint.parse(endpoint.url) == endpoint


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "empty"),
        ("127.0.0.1:8000/v1", "did you mean http://127.0.0.1:8000/v1?"),
        ("localhost:8000/v1", "did you mean http://localhost:8000/v1?"),
        ("api.example.com/v1", "did you mean https://api.example.com/v1?"),
        ("//api.example.com", "did you mean https://api.example.com?"),
        ("ftp://h/v1", "scheme 'ftp'"),
        ("http:///v1", "names no host"),
        ("http://h:0/", "port 0"),
        ("http://h:99999/", "is not a URL"),
        ("http://h:x/", "is not a URL"),
        ("http://[::1", "is not a URL"),
        ("http://h/v1?key=sk-1", "a query or a fragment"),
        ("http://h/v1#a", "a query or a fragment"),
        ("http://h/a b", "a space"),
        ("http://" + "a" * 70 + ".example", "cannot be a domain name"),
    ],
)
def test_bad_base_urls_say_what_to_write(url: str, words: str) -> None:
    with pytest.raises(BadBaseUrl) as caught:
        Endpoint.parse(url)
    assert words in str(caught.value)
    assert "sk-1" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://me:s3cret@h/v1", "me:s3cret@h/v1"])
def test_a_password_in_a_base_url_is_refused_unseen(url: str) -> None:
    with pytest.raises(BadBaseUrl) as caught:
        Endpoint.parse(url)
    assert "user name" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_content_removes_gzip_and_refuses_what_is_not(serve: Serve) -> None:
    data = gzip.compress(b"hello")
    head = OK + b"content-encoding: GZIP\r\n\r\n"
    first = send(serve(answer(head + data)))
    assert (first.body, first.content) == (data, b"hello")
    for body, words in (
        (b"hello", "is not gzip"),
        (data[:-3], "ends before"),
        (gzip.compress(b"x" * 10**8), "more"),
    ):
        with pytest.raises(ContentError, match=words):
            _ = replace(first, parts=(replace(first.parts[0], data=body),)).content
    with pytest.raises(ContentError, match="'br'"):
        _ = replace(first, headers=(("content-encoding", "br"),)).content
