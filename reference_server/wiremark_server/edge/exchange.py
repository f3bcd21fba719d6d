"""One request and its answer on a connection: what an ASGI application receives of it and sends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from wiremark_server.edge.message import Message, Scope
from wiremark_server.edge.refusal import status_line

HIGH_WATER = 64 * 1024
"""Bytes of a body that may wait to be received before nothing more is read."""

_CONTROLS = bytes(code for code in (*range(32), 127) if code not in b"\t\r\n")
_NO_BODY = (204, 304)
_GONE: Message = {"type": "http.disconnect"}


class Line(Protocol):
    """The connection, as far as an exchange needs it.

    crowded: the client reads too slowly
    """

    write: Callable[[bytes], None]
    crowded: bool

    @property
    def default_headers(self) -> list[tuple[bytes, bytes]]: ...

    async def drain(self) -> None:
        """Return when the client reads fast enough, or is gone."""
        ...

    def resume_reading(self) -> None: ...

    def answered(self, exchange: Exchange) -> None:
        """The last byte of the answer is written."""
        ...


class Exchange:
    """Two halves that know little of each other: the connection puts the body in, the application the answer.

    keep:      the connection goes on after this answer
    gone:      the client is, so that nobody reads the answer
    begun:     the application has begun to answer
    complete:  all of the answer is
    waiting:   bytes of the body that nobody has received yet
    """

    __slots__ = (
        *("_chunked", "_continue", "_event", "_head", "_left", "_line", "_parts", "_told", "_whole"),
        *("begun", "complete", "gone", "keep", "scope", "waiting"),
    )

    def __init__(self, line: Line, scope: Scope, *, keep: bool, expects: bool) -> None:
        """expects: the client sends the body once it has been told to continue"""
        self._line = line
        self.scope = scope
        self.keep = keep
        self._continue = expects
        self._parts: list[bytes] = []
        self.waiting = 0
        self._whole = False  # all of the body has come
        self._told = False  # and the application knows
        self._event: asyncio.Event | None = None
        self.gone = self.begun = self.complete = False
        self._chunked = False
        self._head = b""  # as long as it is not sent
        self._left: int | None = None  # of the bytes that content-length promised

    # -- what the connection does --------------------------------------------------------------------

    def put(self, part: bytes) -> None:
        """A part of the body has come."""
        self._parts.append(part)
        self.waiting += len(part)
        self._wake()

    def end(self) -> None:
        """The body is complete."""
        self._whole = True
        self._wake()

    def lose(self) -> None:
        """The client is gone."""
        self.gone = True
        self._wake()

    def _wake(self) -> None:
        if self._event is not None:
            self._event.set()

    def cut(self) -> None:
        """The application has ended before its answer has: what there is of it goes out."""
        self._line.write(self._head)

    # -- what the application does -------------------------------------------------------------------

    async def receive(self) -> Message:
        if self._continue:
            self._continue = False
            self._line.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not (self.gone or self.complete or self._parts or (self._whole and not self._told)):
            self._line.resume_reading()
            self._event = self._event or asyncio.Event()
            self._event.clear()
            await self._event.wait()
        if self.gone or self.complete:
            return _GONE
        parts, self._parts, self.waiting = self._parts, [], 0
        self._told = self._whole
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        return {"type": "http.request", "body": body, "more_body": not self._whole}

    async def send(self, message: Message) -> None:
        line = self._line
        if line.crowded:
            await line.drain()
        if self.gone:
            return
        if not self.begun:
            self._begin(message)
        elif self.complete:
            raise RuntimeError(f"{message['type']} after the end of the answer")
        else:
            self._go_on(message.get("body", b""), more=message.get("more_body", False))

    def _begin(self, message: Message) -> None:
        """Make the head, which goes out with the first piece of the body."""
        status: int = message["status"]
        headers = [*self._line.default_headers, *message["headers"]]
        told = dict(headers)
        length = told.get(b"content-length")
        if length is None:  # a stream, or somebody who writes names in capitals
            told = {name.lower(): value for name, value in headers}
            length = told.get(b"content-length")
        if length is not None:
            self._left = int(length)
        elif status in _NO_BODY:
            self._left = 0
        closes = b"close" in told.get(b"connection", b"").lower()
        self.keep = self.keep and not closes
        if not self.keep and not closes:
            headers.append((b"connection", b"close"))
        # HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
        if self._left is None and self.scope["method"] != "HEAD" and self.scope["http_version"] != "1.0":
            self._chunked = True
            if b"transfer-encoding" not in told:
                headers.append((b"transfer-encoding", b"chunked"))
        head = b"\r\n".join(map(b": ".join, headers))
        breaks = len(headers) - 1
        if head.count(b"\n") != breaks or head.count(b"\r") != breaks or _controls(head):
            raise RuntimeError("a header has a character that would break the head")
        self.begun, self._continue = True, False
        self._head = b"%b%b\r\n\r\n" % (status_line(status), head)

    def _go_on(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            body = b""
        elif self._chunked:
            body = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            if not more:
                body += b"0\r\n\r\n"
        elif self._left is not None:
            self._left -= len(body)
            if self._left < 0 or (self._left and not more):
                raise RuntimeError("the body has another length than content-length says")
        if self._head:
            body, self._head = self._head + body, b""
        if body:
            self._line.write(body)
        if not more:
            self.complete = True
            self._wake()
            self._line.answered(self)


def _controls(head: bytes) -> bool:
    return len(head.translate(None, _CONTROLS)) != len(head)
