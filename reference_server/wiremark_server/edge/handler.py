"""The ASGI application: one request in, one answer out, and the boundary where problems become answers."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from wiremark_server.dialects.errors import ErrorTable
from wiremark_server.domain import problem
from wiremark_server.domain.asked import Framing
from wiremark_server.domain.problem import Problem, ProblemError
from wiremark_server.edge import document, stream
from wiremark_server.edge.cors import Cors
from wiremark_server.edge.message import (
    JSON,
    ClientGoneError,
    Receive,
    Request,
    Response,
    Scope,
    Send,
    Stream,
)
from wiremark_server.edge.routes import Routes
from wiremark_server.ledger.store import LedgerUnavailable
from wiremark_server.policy.call import Call, Services

Operation = Callable[[Call], Awaitable[Response | Stream]]

MAX_HEADER_BYTES = 64 * 1024
_DRAIN_BYTES = 32 * 1024 * 1024  # how much of a refused body is read so that the client sees the refusal
_DRAIN_SECONDS = 10.0
_SMALL_REST = 64 * 1024  # an unread body up to this size is left to the server to skip, connection kept
_REQUEST_ID = "x-request-id"
_OPENAI_VERSION = (b"openai-version", b"2020-10-01")
_ANTHROPIC_ID = b"request-id"


_ids = random.Random(secrets.randbits(256))  # noqa: S311 - ids are names, not secrets
os.register_at_fork(after_in_child=lambda: _ids.seed(secrets.randbits(256)))


def new_request_id() -> str:
    """Unique over restarts: from the system's entropy, asked for once, and never from the server's seed.

    It begins with the time in milliseconds, so that new ids stand side by side in the ledger's indexes.
    """
    return f"req_{int(time.time() * 1000):012x}{_ids.getrandbits(80):020x}"


def log_fault(error: Exception, request_id: str) -> None:
    """Say where a failure of our own was, without the error's text, which may be private."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    print(f"wiremark serve: {request_id}: {type(error).__name__} at {places}", file=sys.stderr, flush=True)


