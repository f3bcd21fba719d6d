"""Tells who has something to read, from gevent's hub and without switching greenlets.

A greenlet switch for every chunk of every stream costs more than reading the chunk. So sockets are
watched by one epoll of our own, and gevent's loop watches that epoll: one callback of the loop serves
all that became readable meanwhile. Where there is no epoll, each socket is watched by the loop itself.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import gevent  # type: ignore[import-untyped]
from gevent import monkey

_READ = 1  # of libev
_EPOLLIN = 1
_BATCH = 256  # sockets asked for at once
_TURN_NS = 1_000_000  # of greenlets that go on, until sockets are read again

Callback = Callable[[], None]


class Receiver(Protocol):
    """Calls back, in the hub, as long as a descriptor is readable. A callback must not raise or block."""

    def watch(self, descriptor: int, callback: Callback) -> None: ...

    def forget(self, descriptor: int) -> None: ...

    def after(self, callback: Callback) -> None:
        """Call back when the sockets that are readable now have been read."""


class EpollReceiver:
    """All descriptors in one epoll, which the loop watches.

    Reading goes first. When many responses end at once, what their greenlets do with them waits in a queue,
    and every millisecond of it the sockets are read again: what arrives meanwhile would else be read in one
    piece, and have one stamp.
    """

    def __init__(self, loop: Any, new_epoll: Callable[[], Any]) -> None:
        self._epoll = new_epoll()
        self._callbacks: dict[int, Callback] = {}
        self._watcher = loop.io(self._epoll.fileno(), _READ)
        self._later: deque[Callback] = deque()
        self._goes_on = False  # a turn of the loop has been asked for, or is under way
        self._next_turn = loop.timer(0.0)  # a callback would come before all timers, again and again

    def watch(self, descriptor: int, callback: Callback) -> None:
        self._epoll.register(descriptor, _EPOLLIN)
        self._callbacks[descriptor] = callback
        if len(self._callbacks) == 1:
            self._watcher.start(self._ready)

    def forget(self, descriptor: int) -> None:
        if self._callbacks.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)
            if not self._callbacks:
                self._watcher.stop()

    def after(self, callback: Callback) -> None:
        self._later.append(callback)
        if not self._goes_on:
            self._goes_on = True
            self._next_turn.start(self._ready)

    def _ready(self) -> None:
        self._goes_on = True
        callbacks = self._callbacks
        found = _BATCH
        while found == _BATCH:
            readable = self._epoll.poll(0, _BATCH)
            found = len(readable)
            for descriptor, _ in readable:
                callbacks[descriptor]()
        later, end = self._later, time.monotonic_ns() + _TURN_NS
        while later:
            later.popleft()()
            if time.monotonic_ns() >= end:
                break
        self._goes_on = bool(later)
        if later:
            self._next_turn.start(self._ready)


class LoopReceiver:
    """Each descriptor watched by the loop: for systems without epoll."""

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._watchers: dict[int, Any] = {}

    def watch(self, descriptor: int, callback: Callback) -> None:
        watcher = self._watchers[descriptor] = self._loop.io(descriptor, _READ)
        watcher.start(callback)

    def forget(self, descriptor: int) -> None:
        watcher = self._watchers.pop(descriptor, None)
        if watcher is not None:
            watcher.stop()
            watcher.close()

    def after(self, callback: Callback) -> None:
        self._loop.run_callback(callback)


_RECEIVERS: WeakKeyDictionary[Any, Receiver] = WeakKeyDictionary()


def of_this_hub() -> Receiver:
    """The receiver of the calling thread's hub, made when first asked for: after a fork, that is."""
    hub = gevent.get_hub()
    if hub not in _RECEIVERS:
        new_epoll = monkey.get_original("select", "epoll") if _has_epoll() else None
        _RECEIVERS[hub] = LoopReceiver(hub.loop) if new_epoll is None else EpollReceiver(hub.loop, new_epoll)
    return _RECEIVERS[hub]


def _has_epoll() -> bool:
    try:
        monkey.get_original("select", "epoll")  # patching takes it out of the module
    except AttributeError:
        return False
    return True
