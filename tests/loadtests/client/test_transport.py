"""The connection of a user, against real sockets."""

from __future__ import annotations

import contextlib
import fcntl
import socket
import termios
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent  # type: ignore[import-untyped]
import pytest
from wiremark_loadtests.client import plain, stamps
from wiremark_loadtests.client.conduct import Conduct
from wiremark_loadtests.client.transport import Connection, TransportError
from wiremark_loadtests.client.wire import ResponseReader, post

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
REQUEST = post("/", "h", "", b"{}")
Serve = Callable[..., int]


@contextlib.contextmanager
def _playing(play: Callable[[socket.socket, Any], None]) -> Iterator[Serve]:
    """A function that starts a server of its own for the script that it is given, and tells its port."""
    with contextlib.ExitStack() as stack:
        threads: list[threading.Thread] = []

        def start(*script: Any) -> int:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            listener.settimeout(5)
            thread = threading.Thread(target=play, args=(listener, script))
            thread.start()
            threads.append(thread)
            port: int = listener.getsockname()[1]
            return port

        yield start
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that plays one script per connection: the bytes to send for each request, None hangs."""
    with _playing(_play) as start:
        yield start


@pytest.fixture
def pieces() -> Iterator[Serve]:
    """Start a server that answers one request in pieces, each a segment of its own."""
    with _playing(_play_pieces) as start:
        yield start


def _play_pieces(listener: socket.socket, answer: tuple[bytes, ...]) -> None:
    peer, _ = listener.accept()
    with peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.recv(65536)
        with contextlib.suppress(ConnectionError):  # the client may hang up in the middle
            for piece in answer:
                peer.sendall(piece)
                _wait_until_acknowledged(peer)
            peer.settimeout(5)
            peer.recv(1)


def _wait_until_acknowledged(peer: socket.socket) -> None:
    """Until the other end's kernel has acknowledged everything: later bytes are another segment."""
    deadline = time.monotonic() + 5
    outstanding = b"\xff\xff\xff\xff"
    while any(outstanding) and time.monotonic() < deadline:
        outstanding = fcntl.ioctl(peer.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")


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
        while not (connection._link is None or connection._link.is_stale()) and time.monotonic() < deadline:
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


def test_silence_in_the_middle_leaves_what_had_arrived(pieces: Callable[..., int]) -> None:
    reader = ResponseReader()
    with _connected(pieces(CHUNKED, b"1\r\na\r\n", b"1\r\nb\r\n"), silence=0.2) as connection:
        with pytest.raises(TransportError) as caught:
            connection.exchange(REQUEST, reader)
        assert (caught.value.kind, reader.body) == ("timeout", b"ab")


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


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
SPLIT = {
    "one chunk a read": [CHUNKED, b"1\r\na\r\n", b"1\r\nb\r\n", b"0\r\n\r\n"],
    "the end in two": [CHUNKED, b"2\r\nab\r\n", b"0\r\n\r", b"\n"],
    "the end in many": [CHUNKED, b"2\r\nab\r\n", b"0", b"\r", b"\n", b"\r", b"\n"],
    "within a chunk": [CHUNKED + b"2\r\na", b"b\r\n0\r\n\r\n"],
    "with trailers": [CHUNKED, b"2\r\nab\r\n", b"0\r\nx-more: 1\r\n", b"\r\n"],
    "ends that are none": [CHUNKED, b"c\r\n\r\n\r\n\r\n\r\n", b"\r\n\r\n\r\n", b"2\r\nab\r\n0\r\n\r\n"],
}


@pytest.fixture(scope="module")
def stamping() -> None:
    """The kernel begins to stamp a little after it was first asked to."""
    stamps.keep_on()
    deadline = time.monotonic() + 10
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname())
        far, _ = listener.accept()
    with near, far:
        near.setsockopt(socket.SOL_SOCKET, stamps.SO_TIMESTAMPNS, 1)
        while time.monotonic() < deadline:
            far.sendall(b"x")
            if near.recvmsg(1, stamps.ANCILLARY)[1]:
                return
    pytest.fail("the kernel never stamped what it received")


@pytest.mark.usefixtures("stamping")
@pytest.mark.parametrize("kernel", [True, False])
@pytest.mark.parametrize("case", SPLIT)
def test_a_response_is_whole_wherever_its_reads_end(
    pieces: Callable[..., int], case: str, kernel: bool
) -> None:
    with _connected(pieces(*SPLIT[case]), kernel=kernel) as connection:
        reader = ResponseReader()
        connection.exchange(REQUEST, reader)
        assert reader.body.endswith(b"ab")
        assert [at_ns for at_ns, _ in reader.parts] == sorted(at_ns for at_ns, _ in reader.parts)
        assert bool(reader.lags_ns) == kernel
        assert not connection._link or not connection._link.is_stale()


