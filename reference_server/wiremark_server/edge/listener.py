"""uvicorn with the connections of this server, and with an end that lets answers end first."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from wiremark_server.edge.connection import Connection
from wiremark_server.edge.front import Front

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_CUT_SECONDS = 1  # for answers that are left when the time to drain is over
_KEEP_ALIVE_SECONDS = 75


class Listener(uvicorn.Server):
    """uvicorn without its habit of raising the signal again after a clean end, which would spoil the code."""

    def __init__(self, front: Front, ready: Callable[[], None], drain: float) -> None:
        """ready: called when connections are accepted; drain: seconds that answers in flight may take"""
        super().__init__(
            uvicorn.Config(
                front,
                interface="asgi3",
                loop="none",
                http=Connection,
                ws="none",
                lifespan="off",
                access_log=False,
                server_header=False,
                date_header=True,
                proxy_headers=False,
                log_config=None,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_CUT_SECONDS,
            )
        )
        self._front = front
        self._ready = ready
        self._drain_seconds = drain
        self._draining: asyncio.Task[None] | None = None

    def handle_exit(self, number: int, frame: FrameType | None) -> None:
        """The first signal lets answers in flight end, while new requests are refused; the next does not."""
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        else:
            super().handle_exit(number, frame)

    async def _drain(self) -> None:
        self._front.draining = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds):
                await self._front.drained()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)
