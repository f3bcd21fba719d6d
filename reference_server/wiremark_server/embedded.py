"""A second server in a process that already has one, or a server in a thread: no signals, no words."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn

from wiremark_server.edge.connection import Connection


class EmbeddedServer(uvicorn.Server):
    """Serves an ASGI application until `should_exit` is set; `begun` is set when it listens."""

    def __init__(self, application: Any) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                loop="none",
                http=Connection,
                ws="none",
                lifespan="off",
                access_log=False,
                server_header=False,
                log_level="critical",
                log_config=None,
                timeout_graceful_shutdown=1,
            )
        )
        self.begun = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.begun.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
