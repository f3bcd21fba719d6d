"""One HTTP/1.1 connection, with bounds on what may come and how slowly: uvicorn has none.

A head may have HEAD_BYTES and HEAD_FIELDS, else it is a 431 (the gateway, which knows in whose form to
refuse, reads no more than half of that). A head has HEAD_SECONDS to arrive, and a body BODY_SECONDS and a
second more for each BODY_RATE bytes of it, else it is a 408; a connection on which nothing is said for
HEAD_SECONDS is closed without a word. A request that arrives in one piece, as nearly all do, costs no timer.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_BYTES = 128 * 1024
HEAD_FIELDS = 1024
HEAD_SECONDS = 20.0
BODY_SECONDS = 30.0
BODY_RATE = 16 * 1024

_SENTENCES = {
    400: ("This is not an HTTP/1.1 request.", "malformed_http"),
    408: ("The request did not arrive in time. Send it at once.", "request_timeout"),
    431: (
        f"The head of the request is too large: it may have {HEAD_BYTES} bytes in {HEAD_FIELDS} fields.",
        "headers_too_large",
    ),
}


class _Refused(Exception):  # noqa: N818 - leaves the parser, whose caller answers
    """The request is refused before it reaches the gateway."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the bounds above."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._timer: asyncio.TimerHandle | None = None
        self._due = self._began = self.loop.time()
        self._heading = False  # a request has begun and its head is not complete
        self._awaiting = False  # a head was complete and the body is not
        self._received = 0  # bytes of an incomplete head, or of an incomplete body
        self._status = 400

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        super().data_received(data)
        if self._heading and self._received > HEAD_BYTES:
            self._refuse(431)
        elif self._awaiting:
            self._wait(BODY_SECONDS + self._received / BODY_RATE)
        elif self._heading or self.cycle is None or self.cycle.response_complete:
            self._wait(HEAD_SECONDS)
        else:
            self._rest()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._heading = True
        self._began = self.loop.time()

    def on_headers_complete(self) -> None:
        fields = self.headers
        if len(fields) > HEAD_FIELDS or (
            self._received > HEAD_BYTES
            and len(self.url) + sum(len(name) + len(value) for name, value in fields) > HEAD_BYTES
        ):
            self._status = 431
            raise _Refused
        self._heading, self._awaiting = False, True
        self._received = 0
        self._began = self.loop.time()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._awaiting = False
        self._received = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - said better here
        """What uvicorn calls when its parser gives up; `_status` says why it did."""
        self._refuse(self._status)

    def _wait(self, seconds: float) -> None:
        """Allow so much time since the request, or its body, or the connection began."""
        self._due = self._began + seconds
        if self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_at(self._due, self._late)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        now = self.loop.time()
        if now < self._due or self.pipeline or self.flow.read_paused:  # or it is not the client that is slow
            self._timer = self.loop.call_at(max(self._due, now + 1.0), self._late)
            return
        self._timer = None
        answering = self._awaiting and self.cycle.response_started
        if answering or not (self._heading or self._awaiting):
            self.transport.close()
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        self._rest()
        earlier = self.cycle is not None and not self.cycle.response_complete and not self._awaiting
        if self._awaiting:
            self.cycle.disconnected = True  # whoever is answering has nobody to answer any more
        self._heading = self._awaiting = False
        if not earlier:  # else the words would stand in the middle of another answer
            message, code = _SENTENCES[status]
            error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
            body = msgspec.json.encode({"type": "error", "error": error})
            head = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            self.transport.write(STATUS_LINE[status] + head % len(body) + body)
        self.transport.close()
