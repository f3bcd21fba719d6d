"""Streams as bytes, names of events, and failures within."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from wiremark_server.faults.change import (
    DONE,
    cut,
    has,
    octets,
    prefixed,
    take,
    whole_body,
    with_document,
    with_header,
    without_header,
)
from wiremark_server.faults.edit import (
    Ask,
    Events,
    On,
    Question,
)
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.tables.messages.events import (
    NEAR,
    STREAMS,
    TEXT,
    after,
    changed,
    events,
    streamed,
)
from wiremark_server.faults.tables.messages.words import MESSAGES
from wiremark_server.faults.typed import event


def _once_before(kind: str, *new: Frame) -> Events:
    return events(lambda frame, n: (*new, frame) if n == 0 else (frame,), kind)


def _nameless(frame: Frame, _: int) -> Iterable[Frame]:
    return (dataclasses.replace(frame, fields=b""),)


def _plainly(ask: Ask) -> Ask:
    return with_document(ask, {**ask.document, "stream": False})


_OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
_FOREIGN = Frame(value={"error": {"message": "out of memory", "type": "server_error", "code": None}})
_BYTES = ("messages.stream.*", "messages.tools.*", "messages.thinking.*", "billing.messages.*")

TABLE: tuple[Fault, ...] = (
    streamed(
        "one-body",
        "semantics",
        "`stream: true` of a message is not looked at.",
        Question(On(MESSAGES, where=has("stream")), _plainly),
        catches=("messages.stream.events",),
    ),
    streamed(
        "bom",
        "wire",
        "A stream begins with a byte order mark.",
        prefixed(b"\xef\xbb\xbf", STREAMS),
        catches=("messages.stream.no-bom",),
        allows=_BYTES,
    ),
    streamed(
        "no-space",
        "wire",
        "No space stands after the colons.",
        octets(lambda data: (data.replace(b"data: ", b"data:").replace(b"event: ", b"event:"),), STREAMS),
        catches=("messages.stream.space",),
        allows=_BYTES,
        bug="sse-no-space-after-colon",
    ),
    streamed(
        "cut",
        "wire",
        "The connection ends in the middle of a stream.",
        cut(STREAMS, 900),
        catches=("messages.stream.complete",),
        allows=("messages.*", "billing.messages.stream.*"),
    ),
    streamed(
        "last-unended",
        "wire",
        "No blank line follows the last event.",
        whole_body(lambda data: data.removesuffix(b"\n"), STREAMS),
        catches=("messages.stream.last-event-ended",),
        allows=_BYTES,
    ),
    streamed(
        "not-utf8",
        "wire",
        "A character is written as bytes that UTF-8 does not have.",
        octets(lambda data: (data.replace(b'"text":"', b'"text":"\xe2\x82'),), STREAMS),
        catches=("messages.stream.utf8",),
        allows=_BYTES,
    ),
    streamed(
        "two-lines",
        "wire",
        "The data of an event are spread over lines.",
        octets(lambda data: (data.replace(b',"index"', b',\ndata: "index"'),), STREAMS),
        catches=("messages.stream.single-line",),
        allows=_BYTES,
    ),
    streamed(
        "not-json",
        "wire",
        "The data of pings are no JSON.",
        octets(lambda data: (data.replace(b'{"type":"ping"}', b"{'type':'ping'}"),), STREAMS),
        catches=("messages.stream.data-json",),
        allows=(),
    ),
    streamed(
        "empty-ping",
        "wire",
        "Pings have no data.",
        octets(lambda data: (data.replace(b'data: {"type":"ping"}\n', b""),), STREAMS),
        catches=("messages.stream.no-empty-events",),
        allows=(),
    ),
    streamed(
        "media-type",
        "headers",
        "A stream is announced as JSON.",
        with_header(STREAMS, b"content-type", b"application/json"),
        catches=("messages.stream.content-type",),
        allows=(),
    ),
    streamed(
        "cacheable",
        "headers",
        "A stream is not marked as not to be cached.",
        without_header(STREAMS, b"cache-control"),
        catches=("messages.stream.cache-control",),
        allows=(),
    ),
    streamed(
        "unnamed",
        "stream",
        "Events have no names.",
        events(_nameless),
        catches=("messages.stream.named",),
        allows=("messages.stream.error-frames",),
    ),
    streamed(
        "misnamed",
        "stream",
        "The last event has another name than its data say.",
        events(lambda f, _: (dataclasses.replace(f, fields=b"event: done\n"),), "message_stop"),
        catches=("messages.stream.name-agrees",),
    ),
    streamed(
        "untyped",
        "stream",
        "The data of events do not say which event it is.",
        changed(take("/type")),
        catches=("messages.stream.type",),
        allows=(*NEAR, "formats.*"),
    ),
    streamed(
        "done",
        "stream",
        "Another format's terminator ends a message.",
        after("message_stop", Frame(text=DONE)),
        catches=("messages.stream.no-done",),
        allows=(),
    ),
    streamed(
        "done-named",
        "stream",
        "A named event carries another format's terminator.",
        after("message_stop", Frame(text=DONE, fields=b"event: done\n")),
        catches=("messages.stream.no-named-done", "messages.stream.no-done"),
        allows=(),
    ),
    streamed(
        "error-foreign",
        "errors",
        "A failure in a stream is told in another format's form.",
        events(lambda *_: (_FOREIGN,), "message_delta", where=TEXT),
        catches=("messages.stream.error-frames",),
        bug="stream-error-event-shape",
    ),
    streamed(
        "error-then-stop",
        "errors",
        "A failure is told, and the message ends as if nothing were.",
        _once_before("message_delta", _OVERLOADED),
        catches=("messages.stream.error-ends",),
        bug="midstream-error-reported-as-success",
    ),
)
