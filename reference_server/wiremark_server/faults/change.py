"""The words that fault and variant tables are written in: small changes of values, frames, bytes, heads."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from wiremark_server.edge.handler import new_request_id
from wiremark_server.faults.edit import (
    Ask,
    Body,
    BytesStep,
    CutError,
    Document,
    Events,
    Form,
    FrameStep,
    Head,
    Headers,
    Instead,
    Octets,
    On,
    Question,
    Reply,
    Where,
    everywhere,
)
from wiremark_server.faults.frames import Frame

CHAT = "chat.create"
DONE = b"[DONE]"
_json = msgspec.json.Encoder().encode

Change = Callable[[Any], Any]


# -- requests ----------------------------------------------------------------------------------------


def has(*names: str) -> Where:
    """Requests whose document has all these keys, and not as null or false."""
    return lambda ask: all(ask.document.get(name) for name in names)


def lacks(*names: str) -> Where:
    return lambda ask: not any(ask.document.get(name) for name in names)


def equals(name: str, value: Any) -> Where:
    return lambda ask: ask.document.get(name) == value


def role(name: str) -> Where:
    """Requests with a message of this role."""
    return lambda ask: any(
        isinstance(message, dict) and message.get("role") == name for message in messages(ask)
    )


def messages(ask: Ask) -> list[Any]:
    found = ask.document.get("messages")
    return found if isinstance(found, list) else []


def both(*wheres: Where) -> Where:
    return lambda ask: all(where(ask) for where in wheres)


def with_document(ask: Ask, document: Document) -> Ask:
    """The request with another body, its length and media type told accordingly."""
    body = _json(document)
    kept = [(n, v) for n, v in ask.headers if n not in (b"content-length", b"transfer-encoding")]
    return dataclasses.replace(
        ask, document=document, body=body, headers=[*kept, (b"content-length", b"%d" % len(body))]
    )


def ask_without(*names: str, where: Where = everywhere) -> Question:
    """Parameters that the server does not look at."""

    def change(ask: Ask) -> Ask:
        return with_document(ask, {k: v for k, v in ask.document.items() if k not in names})

    return Question(On(CHAT, where=both(where, lambda ask: any(n in ask.document for n in names))), change)


def ask_with(where: Where = everywhere, **values: Any) -> Question:
    """Parameters that the server takes for others, in a request that it could read at all."""
    return Question(
        On(CHAT, where=both(lambda ask: bool(ask.document), where)),
        lambda ask: with_document(ask, {**ask.document, **values}),
    )


def refuse(
    on: On, status: int = 400, message: str = "This is not supported.", code: str | None = None
) -> Instead:
    """An honest refusal in the agreed form."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    return answer(on, status, {"error": error})


def answer(on: On, status: int, document: Any, *headers: tuple[bytes, bytes]) -> Instead:
    """A fixed JSON answer with the headers that every answer has."""

    def reply(_: Ask) -> Reply:
        given = [(b"x-request-id", new_request_id().encode()), (b"content-type", b"application/json")]
        return Reply(status, [*given, *headers], _json(document))

    return Instead(on, reply)


# -- heads -------------------------------------------------------------------------------------------


def status(on: On, value: int) -> Head:
    return Head(on, lambda _status, _headers: value)


def without_header(on: On, *names: bytes) -> Head:
    def change(status: int, headers: Headers) -> int:
        headers[:] = [(name, value) for name, value in headers if name.lower() not in names]
        return status

    return Head(on, change)


def with_header(on: On, name: bytes, value: bytes | Callable[[bytes], bytes]) -> Head:
    """Set a header, or change the one that is there."""

    def change(status: int, headers: Headers) -> int:
        if callable(value):
            headers[:] = [(n, value(v) if n.lower() == name else v) for n, v in headers]
        else:
            headers[:] = [(n, v) for n, v in headers if n.lower() != name] + [(name, value)]
        return status

    return Head(on, change)


# -- JSON values -------------------------------------------------------------------------------------


def places(document: Any, pointer: str) -> Iterator[tuple[Any, Any]]:
    """Containers and keys that a pointer names; `*` stands for every entry, and for a last key that is
    absent the container is given all the same.
    """
    *steps, last = pointer.removeprefix("/").split("/")
    nodes = [document]
    for step in steps:
        nodes = [child for node in nodes for child in _children(node, step)]
    for node in nodes:
        if isinstance(node, dict) and last != "*":
            yield node, last
        elif isinstance(node, list):
            yield from ((node, i) for i in range(len(node)) if last in ("*", str(i)))


def holds(document: Any, pointer: str) -> bool:
    """Whether the document has what the pointer names."""
    return any(isinstance(node, list) or key in node for node, key in places(document, pointer))


def _children(node: Any, step: str) -> Iterable[Any]:
    if isinstance(node, dict):
        return [node[step]] if step in node else []
    if isinstance(node, list):
        return [child for i, child in enumerate(node) if step in ("*", str(i))]
    return []


def put(pointer: str, value: Any, *, absent_too: bool = True) -> Change:
    """Set what the pointer names; a function is given the present value."""

    def change(document: Any) -> Any:
        for container, key in places(document, pointer):
            there = not isinstance(container, dict) or key in container
            if there or absent_too:
                old = container[key] if there else None
                container[key] = value(old) if callable(value) else copy.deepcopy(value)
        return document

    return change


def take(pointer: str) -> Change:
    """Remove what the pointer names."""

    def change(document: Any) -> Any:
        for container, key in reversed(list(places(document, pointer))):
            if not isinstance(container, dict) or key in container:
                del container[key]
        return document

    return change