def test_bytes_that_nobody_asked_for_end_the_connection(serve: Serve) -> None:
    with _connected(serve([ANSWER + b"HTTP/1.1 408 Late\r\n\r\n"])) as connection:
        with pytest.raises(TransportError, match="bytes follow the end"):
            connection.exchange(REQUEST, ResponseReader())
        assert connection._link is None


def test_an_answer_before_all_was_sent_is_read(serve: Serve) -> None:
    """A server that refuses a large body answers and closes without reading the rest."""
    refusal = b"HTTP/1.1 413 Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    with _connected(serve([refusal])) as connection:
        reader = ResponseReader()
        with contextlib.suppress(TransportError):  # the close may destroy the answer on its way
            connection.exchange(post("/", "h", "", b"x" * 50_000_000), reader)
            assert reader.status == 413
        assert connection._link is None


def test_a_user_that_is_killed_leaves_what_had_arrived(pieces: Callable[..., int]) -> None:
    reader = ResponseReader()
    with _connected(pieces(CHUNKED + b"1\r\na\r\n", b"1\r\nb\r\n")) as connection:
        user = gevent.spawn(connection.exchange, REQUEST, reader)
        deadline = time.monotonic() + 5
        while len(connection._link._data if connection._link else ()) < 1 and time.monotonic() < deadline:  # type: ignore[attr-defined]
            gevent.sleep(0.001)
        user.kill()
        assert reader.body.startswith(b"a")
        assert connection._link is None


@pytest.mark.parametrize(("cut_after", "arrived"), [(1, b""), (2, b"a"), (3, b"ab")])
def test_a_client_hangs_up_where_it_is_to(cut_after: int, arrived: bytes) -> None:
    pieces = [CHUNKED, b"1\r\na\r\n", b"1\r\nb\r\n", b"0\r\n\r\n"]
    reader = ResponseReader()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = Connection("127.0.0.1", listener.getsockname()[1], tls=False, silence=5)
        connection.connect()
        link: Any = connection._link
        user = gevent.spawn(connection.exchange, REQUEST, reader, Conduct(cut_after))
        peer, _ = listener.accept()
        with peer:
            for number in range(cut_after):  # each piece when the one before it has been read
                deadline = time.monotonic() + 5
                while link._reads_left != cut_after - number and time.monotonic() < deadline:
                    gevent.sleep(0.001)
                peer.sendall(pieces[number])
            with pytest.raises(TransportError) as caught:
                user.get(timeout=5)
    assert (caught.value.kind, reader.status, reader.body) == ("hung-up", 200, arrived)
    assert connection._link is None


@pytest.mark.parametrize(("cut_after", "received"), [(0, REQUEST), (-1, REQUEST[: len(REQUEST) // 2])])
def test_a_client_hangs_up_while_it_sends_or_right_after(cut_after: int, received: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = Connection("127.0.0.1", listener.getsockname()[1], tls=False, silence=5)
        connection.connect()
        with pytest.raises(TransportError, match="as it was to"):
            connection.exchange(REQUEST, ResponseReader(), Conduct(cut_after))
        peer, _ = listener.accept()
        with peer:
            assert peer.recv(65536) == received
            assert peer.recv(1) == b""


def test_a_slow_reader_gets_all_of_it_in_small_reads(serve: Serve) -> None:
    body = b"x" * 3000
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 3000\r\n\r\n" + body
    with _connected(serve([answer, ANSWER])) as connection:
        reader = ResponseReader()
        connection.exchange(REQUEST, reader, Conduct(read_rate=100_000))
        assert reader.body == body
        assert max(len(data) for _, data in reader.parts) <= 512
        reader = ResponseReader()
        connection.exchange(REQUEST, reader)
        assert reader.body == b"ok"


def test_a_response_that_does_not_end_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MAX_RESPONSE", 1 << 20)
    flood = (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + (b"ffff\r\n" + b"x" * 65535 + b"\r\n") * 17
    )
    with _connected(serve([flood])) as connection:
        with pytest.raises(TransportError, match="larger than") as caught:
            connection.exchange(REQUEST, ResponseReader())
        assert caught.value.kind == "protocol"
