"""An ASGI application spoken to without a socket: what it sends becomes HTTP/1.1 bytes, read as off a wire.

The bytes are framed as a server frames them: by content-length where the application gives one, in chunks
otherwise. An application that means its connection to end says so in a message of the extension
`wiremark.cut`; one that raises, or that returns without an end, is a broken trial and no bad answer. Time
that it means to let pass is a message of `wiremark.pause`, and nobody waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import responses
from typing import Any

from wiremark_conformance import arrival
from wiremark_conformance.exchange import Exchange, Request

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Coroutine[Any, Any, None]]

_BODY_PART = 256 * 1024
_NO_BODY = frozenset({204, 304})
# ASGI extensions, each the type of its message: the connection ends here, and this is meant; time passes.
_CUT, _PAUSE = "wiremark.cut", "wiremark.pause"


@dataclass
class AsgiSender:
    """Sends requests to `application`; `run` waits for a coroutine on the application's own event loop.

    One request at a time: `run` is entered by whoever calls `send`.

    broken: what the application did that no server means to do, as sentences; what it answered means nothing
    """

    application: Application
    run: Callable[[Coroutine[Any, Any, None]], None]
    origin: str
    broken: list[str] = field(default_factory=list)

    def send(self, probe: str, request: Request) -> Exchange:
        """The exchange, as `client.Client.send` would give it. Never raises for what the application does."""
        started = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = _Line(request)
        try:
            self.run(line.call(self.application))
            if not line.ended:
                self.broken.append(f"{request.method} {request.target} was left without an end")
        except Exception as error:  # noqa: BLE001 - others are under way on the same loop, so it is kept
            self.broken.append(f"{type(error).__name__}: {error}")
        return line.exchange(probe, self.origin, started)


@dataclass
class _Line:
    """One request under way, and the bytes that come back with their times."""

    request: Request
    arrived: list[tuple[int, bytes]] = field(default_factory=list)
    chunked: bool = False
    bodiless: bool = False
    ended: bool = False
    passed_ns: int = 0

    def __post_init__(self) -> None:
        self.began = time.monotonic_ns()
        body = self.request.body
        self.waiting = [body[at : at + _BODY_PART] for at in range(0, len(body), _BODY_PART)] or [b""]

    async def call(self, application: Application) -> None:
        path, _, query = self.request.target.partition("?")
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.request.headers]
        scope: Message = {
            "type": "http",
            "http_version": "1.1",
            "method": self.request.method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": headers,
            "extensions": {_CUT: {}, _PAUSE: {}},
        }
        await application(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        if not self.waiting:  # nobody leaves in the middle here
            await asyncio.Event().wait()
        part = self.waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self.waiting)}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(message["status"], message["headers"])
            return
        if message["type"] == _CUT:
            self.ended = True
            return
        if message["type"] == _PAUSE:
            self.passed_ns += int(message["seconds"] * 1e9)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        self.ended = not more
        if body and not self.bodiless:
            self._write(b"%x\r\n%b\r\n" % (len(body), body) if self.chunked else body)
        if self.chunked and not more:
            self._write(b"0\r\n\r\n")

    def _begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.bodiless = self.request.method == "HEAD" or status in _NO_BODY
        named = {name.lower() for name, _ in headers}
        self.chunked = not self.bodiless and b"content-length" not in named
        if self.chunked:
            headers = [*headers, (b"transfer-encoding", b"chunked")]
        head = [b"HTTP/1.1 %d %b" % (status, responses.get(status, "").encode())]
        head += [b"%b: %b" % (name, value) for name, value in headers]
        self._write(b"\r\n".join([*head, b"", b""]))

    def _write(self, data: bytes) -> None:
        self.arrived.append((self._now(), data))

    def _now(self) -> int:
        """Nanoseconds since it began, those among them that only are said to have passed."""
        return time.monotonic_ns() - self.began + self.passed_ns

    def exchange(self, probe: str, origin: str, started: str) -> Exchange:
        elapsed = self._now()
        return arrival.read(
            probe, self.request, self.arrived, started=started, elapsed_ns=elapsed, origin=origin
        )