class Gateway:
    """Serves one contract. `drained` waits for the requests that are still being answered.

    crashed: is told of every failure of our own, which the client is told as a server error
    """

    def __init__(
        self,
        services: Services,
        operations: Mapping[str, Operation],
        crashed: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        contract = services.contract
        self.services = services
        self._operations = operations
        self._crashed = crashed
        self._routes = Routes(contract)
        self._errors = {dialect: ErrorTable(contract, dialect) for dialect in contract.dialects}
        self._cors = Cors(contract.raw["cors"])
        self._body_limit = contract.limits.get("body_bytes")
        self._id_header = (contract.raw["headers"]["request_id"] or _REQUEST_ID).lower().encode()
        self._active = 0
        self._idle: asyncio.Event | None = None  # while somebody waits for it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError(f"only HTTP is served, not {scope['type']}")
        services = self.services
        request = Request(scope, receive)
        call = self._call(request, new_request_id(), services.clock.monotonic())
        status = 0
        self._active += 1
        services.meter.arrived()
        try:
            status = await self._reply(request, call, send)
        except ClientGoneError:
            pass  # nobody is left to be answered
        finally:
            services.meter.left(call.operation, status, services.clock.monotonic() - call.started)
            if call.place is not None:
                await services.limiter.leave(call.place)
            self._active -= 1
            if self._idle is not None and not self._active:
                self._idle.set()

    async def drained(self) -> None:
        """Return when no request is being answered, and nothing is made in the background any more."""
        while self._active:
            self._idle = self._idle or asyncio.Event()
            self._idle.clear()
            await self._idle.wait()
        await self.services.responses.close()

    async def close(self) -> None:
        """The same, and stop what is made in the background: the next process goes on with it."""
        await self.drained()
        await self.services.studio.close()

    async def _reply(self, request: Request, call: Call, send: Send) -> int:
        """The status that was sent."""
        try:
            reply = await self._operation(request, call)(call)
        except ProblemError as error:
            reply = self._refuse(error.problem, call)
        except ClientGoneError:
            raise
        except LedgerUnavailable:
            reply = self._refuse(problem.overloaded().problem, call)
        except Exception as error:  # noqa: BLE001 - the one boundary for a response that has not begun
            reply = self._refuse(self._fault(error, call.request_id), call)
        headers = self._dialect_headers(call, self.services.clock.monotonic() - call.started)
        if call.limits is not None:
            headers += call.limits.headers
        if call.headers:
            headers += _encoded(call.headers)
        headers += self._cors.headers(request)
        if isinstance(reply, Stream):
            headers += _encoded(stream.HEADERS[reply.framing])
            await stream.send_stream(
                reply, headers, send, lambda error: self._break(error, call, reply.framing)
            )
            return 200
        await _send(request, reply, headers, send)
        return reply.status

    def _call(self, request: Request, request_id: str, started: float) -> Call:
        dialect = self._routes.dialect(request.path, request.header, keyed=b"key=" in request.query)
        errors = self._errors[dialect]
        return Call(
            services=self.services,
            request_id=request_id,
            dialect=dialect,
            explain=lambda error: errors.document(self._problem(error, request_id), request_id),
            header=request.header,
            read_document=lambda: self._document(request),
            client_gone=request.gone,
            started=started,
        )

    def _operation(self, request: Request, call: Call) -> Operation:
        """What answers the request. Raises ProblemError."""
        if request.draining:
            raise problem.draining()
        size = request.size
        if size > MAX_HEADER_BYTES:
            raise problem.headers_too_large(size, MAX_HEADER_BYTES)
        if request.method == "OPTIONS":
            return lambda _: self._options(request)
        match = self._routes.match(request.method, request.path)
        call.operation, call.parameters = match.operation, match.parameters
        call.query = dict(parse_qsl(request.query.decode("latin-1"))) if request.query else {}
        return self._operations[call.operation]

    async def _options(self, request: Request) -> Response:
        return self._cors.options(request, self._routes.allowed(request.path))

    async def _document(self, request: Request) -> dict[str, Any]:
        document.check_media(request.header("content-type"), request.header("content-encoding"))
        return document.parse(await request.body(self._body_limit))

    def _dialect_headers(self, call: Call, elapsed: float) -> list[tuple[bytes, bytes]]:
        """The request id, under the name that clients of the dialect read, and what else they expect."""
        request_id = call.request_id.encode()
        headers = [(self._id_header, request_id)]
        if call.dialect == "openai":
            headers += [(b"openai-processing-ms", b"%d" % int(elapsed * 1000)), _OPENAI_VERSION]
        elif call.dialect == "anthropic" and self._id_header != _ANTHROPIC_ID:
            headers.append((_ANTHROPIC_ID, request_id))
        return headers

    def _refuse(self, found: Problem, call: Call) -> Response:
        errors = self._errors[call.dialect]
        return Response(errors.status(found), errors.envelope(found, call.request_id), errors.headers(found))

    def _break(self, error: Exception, call: Call, framing: Framing) -> bytes:
        """The error frame for a stream that has begun."""
        if call.broken is not None:
            return call.broken(call.explain(error))
        found = self._problem(error, call.request_id)
        return self._errors[call.dialect].frame(found, call.request_id, framing)

    def _problem(self, error: Exception, request_id: str) -> Problem:
        return error.problem if isinstance(error, ProblemError) else self._fault(error, request_id)

    def _fault(self, error: Exception, request_id: str) -> Problem:
        """Our own failure."""
        self._crashed(error)
        log_fault(error, request_id)
        return problem.server_error(request_id).problem


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


_JSON = _encoded([JSON])


async def _send(request: Request, reply: Response, headers: list[tuple[bytes, bytes]], send: Send) -> None:
    headers += _JSON if reply.headers == (JSON,) else _encoded(reply.headers)
    if reply.status != 204:
        headers.append((b"content-length", b"%d" % len(reply.body)))
    linger = request.has_unread_body and (
        request.header("expect") is not None or not 0 < (request.declared_length or 0) <= _SMALL_REST
    )
    if linger or request.draining:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    body = {"type": "http.response.body", "body": reply.body, "more_body": linger}
    await send(body)
    if linger:
        # Closing with unread bytes resets the connection, and the client would never see the status.
        try:
            async with asyncio.timeout(_DRAIN_SECONDS):
                await request.discard(_DRAIN_BYTES)
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})
