"""One HTTP/1.1 connection, with bounds on what may come and how slowly.

A head may have HEAD_BYTES and HEAD_FIELDS, else it is a 431 (the gateway, which knows in whose form to
refuse, reads no more than half of that). A head has HEAD_SECONDS to arrive, and a body BODY_SECONDS and a
second more for each BODY_RATE bytes of it, else it is a 408; a connection on which nothing is said for
HEAD_SECONDS, or for as long as connections are kept after an answer, is closed without a word.

uvicorn listens, counts connections and ends them; its own protocol has no such bounds, starts a task and a
timer for each request and looks at each header of an answer several times. Here one task serves the requests
of a connection in turn, and one timer is set again only when it has run out.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from wiremark_server.edge.deadline import Deadline
from wiremark_server.edge.exchange import HIGH_WATER, Exchange
from wiremark_server.edge.handler import log_fault
from wiremark_server.edge.message import Scope
from wiremark_server.edge.refusal import HEAD_BYTES, HEAD_FIELDS, refusal

HEAD_SECONDS = 20.0
BODY_SECONDS = 30.0
BODY_RATE = 16 * 1024

_ASGI = {"version": "3.0", "spec_version": "2.3"}


class _Refused(Exception):  # noqa: N818 - leaves the parser, whose caller answers
    """The request is refused before it reaches the gateway."""


class Connection(asyncio.Protocol):
    """What uvicorn makes for each connection that it accepts."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - uvicorn's signature; there is no lifespan
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self._application = config.loaded_app
        self._kept_seconds = config.timeout_keep_alive
        self._server = server_state
        self._loop = _loop or asyncio.get_event_loop()
        self._parser = httptools.HttpRequestParser(self)
        # An answer to the first of several requests that were sent at once may be the last that is wanted.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        # the socket
        self._transport: asyncio.Transport
        self.write: Callable[[bytes], None]
        self._addresses: dict[str, Any] = {}
        self._reading = True
        self.crowded = False
        self._writable = asyncio.Event()
        # the request that is coming
        self._heading = False  # it has begun and its head is not complete
        self._awaiting = False  # its head was complete and its body is not
        self._received = 0  # bytes of an incomplete head, or of an incomplete body
        self._status = 400
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._expects = False
        # the requests that have come
        self._newest: Exchange | None = None
        self._waiting: deque[Exchange] = deque()  # to be answered, the first of them now
        self._task: asyncio.Task[None] | None = None
        self._turn: asyncio.Future[None] | None = None  # the task waits for a request
        # the time
        self._began = self._loop.time()
        self._deadline = Deadline(self._loop, self._late)

    # -- the socket ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.write = self._transport.write
        self._server.connections.add(self)  # type: ignore[arg-type]
        self._addresses = {
            "server": transport.get_extra_info("sockname"),
            "client": transport.get_extra_info("peername"),
        }
        self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._server.connections.discard(self)
        self._deadline.stop()
        del self._parser, self._deadline  # which refer to this object, so that nothing else would free it
        self._newest = None
        for exchange in self._waiting:
            exchange.lose()
        self.resume_writing()
        self._call()

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nothing else is spoken here, so the request is answered as it is
        except httptools.HttpParserError:
            self._refuse(self._status)
            return
        if self._heading:
            if self._received > HEAD_BYTES:
                self._refuse(431)
            else:
                self._wait(HEAD_SECONDS)
        elif self._awaiting:
            self._wait(BODY_SECONDS + self._received / BODY_RATE)

    def eof_received(self) -> None:
        """The transport closes itself."""

    def pause_writing(self) -> None:
        self.crowded = True
        self._writable.clear()

    def resume_writing(self) -> None:
        self.crowded = False
        self._writable.set()

    def resume_reading(self) -> None:
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()

    def _pause_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._transport.pause_reading()

    def shutdown(self) -> None:
        """The server ends: what is being answered is answered, and then the connection is closed."""
        if self._newest is None or self._newest.complete:
            self._transport.close()
        else:
            self._newest.keep = False

    # -- the request that is coming: called by the parser --------------------------------------------

    def on_message_begin(self) -> None:
        self._heading = True
        self._began = self._loop.time()
        self._url = b""
        self._headers = []
        self._expects = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self._expects = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        fields = self._headers
        if len(fields) > HEAD_FIELDS or (
            self._received > HEAD_BYTES
            and len(self._url) + sum(len(name) + len(value) for name, value in fields) > HEAD_BYTES
        ):
            self._status = 431
            raise _Refused
        self._heading, self._awaiting = False, True
        self._received = 0
        self._began = self._loop.time()
        self._deadline.lift()
        version: str = self._parser.get_http_version()
        keeps = version != "1.0" and self._parser.should_keep_alive()
        self._take(Exchange(self, self._scope(version, fields), keep=keeps, expects=self._expects))

    def on_body(self, body: bytes) -> None:
        exchange = self._newest
        if exchange is not None and not exchange.complete:
            exchange.put(body)
            if exchange.waiting > HIGH_WATER:
                self._pause_reading()

    def on_message_complete(self) -> None:
        self._awaiting = False
        self._received = 0
        self._deadline.lift()
        if self._newest is not None:
            self._newest.end()
            if self._newest.complete:
                self._idle()

    def _scope(self, version: str, headers: list[tuple[bytes, bytes]]) -> Scope:
        url = httptools.parse_url(self._url)
        raw: bytes = url.path
        path = raw.decode("ascii")
        return {
            "type": "http",
            "asgi": _ASGI,
            "http_version": version,
            "scheme": "http",
            "root_path": "",
            "method": self._parser.get_method().decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": raw,
            "query_string": url.query or b"",
            "headers": headers,
            **self._addresses,
        }

    # -- the requests that have come -----------------------------------------------------------------

    def _take(self, exchange: Exchange) -> None:
        self._newest = exchange
        self._waiting.append(exchange)
        if len(self._waiting) > 1:
            self._pause_reading()
        elif self._task is None:
            self._task = self._loop.create_task(self._serve())
            self._server.tasks.add(self._task)
        else:
            self._call()

    def _call(self) -> None:
        if self._turn is not None and not self._turn.done():
            self._turn.set_result(None)

    async def _serve(self) -> None:
        """Answer every request of the connection, one after the other."""
        waiting, transport = self._waiting, self._transport
        try:
            while not transport.is_closing():
                if waiting:
                    await self._answer(waiting[0])
                    waiting.popleft()
                else:
                    self._turn = self._loop.create_future()
                    await self._turn
        finally:
            transport.close()
            self._server.tasks.discard(cast("asyncio.Task[None]", self._task))

    async def _answer(self, exchange: Exchange) -> None:
        try:
            await self._application(exchange.scope, exchange.receive, exchange.send)
        except Exception as error:  # noqa: BLE001 - the one boundary of a connection
            log_fault(error, "connection")
        if not (exchange.complete or exchange.gone):
            if exchange.begun:
                exchange.cut()
            else:
                self.write(refusal(500))
            self._transport.close()  # so that the client sees that something is missing

    async def drain(self) -> None:
        await self._writable.wait()

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]:
        """The date, which uvicorn writes once a second."""
        return self._server.default_headers

    def answered(self, exchange: Exchange) -> None:
        self._server.total_requests += 1
        if not exchange.keep:
            self._transport.close()
            return
        self.resume_reading()
        if exchange is self._newest and not self._awaiting and not self._heading:
            self._idle()

    # -- the time ------------------------------------------------------------------------------------

    def _idle(self) -> None:
        """There is nothing to do until the next request."""
        self._began = self._loop.time()
        self._wait(self._kept_seconds)

    def _wait(self, seconds: float) -> None:
        """Allow so much time since the request, or its body, or the connection began."""
        self._deadline.set(self._began + seconds)

    def _late(self) -> None:
        if len(self._waiting) > 1 or not self._reading:  # it is not the client that is slow
            self._deadline.set(self._loop.time() + 1.0)
        elif not (self._heading or self._awaiting) or self._answering_early():
            self._transport.close()
        else:
            self._refuse(408)

    def _answering_early(self) -> bool:
        """The answer has begun although the body is not complete."""
        return self._awaiting and self._newest is not None and self._newest.begun

    def _refuse(self, status: int) -> None:
        self._deadline.stop()
        newest = self._newest
        earlier = newest is not None and not newest.complete and not self._awaiting
        if (
            not earlier and not self._answering_early()
        ):  # else the words would stand in the middle of an answer
            self.write(refusal(status))
        if newest is not None and self._awaiting:
            newest.lose()  # whoever is answering has nobody to answer any more
        self._heading = self._awaiting = False
        self._transport.close()
