"""Tells who has something to read, from gevent's hub and without switching greenlets.

A greenlet switch for every chunk of every stream costs more than reading the chunk. So sockets are
watched by one epoll of our own, and gevent's loop watches that epoll: one callback of the loop serves
all that became readable meanwhile. Where there is no epoll, each socket is watched by the loop itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import gevent  # type: ignore[import-untyped]
from gevent import monkey

_READ = 1  # of libev
_EPOLLIN = 1
_BATCH = 256  # sockets served before others of the loop have their turn

Callback = Callable[[], None]


class Receiver(Protocol):
    """Calls back, in the hub, as long as a descriptor is readable. A callback must not raise or block."""

    def watch(self, descriptor: int, callback: Callback) -> None: ...

    def forget(self, descriptor: int) -> None: ...

    def after(self, callback: Callback) -> None:
        """Call back when the sockets that are readable now have been read."""


class EpollReceiver:
    """All descriptors in one epoll, which the loop watches."""

    def __init__(self, loop: Any, new_epoll: Callable[[], Any]) -> None:
        self._epoll = new_epoll()
        self._callbacks: dict[int, Callback] = {}
        self._loop = loop
        self._watcher = loop.io(self._epoll.fileno(), _READ)
        self._later: list[Callback] | None = None  # while sockets are read

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
        if self._later is None:
            self._loop.run_callback(callback)
        else:
            self._later.append(callback)

    def _ready(self) -> None:
        callbacks = self._callbacks
        later: list[Callback] = []
        self._later = later
        for descriptor, _ in self._epoll.poll(0, _BATCH):
            callbacks[descriptor]()
        self._later = None
        for callback in later:
            callback()


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