def body(
    change: Change, operation: str | None = CHAT, form: Form = "answer", where: Where = everywhere
) -> Body:
    return Body(On(operation, form, where), change)


# -- frames ------------------------------------------------------------------------------------------


def kind(frame: Frame) -> str:
    """What a frame of a chat stream is: role, content, call, arguments, custom, finish, usage, done or other.

    A piece of a call of a custom tool is `custom`; `call` opens that of a function, `arguments` goes on.
    """
    if frame.text is not None:
        return "done" if frame.text == DONE else "other"
    choices = frame.value.get("choices") if isinstance(frame.value, dict) else None
    if choices == []:
        return "usage"
    choice = choices[0] if isinstance(choices, list) else None
    delta = choice.get("delta") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(delta, dict):  # of another format, or a fault was here
        return "other"
    if choice.get("finish_reason") is not None:
        return "finish"
    if delta.get("role"):
        return "role"
    if calls := delta.get("tool_calls"):
        if not isinstance(calls, list) or not isinstance(calls[0], dict):
            return "other"
        if "custom" in calls[0]:
            return "custom"
        return "call" if calls[0].get("id") else "arguments"
    return "content" if delta.get("content") else "other"


Pick = Callable[[Frame, int], bool]
"""Whether a frame is meant; the number counts the frames of its kind from 0."""


def of(*kinds: str) -> Pick:
    return lambda frame, _: kind(frame) in kinds


def first(name: str) -> Pick:
    return lambda frame, number: kind(frame) == name and number == 0


def later(name: str) -> Pick:
    """All of a kind but the first."""
    return lambda frame, number: kind(frame) == name and number > 0


def every(frame: Frame, _: int) -> bool:
    return frame.value is not None


def frames(
    pick: Pick,
    change: Callable[[Frame], Iterable[Frame]],
    operation: str | None = CHAT,
    where: Where = everywhere,
) -> Events:
    """Give other frames in the place of those that are picked."""

    def start() -> FrameStep:
        seen: dict[str, int] = {}

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            name = kind(frame)
            number = seen.get(name, 0)
            seen[name] = number + 1
            return change(frame) if pick(frame, number) else (frame,)

        return step

    return Events(start, On(operation, "stream", where))


def values(pick: Pick, change: Change, where: Where = everywhere, operation: str | None = CHAT) -> Events:
    """Change the JSON value of the frames that are picked."""
    return frames(pick, lambda frame: (frame.with_value(change(frame.value)),), operation, where)


def text(pick: Pick, data: bytes | Callable[[bytes], bytes], where: Where = everywhere) -> Events:
    """Other data, JSON or not, in the frames that are picked."""
    return frames(pick, lambda f: (f.with_text(data(f.data) if callable(data) else data),), where=where)


def dropped(pick: Pick, where: Where = everywhere) -> Events:
    return frames(pick, lambda _: (), where=where)


def repeated(pick: Pick, where: Where = everywhere) -> Events:
    return frames(pick, lambda frame: (frame, frame), where=where)


def before(pick: Pick, *new: Frame, where: Where = everywhere) -> Events:
    return frames(pick, lambda frame: (*new, frame), where=where)


def after(pick: Pick, *new: Frame, where: Where = everywhere) -> Events:
    return frames(pick, lambda frame: (frame, *new), where=where)


def raw(pick: Pick, change: Callable[[bytes], bytes], where: Where = everywhere) -> Events:
    """Change the bytes of the frames that are picked."""
    return frames(pick, lambda f: (Frame(raw=change(f.encode())),), where=where)


def rearranged(
    change: Callable[[list[Frame]], Iterable[Frame]],
    where: Where = everywhere,
    operation: str | None = CHAT,
) -> Events:
    """The whole stream at once, in another order."""

    def start() -> FrameStep:
        held: list[Frame] = []

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return change(held)
            held.append(frame)
            return ()

        return step

    return Events(start, On(operation, "stream", where))


# -- bytes -------------------------------------------------------------------------------------------


def octets(change: Callable[[bytes], Iterable[bytes]], on: On) -> Octets:
    """Other pieces in the place of every piece that goes out."""

    def start() -> BytesStep:
        return lambda data: () if data is None else change(data)

    return Octets(on, start)


def prefixed(prefix: bytes, on: On) -> Octets:
    """Bytes before the first of the body."""

    def start() -> BytesStep:
        waiting = [prefix]

        def step(data: bytes | None) -> Iterable[bytes]:
            if data and waiting:
                return (waiting.pop() + data,)
            return () if data is None else (data,)

        return step

    return Octets(on, start)


def cut(on: On, size: int) -> Octets:
    """The connection ends after that many bytes of the body."""

    def start() -> BytesStep:
        left = [size]

        def step(data: bytes | None) -> Iterator[bytes]:
            if data is None:
                return
            yield data[: left[0]]
            left[0] -= len(data)
            if left[0] <= 0:
                raise CutError

        return step

    return Octets(on, start)


def unended(on: On) -> Octets:
    """Every byte comes, and the end that the framing promises does not."""

    def start() -> BytesStep:
        def step(data: bytes | None) -> Iterable[bytes]:
            if data is None:
                raise CutError
            return (data,)

        return step

    return Octets(on, start)


def whole_body(change: Callable[[bytes], bytes], on: On) -> Octets:
    """The body of a stream or document as one piece, changed."""

    def start() -> BytesStep:
        held: list[bytes] = []

        def step(data: bytes | None) -> Iterable[bytes]:
            if data is None:
                return (change(b"".join(held)),)
            held.append(data)
            return ()

        return step

    return Octets(on, start)
