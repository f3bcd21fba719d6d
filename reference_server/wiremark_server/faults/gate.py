"""Gateways with edits around them: an ASGI application that changes what goes in and what comes out.

Nothing here decides what is wrong; it only finds the edits that are for an exchange and puts each at its
place: the question before the gateway, then document or events, then bytes, then the head.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import unquote

import msgspec
from wiremark_schemas.contracts import Contract

from wiremark_server.domain.problem import ProblemError
from wiremark_server.edge.handler import Gateway
from wiremark_server.edge.message import Message, Receive, Scope, Send
from wiremark_server.edge.routes import Routes
from wiremark_server.faults.edit import (
    BUILT_IN,
    Ask,
    Body,
    BytesStep,
    Choose,
    CutError,
    Edit,
    Events,
    Form,
    FrameStep,
    Head,
    Headers,
    Instead,
    Octets,
    Question,
    Reply,
)
from wiremark_server.faults.frames import Frame, FrameReader
from wiremark_server.policy.call import Services

_json = msgspec.json.Encoder().encode
_parse = msgspec.json.Decoder().decode


#: ASGI extensions, each the type of its message: the connection ends here, and this is meant; so many seconds
#: pass here, for whoever does not want to wait for them.
CUT, PAUSE = "wiremark.cut", "wiremark.pause"


class Gate:
    """Serves what a gateway serves, with the edits that `choose` gives for each request.

    build:   makes a gateway from the edits that change what it is built from; each is made once
    crashed: is told when an edit itself breaks, so that nobody takes that for the fault
    """

    def __init__(
        self,
        contract: Contract,
        build: Callable[[tuple[Edit, ...]], Gateway],
        choose: Choose,
        crashed: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        self._gateway = functools.cache(build)
        self._gateways: set[Gateway] = set()
        self._contract = contract
        self._routes = Routes(contract)
        self._choose = choose
        self._crashed = crashed

    @property
    def services(self) -> Services:
        """Of the gateway that does nothing wrong."""
        return self._gateway(()).services

    async def drained(self) -> None:
        for gateway in tuple(self._gateways):
            await gateway.drained()

    async def close(self) -> None:
        """Return when nothing is being answered, and stop what is made in the background."""
        for gateway in tuple(self._gateways):
            await gateway.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._gateway(())(scope, receive, send)
            return
        try:
            await self._serve(scope, receive, send)
        except Exception as error:
            self._crashed(error)
            raise

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        ask = self._ask(scope, await whole(receive))
        edits = tuple(self._choose(ask))
        for edit in edits:
            if isinstance(edit, Question) and edit.on.asked(ask):
                ask = edit.change(ask)
        answer = _Answer(ask, edits, send, self._crashed, waits=PAUSE not in scope.get("extensions", {}))
        for edit in edits:
            if isinstance(edit, Instead) and edit.on.asked(ask):
                await answer.give(edit.reply(ask))
                break
        else:
            await self._ask_gateway(scope, receive, ask, edits, answer)
        if answer.cut and CUT in scope.get("extensions", {}):
            await send({"type": CUT})

    async def _ask_gateway(
        self, scope: Scope, receive: Receive, ask: Ask, edits: tuple[Edit, ...], answer: _Answer
    ) -> None:
        gateway = self._gateway(tuple(edit for edit in edits if isinstance(edit, BUILT_IN)))
        self._gateways.add(gateway)
        asked = {
            "method": ask.method,
            "headers": ask.headers,
            "path": unquote(ask.path),
            "raw_path": ask.path.encode("latin-1"),
            "query_string": ask.query.encode("latin-1"),
        }
        await gateway({**scope, **asked}, _replay(ask.body, receive), answer.send)

    def _ask(self, scope: Scope, body: bytes) -> Ask:
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        try:
            operation = self._routes.match(scope["method"], path).operation
        except ProblemError:
            operation = ""
        query = scope.get("query_string", b"").decode("latin-1")
        method, headers = scope["method"], list(scope["headers"])
        client = scope.get("client")
        peer = "{}:{}".format(*client) if client else ""
        return Ask(operation, method, headers, _object(body), body, path, query, self._contract, peer)


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = _parse(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


async def whole(receive: Receive) -> bytes:
    """The body of a request. One that is cut off is passed on as far as it came."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message


