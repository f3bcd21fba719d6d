"""Connections of clients that send too much, too slowly, nothing at all, or no HTTP."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from wiremark_schemas import registry
from wiremark_server.edge import connection
from wiremark_server.edge.connection import Connection
from wiremark_server.edge.refusal import HEAD_BYTES, HEAD_FIELDS

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
Serve = Callable[[], int]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body when all of it is there; told to, in pieces of unknown length."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = b"%d" % size
    if scope["query_string"] == b"pieces":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for piece in (b"size ", body):
            await send({"type": "http.response.body", "body": piece, "more_body": piece is not body})
        return
    headers = [(b"content-length", b"%d" % len(body)), (b"x-path", scope["raw_path"])]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server of these connections in a thread; gives its port."""
    running: list[tuple[_Server, threading.Thread]] = []

    def start() -> int:
        bound = socket.create_server(("127.0.0.1", 0), backlog=2048)
        options: dict[str, Any] = {"http": Connection, "ws": "none", "lifespan": "off"}
        config = uvicorn.Config(echo, access_log=False, log_config=None, timeout_keep_alive=60, **options)
        server = _Server(config)
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        running.append((server, thread))
        return int(bound.getsockname()[1])

    yield start
    for server, thread in running:
        server.should_exit = server.force_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that wait for next to nothing."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.05)
    monkeypatch.setattr(connection, "BODY_SECONDS", 0.05)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def rest(client: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionResetError):  # when more was sent than was read
        while part := client.recv(65_536):
            received += part
    return received


def refusal(received: bytes) -> tuple[int, str]:
    """Status and code; the body is an error that clients of OpenAI and Anthropic can read."""
    head, _, body = received.partition(b"\r\n\r\n")
    document = json.loads(body)
    assert registry.validator("openai/error").is_valid({"error": document["error"]})
    assert registry.validator("anthropic/error").is_valid(document)
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), document["error"]["code"]


def send(client: socket.socket, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it need not be read to the end
        client.sendall(data)


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"x: " + b"a" * (HEAD_BYTES + 1) + b"\r\n\r\n",
        HEAD + b"x: " + b"a" * (HEAD_BYTES + 1),  # and never an end
        HEAD + b"".join(b"x-%d: y\r\n" % number for number in range(HEAD_FIELDS + 1)) + b"\r\n",
        b"GET /" + b"a" * (HEAD_BYTES + 1) + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
    ids=["one field", "one field without an end", "many fields", "target"],
)
def test_a_head_that_is_too_large_is_431(serve: Serve, head: bytes) -> None:
    with connect(serve()) as client:
        send(client, head)
        assert refusal(rest(client)) == (431, "headers_too_large")


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"no http at all\r\n\r\n",
        HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\n",
        HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["TLS", "version", "words", "two lengths", "length and chunks", "a chunk without a size"],
)
def test_what_is_no_http_is_400(serve: Serve, said: bytes) -> None:
    with connect(serve()) as client:
        send(client, said)
        assert refusal(rest(client)) == (400, "malformed_http")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("said", [b"POST /v1", HEAD, HEAD + b"x"], ids=["line", "head", "field"])
def test_a_head_that_does_not_end_is_408(serve: Serve, said: bytes) -> None:
    with connect(serve()) as client:
        client.sendall(said)
        assert refusal(rest(client)) == (408, "request_timeout")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "said",
    [HEAD + b"content-length: 9\r\n\r\n{", HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n"],
    ids=["length", "chunks"],
)
def test_a_body_that_does_not_end_is_408(serve: Serve, said: bytes) -> None:
    with connect(serve()) as client:
        client.sendall(said)
        assert refusal(rest(client)) == (408, "request_timeout")


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("said", [b"", b"\r\n"], ids=["nothing", "an empty line"])
def test_who_says_nothing_is_left_without_a_word(serve: Serve, said: bytes) -> None:
    with connect(serve()) as client:
        client.sendall(said)
        assert rest(client) == b""


@pytest.mark.usefixtures("hasty")
def test_dribbling_does_not_buy_time(serve: Serve) -> None:
    """A byte now and then keeps neither a head nor a body open."""
    for said in (b"POST /v1 HTTP/1.1\r\nx: ", HEAD + b"content-length: 1000000000\r\n\r\n"):
        with connect(serve()) as client:
            client.sendall(said)
            client.settimeout(0.001)
            received = None
            while received is None:
                send(client, b"a")
                with contextlib.suppress(TimeoutError):
                    received = client.recv(65_536)
            client.settimeout(20)
            assert b" 408 " in (received + rest(client))[:40]


def test_requests_in_pieces_and_one_after_the_other_are_answered(serve: Serve) -> None:
    with connect(serve()) as client:
        for size in (0, 1, 70_000):
            head = HEAD + b"content-length: %d\r\n\r\n" % size
            for at in range(0, len(head), 7):
                client.sendall(head[at : at + 7])
            client.sendall(b"a" * size)
            received = b""
            while not received.endswith(b"\r\n\r\n%d" % size):
                received += client.recv(65_536)
            assert b" 200 " in received
        client.sendall((HEAD + b"content-length: 1\r\n\r\na") * 5)
        received = b""
        while received.count(b"\r\n\r\n1") < 5:
            received += client.recv(65_536)


@pytest.mark.parametrize(
    ("version", "framing", "body"),
    [
        (b"1.1", b"transfer-encoding: chunked", b"5\r\nsize \r\n1\r\n0\r\n0\r\n\r\n"),
        (b"1.0", b"connection: close", b"size 0"),
    ],
)
def test_pieces_are_chunks_where_the_client_knows_chunks(
    serve: Serve, version: bytes, framing: bytes, body: bytes
) -> None:
    with connect(serve()) as client:
        client.sendall(b"GET /?pieces HTTP/%b\r\nconnection: close\r\n\r\n" % version)
        head, _, received = rest(client).partition(b"\r\n\r\n")
    assert framing in head.lower()
    assert (b"transfer-encoding" in head.lower()) == (version == b"1.1")
    assert received == body
