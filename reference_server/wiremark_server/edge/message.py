"""An HTTP request being read and the two kinds of answer, over bare ASGI."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from itertools import chain
from typing import Any

from msgspec import Struct

from wiremark_server.domain import problem
from wiremark_server.domain.asked import Framing

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = tuple[tuple[str, str], ...]
RawHeaders = tuple[tuple[bytes, bytes], ...]
"""As they are sent."""

JSON = ("content-type", "application/json")
_NO_STATE: Mapping[str, Any] = {}


class ClientGoneError(Exception):
    """The client closed the connection before its request was complete; there is nobody to answer."""


class Response(Struct, frozen=True):
    """A whole answer. The handler adds the request id and whatever the policies ask for."""

    status: int
    body: bytes
    headers: Headers = (JSON,)


class Stream(Struct, frozen=True):
    """An answer that arrives in pieces, frames ready for the wire; their end is a clean end.

    first:   the first frame; having it means that the status can be 200
    events:  the frames after it
    framing: what the frames are
    """

    first: bytes
    events: AsyncGenerator[bytes, None]
    framing: Framing = "events"


class Request:
    """One request: its head at once, its body when asked for."""

    __slots__ = ("_complete", "_fields", "_receive", "draining", "headers", "method", "path", "query")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        # raw_path, because the decoded path cannot tell `a%2Fb`, one segment, from `a/b`, two.
        self.path: str = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
        self.query: bytes = scope.get("query_string", b"")
        self.headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._fields = dict(reversed(self.headers))  # of several of one name, the first
        self.draining: bool = scope.get("state", _NO_STATE).get("draining", False)  # the server is to end
        self._receive = receive
        self._complete = False

    def header(self, name: str) -> str | None:
        """The first value of a header; names are compared in lower case, as ASGI hands them over."""
        value = self._fields.get(name.encode("latin-1"))
        return None if value is None else value.decode("latin-1")

    @property
    def size(self) -> int:
        """Bytes of the header, with what stands between names and values."""
        return sum(map(len, chain.from_iterable(self.headers))) + 4 * len(self.headers)

    @property
    def declared_length(self) -> int | None:
        """What content-length says; None when it is absent (chunked) or not a number."""
        text = self.header("content-length")
        return int(text) if text is not None and text.isascii() and text.isdigit() else None

    @property
    def has_unread_body(self) -> bool:
        return not self._complete and (
            bool(self.declared_length) or self.header("transfer-encoding") is not None
        )

    async def body(self, limit: int | None) -> bytes:
        """The whole body, counted while it arrives: content-length is a hint and never trusted.

        Raises ProblemError as soon as more than `limit` bytes are announced or have come.
        """
        declared = self.declared_length
        if limit is not None and declared is not None and declared > limit:
            raise problem.body_too_large(limit)
        parts: list[bytes] = []
        size = 0
        while not self._complete:
            part = await self._part()
            parts.append(part)
            size += len(part)
            if limit is not None and size > limit:
                raise problem.body_too_large(limit)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def discard(self, limit: int) -> None:
        """Read and drop up to `limit` bytes of what the client still sends."""
        left = limit
        while not self._complete and left > 0:
            left -= len(await self._part())

    async def gone(self) -> None:
        """Return when the client has closed the connection."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        self._complete = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part
