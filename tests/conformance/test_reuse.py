"""Two requests on one connection: what comes second is read as off a connection of its own, or made anew."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
from wiremark_conformance.client import Client, Endpoint, Limits
from wiremark_conformance.exchange import Request

from tests.conformance.test_client import Serve, Server

QUICK = Limits(linger=0.05, idle=0.2)
FIRST = Request("POST", "/v1/chat/completions", (("content-type", "application/json"),), b"{}")
SECOND = Request("GET", "/v1/models", (), after=FIRST)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none"
MODELS = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nmodels"

Answer = Callable[[socket.socket], None]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Server] = []

    def start(*handlers: Answer) -> Endpoint:
        servers.append(Server(handlers, None))
        return Endpoint.parse(f"http://localhost:{servers[-1].listener.getsockname()[1]}/v1")

    yield start
    for server in servers:
        server.stop()


def _asked(sock: socket.socket) -> bytes:
    """One request, its head and the two bytes of its body if it is the first."""
    data = b""
    while b"\r\n\r\n" not in data or (data.startswith(b"POST") and not data.endswith(b"{}")):
        part = sock.recv(4096)
        if not part:
            break
        data += part
    return data


def _answers(*answers: bytes) -> Answer:
    """One connection on which each request gets the next of these, and which then ends."""

    def handler(sock: socket.socket) -> None:
        for answer in answers:
            if _asked(sock):
                sock.sendall(answer)

    return handler


def _waits(answer: bytes) -> Answer:
    """A connection on which nothing more is said after an answer."""

    def handler(sock: socket.socket) -> None:
        _asked(sock)
        sock.sendall(answer)
        sock.recv(1)

    return handler


def test_what_comes_second_is_read_from_the_same_connection(serve: Serve) -> None:
    exchange = Client(serve(_answers(ANSWER, MODELS), _answers(b"")), QUICK).send("x", SECOND)
    assert (exchange.status, exchange.body, exchange.failure) == (200, b"models", None)
    assert ("connection", "close") in exchange.request.headers


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nConnection: Close\r\n\r\none",  # says that it ends
        b"HTTP/1.1 200 OK\r\n\r\none",  # ends with its connection
        b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\none",  # keeps none
        ANSWER,  # ends without a word, as any connection may
    ],
)
def test_after_a_connection_that_ended_it_is_asked_anew(serve: Serve, first: bytes) -> None:
    exchange = Client(serve(_answers(first), _answers(MODELS)), QUICK).send("x", SECOND)
    assert (exchange.status, exchange.body, exchange.failure) == (200, b"models", None)


def test_a_body_that_nobody_read_spoils_what_follows(serve: Serve) -> None:
    refused = b"HTTP/1.1 501 Not Implemented\r\ncontent-length: 0\r\n\r\n"
    exchange = Client(serve(_answers(ANSWER, refused)), QUICK).send("x", SECOND)
    assert exchange.status == 501


def test_bytes_after_the_first_answer_stand_before_the_second(serve: Serve) -> None:
    exchange = Client(serve(_answers(ANSWER + b"{}\r\n", MODELS)), QUICK).send("x", SECOND)
    assert exchange.failure is not None
    assert exchange.failure.kind == "protocol"


def test_a_stream_without_an_end_is_told(serve: Serve) -> None:
    unended = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"
    exchange = Client(serve(_waits(unended)), QUICK).send("x", SECOND)
    assert exchange.failure is not None
    assert exchange.failure.kind == "truncated"
    assert exchange.failure.message.startswith("the POST before it on the connection: ")
