"""Streams: the bytes between their events, and the order in which these come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from wiremark_server.faults.change import (
    cut,
    octets,
    prefixed,
    rearranged,
    unended,
    whole_body,
    with_header,
    without_header,
)
from wiremark_server.faults.derived.order import OPERATIONS
from wiremark_server.faults.derived.surfaces.surface import Surface
from wiremark_server.faults.edit import Edit, Events, On
from wiremark_server.faults.fault import Fault, Layer
from wiremark_server.faults.frames import Frame

_EventsOf = Callable[[Frame], Iterable[Frame]]


def faults(surface: Surface) -> Iterator[Fault]:
    if not surface.event:
        return
    for name, layer, says, edit in _FRAMING:
        yield surface.fault(
            f"stream.{name}", layer, f"A stream of {surface.operation} {says}.", edit(surface.on("stream"))
        )
    for kind in surface.kinds:
        for name, (says, operation) in OPERATIONS.items():
            yield surface.fault(
                f"order.{kind.replace('_', '-')}.{name}",
                "stream",
                f"In streams of {surface.operation} the {kind} events {says}.",
                rearranged(
                    lambda held, op=operation, kind=kind: surface.settled(op(held, kind, surface.kind)),  # type: ignore[misc]
                    operation=surface.operation,
                ),
            )


def _each(change: Callable[[bytes], bytes]) -> Callable[[On], Edit]:
    return lambda on: octets(lambda data: [change(data)], on)


def _before_last(extra: bytes) -> Callable[[On], Edit]:
    """Bytes in the middle of the stream: before its last two events."""

    def change(data: bytes) -> bytes:
        events = data.split(b"\n\n")
        return b"\n\n".join([*events[:-3], extra, *events[-3:]])

    return lambda on: whole_body(change, on)


def _after_first(event: Frame) -> Callable[[On], Edit]:
    def start() -> Callable[[Frame | None], Iterable[Frame]]:
        waiting = [event]

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            return (frame, waiting.pop()) if waiting else (frame,)

        return step

    return lambda on: Events(start, on)


_ERROR = {"message": "The model crashed.", "code": 500}
_FRAMING: tuple[tuple[str, Layer, str, Callable[[On], Edit]], ...] = (
    ("cut", "wire", "is cut off in its middle", lambda on: cut(on, 500)),
    ("cut-at-end", "wire", "lacks the end of its transfer coding", unended),
    (
        "content-type-json",
        "headers",
        "is announced as JSON",
        lambda on: with_header(on, b"content-type", b"application/json"),
    ),
    (
        "content-type-absent",
        "headers",
        "has no media type",
        lambda on: without_header(on, b"content-type"),
    ),
    (
        "cache-control-absent",
        "headers",
        "does not say that it must not be kept",
        lambda on: without_header(on, b"cache-control"),
    ),
    ("no-id", "headers", "has no request id", lambda on: without_header(on, b"x-request-id", b"request-id")),
    ("no-space", "wire", "has no space after `data:`", _each(lambda d: d.replace(b"data: ", b"data:", 1))),
    (
        "several-lines",
        "wire",
        "lays its data out over several lines",
        _each(lambda d: d.replace(b"data: {", b"data: {\ndata: ", 1)),
    ),
    ("bom", "wire", "begins with a byte order mark", lambda on: prefixed(b"\xef\xbb\xbf", on)),
    ("not-utf8", "wire", "is not UTF-8", _each(lambda d: d.replace(b'"', b'"\xe2\x82', 1))),
    (
        "last-event-open",
        "wire",
        "lacks the blank line at its end",
        lambda on: whole_body(lambda data: data.rstrip(b"\n"), on),
    ),
    (
        "blank-lines-lost",
        "wire",
        "has no blank lines between events",
        lambda on: whole_body(lambda data: data.replace(b"\n\n", b"\n"), on),
    ),
    ("empty-event", "wire", "has an event without data", _before_last(b"event: ping")),
    ("empty-data", "wire", "has an event with an empty data line", _before_last(b"data: ")),
    ("null-data", "wire", "has an event whose data is null", _before_last(b"data: null")),
    (
        "half-json",
        "wire",
        "has an event whose JSON is cut off",
        _before_last(b'event: ping\ndata: {"type": "ping'),
    ),
    ("done-within", "wire", "has the terminator of chat streams within", _before_last(b"data: [DONE]")),
    (
        "done-named",
        "wire",
        "has a named event with the terminator of chat streams",
        _before_last(b"event: done\ndata: [DONE]"),
    ),
    (
        "names-lost",
        "wire",
        "has no names of events",
        _each(lambda d: d if not d.startswith(b"event:") else d.partition(b"\n")[2]),
    ),
    (
        "names-other",
        "wire",
        "gives every event the name `message`",
        _each(lambda d: d if not d.startswith(b"event:") else b"event: message\n" + d.partition(b"\n")[2]),
    ),
    (
        "done-missing",
        "stream",
        "lacks its terminator",
        lambda on: whole_body(lambda data: data.replace(b"data: [DONE]\n\n", b""), on),
    ),
    (
        "done-lower",
        "stream",
        "has its terminator in small letters",
        lambda on: whole_body(lambda data: data.replace(b"[DONE]", b"[done]"), on),
    ),
    (
        "after-end",
        "stream",
        "goes on after its end",
        lambda on: whole_body(lambda data: data + b'event: extra\ndata: {"type": "extra"}\n\n', on),
    ),
    ("error-flat", "errors", "tells a failure without `error`", _after_first(Frame(value=_ERROR))),
    (
        "error-named",
        "errors",
        "tells a failure in an event of that name, and goes on",
        _after_first(Frame(fields=b"event: error\n", value={"type": "error", "error": _ERROR})),
    ),
    (
        "error-text",
        "errors",
        "tells a failure as a text",
        _after_first(Frame(fields=b"event: error\n", value={"type": "error", "error": "It crashed."})),
    ),
)
