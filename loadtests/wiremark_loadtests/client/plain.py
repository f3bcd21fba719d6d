"""A connection over plain TCP, read in gevent's hub.

What arrives is collected with the kernel's stamps and taken apart when the response may be whole; the user's
greenlet sleeps until it is.
"""

from __future__ import annotations

import errno
import socket as stdlib_socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent  # type: ignore[import-untyped]
from gevent import monkey, socket

from wiremark_loadtests.client import receiver, stamps
from wiremark_loadtests.client.conduct import SLOW_READ, SLOW_WINDOW, STEADY, Conduct, HungUp
from wiremark_loadtests.client.wire import MAX_RESPONSE, ResponseReader, WireError, endless

READ = 65536
_POLLIN = 1
# What ends a chunked body, trailers or not, ends with this, and so may a read in the middle of one. A
# read too short to show it may hold the rest of it.
_END = b"\r\n\r\n"

_CLOCK = stamps.KernelClock()
_PlainSocket: type[stdlib_socket.socket] = monkey.get_original("socket", "socket")


class PlainLink:
    """One open connection."""

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
        # Of each read that was not yet taken apart. Not one list of triples, which every garbage collection
        # would have to look at.
        self._data: list[bytes] = []
        self._told: list[bytes] = []  # the kernel's stamps
        self._seen: list[int] = []
        self._defers = False  # inside a chunked body: only its end is of interest
        self._is_spoiled = False
        self._sent_ns = self._seen_ns = self._size = 0
        self._conduct = STEADY
        self._reads_left: int | None = None
        self._timer: Any = None  # looks for silence
        self._resting: Any = None  # the timer of a slow reader's pause
        self._is_readable = _asker(self._socket)
        self._receiver.watch(self._socket.fileno(), self._on_readable)

    def exchange(self, request: bytes, response: ResponseReader, silence: float, conduct: Conduct) -> None:
        self._response, self._failure, self._defers = response, None, False
        self._size = 0
        self._behave(conduct)
        response.sent_ns = self._sent_ns = self._seen_ns = time.monotonic_ns()
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
            if self._data:  # the greenlet was killed, or the response was given up
                with suppress(WireError):
                    self._digest(response)
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
        rest: bytes | memoryview = request
        while self._response is not None:
            try:
                count = self._socket.send(rest)
                if count == len(rest):
                    return
                rest = memoryview(rest)[count:]
            except BlockingIOError:
                socket.wait_write(self._socket.fileno(), timeout=silence, timeout_exc=TimeoutError())
            except (BrokenPipeError, ConnectionResetError):
                return  # it may have answered before it closed: reading tells

    def _on_readable(self) -> None:
        """In the hub: keep what arrived, with its times; as little as possible for each chunk."""
        try:
            data, ancillary, _, _ = self._socket.recvmsg(
                READ if self._conduct.read_rate is None else SLOW_READ, stamps.ANCILLARY
            )
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
            return
        self._seen_ns = seen_ns = time.monotonic_ns()
        self._size += len(data)
        if self._size > MAX_RESPONSE:
            self._end(endless())
            return
        self._data.append(data)
        self._told.append(ancillary[0][2] if ancillary else b"")
        self._seen.append(seen_ns)
        if self._conduct is not STEADY and self._is_to_leave(len(data)):
            self._defers = False
        if self._defers and len(data) >= len(_END) and not data.endswith(_END):
            return
        try:
            if self._digest(self._response):
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

    def _digest(self, response: ResponseReader | None) -> bool:
        """Feed the response what was collected; whether it is complete."""
        data, told, seen = self._data, self._told, self._seen
        self._data, self._told, self._seen = [], [], []
        if response is None:
            raise ConnectionResetError(errno.ECONNRESET, "bytes that nobody asked for")
        arrivals, lags = _CLOCK.arrivals(told, seen, self._sent_ns)
        response.lags_ns += lags
        complete = response.feed_all(arrivals, data)
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
        return self._is_spoiled or self._is_readable()

    def close(self) -> None:
        for timer in (self._timer, self._resting):
            if timer is not None:
                timer.close()
        self._timer = self._resting = None
        self._receiver.forget(self._socket.fileno())
        self._socket.close()


def _asker(connected: stdlib_socket.socket) -> Callable[[], bool]:
    """A function that says whether there is something to read, be it the end."""
    try:
        poll = monkey.get_original("select", "poll")()
    except AttributeError:  # not everywhere

        def peek() -> bool:
            try:
                connected.recv(1, stdlib_socket.MSG_PEEK)
            except BlockingIOError:
                return False
            except OSError:
                return True
            return True

        return peek
    poll.register(connected.fileno(), _POLLIN)
    return lambda: bool(poll.poll(0))  # a quarter of what it takes to be told no by an exception