class _Answer:
    """One answer on its way out. After a cut nothing more is sent and the body is never ended."""

    def __init__(
        self,
        ask: Ask,
        edits: tuple[Edit, ...],
        send: Send,
        crashed: Callable[[Exception], None],
        *,
        waits: bool,
    ) -> None:
        self.cut = False
        self._waits = waits
        self._crashed = crashed
        self._ask = ask
        self._edits = edits
        self._send = send
        self._status = self._given = 0
        self._headers: Headers = []
        self._form: Form = "any"
        self._held: list[bytes] = []  # of a document, which is changed as a whole
        self._frames = FrameReader()
        self._frame_steps: list[FrameStep] = []
        self._bytes_steps: list[BytesStep] = []

    async def give(self, reply: Reply) -> None:
        headers = [*reply.headers, (b"content-length", b"%d" % len(reply.body))]
        await self.send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": reply.body, "more_body": False})

    async def send(self, message: Message) -> None:
        if self.cut:
            return
        try:
            await self._pass_on(message)
        except CutError:
            self.cut = True
        except Exception as error:
            self._crashed(error)  # the gateway would make a frame of it that looks like an answer
            raise

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(message["status"], list(message["headers"]))
            if self._form == "stream":
                await self._send_head()
            return
        data, more = message.get("body", b""), message.get("more_body", False)
        if self._form == "stream":
            await self._send_frames(data, more=more)
            return
        self._held.append(data)
        if not more:
            await self._send_document(b"".join(self._held))

    # -- the head --------------------------------------------------------------------------------

    def _begin(self, status: int, headers: Headers) -> None:
        self._status = self._given = status
        self._headers = headers
        kind = next((value for name, value in headers if name == b"content-type"), b"")
        stream = kind.startswith(b"text/event-stream")
        self._form = "refusal" if status >= 400 else "stream" if stream else "answer"
        self._frame_steps = [edit.start() for edit in self._of(Events)]
        self._bytes_steps = [edit.start() for edit in self._of(Octets)]

    def _of(self, kind: type[Any]) -> list[Any]:
        """The edits of a kind that are for this answer, by the form and status that the gateway gave it."""
        return [
            edit
            for edit in self._edits
            if isinstance(edit, kind) and edit.on.answered(self._ask, self._form, self._given)
        ]

    async def _send_head(self) -> None:
        for edit in self._of(Head):
            self._status = edit.change(self._status, self._headers)
        await self._send({"type": "http.response.start", "status": self._status, "headers": self._headers})

    # -- the body --------------------------------------------------------------------------------

    async def _send_document(self, body: bytes) -> None:
        edits = self._of(Body)
        if edits and body:
            body = _changed(body, edits)
        parts: list[bytes] = []
        size = len(body)
        try:
            parts.extend(_through(self._bytes_steps, [body], last=True))
            size = sum(map(len, parts))
        except CutError:
            self.cut = True
        self._headers = [
            (name, b"%d" % size if name == b"content-length" else value) for name, value in self._headers
        ]
        await self._send_head()
        for part in parts:
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
        if not self.cut:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_frames(self, data: bytes, *, more: bool) -> None:
        """The gateway's own grouping is kept, unless bytes are changed: then each piece goes out alone."""
        if self._frame_steps or self._bytes_steps:
            frames = _through(self._frame_steps, self._frames.feed(data), last=not more)
            data = await (self._in_pieces(frames, more=more) if self._bytes_steps else self._gathered(frames))
        if data or not more:
            await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _in_pieces(self, frames: Iterator[Frame], *, more: bool) -> bytes:
        """Every piece is sent alone, so that nothing is left."""
        for frame in frames:
            await self._pass(frame.after)
            for piece in _through(self._bytes_steps, [frame.encode()], last=False):
                await self._send_piece(piece)
        if not more:
            for piece in _through(self._bytes_steps, [], last=True):
                await self._send_piece(piece)
        return b""

    async def _gathered(self, frames: Iterator[Frame]) -> bytes:
        """Frames as one piece; what came before a cut or a pause is sent at once."""
        pieces: list[bytes] = []
        try:
            for frame in frames:
                if frame.after:
                    await self._send_piece(b"".join(pieces))
                    pieces.clear()
                    await self._pass(frame.after)
                pieces.append(frame.encode())
        except CutError:
            await self._send_piece(b"".join(pieces))
            raise
        return b"".join(pieces)

    async def _send_piece(self, piece: bytes) -> None:
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def _pass(self, seconds: float) -> None:
        """Let time pass, or only say so to somebody who understands it."""
        if seconds and self._waits:
            await asyncio.sleep(seconds)
        elif seconds:
            await self._send({"type": PAUSE, "seconds": seconds})


def _changed(body: bytes, edits: Iterable[Body]) -> bytes:
    """A document after its edits; one that another fault has spoilt stays as it is."""
    try:
        value = _parse(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    for edit in edits:
        value = edit.change(value)
    return _json(value)


def _through(
    steps: Iterable[Callable[[Any], Iterable[Any]]], items: Iterable[Any], *, last: bool
) -> Iterator[Any]:
    """The items after every step in turn; at the `last` ones each step is told that it is the end."""
    found = iter(items)
    for step in steps:
        found = _after(step, found, last=last)
    return found


def _after(step: Callable[[Any], Iterable[Any]], items: Iterator[Any], *, last: bool) -> Iterator[Any]:
    for item in items:
        yield from step(item)
    if last:
        yield from step(None)
