"""Both ways of being told who is readable, with and without an epoll."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator

import gevent  # type: ignore[import-untyped]
import pytest
from gevent.event import Event  # type: ignore[import-untyped]
from wiremark_loadtests.client.receiver import EpollReceiver, LoopReceiver, Receiver, of_this_hub

MAKERS: dict[str, Callable[[], Receiver]] = {
    "epoll": lambda: EpollReceiver(gevent.get_hub().loop, select.epoll),
    "loop": lambda: LoopReceiver(gevent.get_hub().loop),
}


@pytest.fixture(params=MAKERS)
def receiver(request: pytest.FixtureRequest) -> Receiver:
    if request.param == "epoll" and not hasattr(select, "epoll"):
        pytest.skip("this system has no epoll")
    return MAKERS[request.param]()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def test_calls_back_for_everything_that_comes(
    receiver: Receiver, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    arrived: list[bytes] = []
    told = Event()

    def on_readable() -> None:
        arrived.append(ours.recv(10))
        told.set()

    receiver.watch(ours.fileno(), on_readable)
    for word in (b"one", b"two"):
        told.clear()
        theirs.send(word)
        assert told.wait(5)
    receiver.forget(ours.fileno())
    assert arrived == [b"one", b"two"]


def test_the_forgotten_is_left_alone(receiver: Receiver, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    told = Event()
    receiver.watch(ours.fileno(), told.set)
    receiver.forget(ours.fileno())
    receiver.forget(ours.fileno())  # twice is nothing to worry about
    theirs.send(b"x")
    assert not told.wait(0.01)


def test_a_hub_has_one_receiver() -> None:
    assert of_this_hub() is of_this_hub()
