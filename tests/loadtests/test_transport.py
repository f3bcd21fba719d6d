"""The connection of a user, against real sockets."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from wiremark_loadtests.client.transport import Connection, TransportError
from wiremark_loadtests.client.wire import ResponseReader, post

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
REQUEST = post("/", "h", "", b"{}")
Serve = Callable[..., int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that plays one script per connection: the bytes to send for each request, None hangs."""
    with contextlib.ExitStack() as stack:
        threads: list[threading.Thread] = []

        def start(*connections: list[bytes | None]) -> int:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            listener.settimeout(5)
            thread = threading.Thread(target=_play, args=(listener, connections))
            thread.start()
            threads.append(thread)
            port: int = listener.getsockname()[1]
            return port

        yield start
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()


def _play(listener: socket.socket, connections: tuple[list[bytes | None], ...]) -> None:
    for script in connections:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(5)
            for answer in script:
                peer.recv(65536)
                if answer is None:
                    peer.recv(65536)  # until the client gives up
                else:
                    peer.sendall(answer)


@contextlib.contextmanager
def _connected(port: int, silence: float = 5.0, *, kernel: bool = True) -> Iterator[Connection]:
    connection = Connection("127.0.0.1", port, tls=False, silence=silence, kernel_stamps=kernel)
    try:
        connection.connect()
        yield connection
    finally:
        connection.close()


@pytest.mark.parametrize("kernel", [True, False])
def test_one_connection_serves_many_requests_and_stamps_them(serve: Serve, kernel: bool) -> None:
    with _connected(serve([ANSWER, ANSWER]), kernel=kernel) as connection:
        for _ in range(2):
            connection.connect()
            before, reader = time.monotonic_ns(), ResponseReader()
            connection.exchange(REQUEST, reader)
            ((at_ns, body),) = reader.parts
            assert body == b"ok"
            # A kernel stamp passes through two clocks that are read one after the other.
            assert before - 1_000_000 <= at_ns <= time.monotonic_ns() + 1_000_000


def test_an_idle_connection_that_the_server_closed_is_replaced(serve: Serve) -> None:
    with _connected(serve([ANSWER], [ANSWER])) as connection:
        connection.exchange(REQUEST, ResponseReader())
        deadline = time.monotonic() + 5
        while not connection._gone_stale() and time.monotonic() < deadline:
            pass
        connection.connect()
        reader = ResponseReader()
        connection.exchange(REQUEST, reader)
        assert reader.body == b"ok"


def test_a_connection_that_is_to_close_is_not_used_again(serve: Serve) -> None:
    closing = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok"
    with _connected(serve([closing], [ANSWER])) as connection:
        for _ in range(2):
            connection.connect()
            connection.exchange(REQUEST, ResponseReader())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", "truncated"),
        (b"hello\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200", "truncated"),
    ],
)
def test_a_broken_response_is_told_by_kind(serve: Serve, answer: bytes, kind: str) -> None:
    with _connected(serve([answer])) as connection:
        with pytest.raises(TransportError) as caught:
            connection.exchange(REQUEST, ResponseReader())
        assert caught.value.kind == kind


def test_silence_is_given_up(serve: Serve) -> None:
    with _connected(serve([None]), silence=0.05) as connection:
        with pytest.raises(TransportError, match=r"no byte arrived for 0\.05 s") as caught:
            connection.exchange(REQUEST, ResponseReader())
        assert caught.value.kind == "timeout"


def test_nobody_listening_is_a_connect_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(TransportError) as caught, _connected(port):
        pass
    assert caught.value.kind == "connect"


def test_speaking_tls_to_a_plain_server_is_a_tls_error(serve: Serve) -> None:
    connection = Connection("127.0.0.1", serve([b"HTTP/1.1 400 Bad\r\n\r\n"]), tls=True, silence=1)
    with pytest.raises(TransportError) as caught:
        connection.connect()
    assert caught.value.kind == "tls"


def test_a_failed_connection_can_be_tried_again(serve: Serve) -> None:
    with _connected(serve([b"junk\r\n\r\n"], [ANSWER])) as connection:
        with pytest.raises(TransportError):
            connection.exchange(REQUEST, ResponseReader())
        connection.connect()
        reader = ResponseReader()
        connection.exchange(REQUEST, reader)
        assert reader.body == b"ok"
