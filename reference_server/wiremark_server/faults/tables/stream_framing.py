"""Streams: the bytes between events."""

from __future__ import annotations

from wiremark_server.faults.change import (
    CHAT,
    ask_without,
    before,
    cut,
    dropped,
    every,
    first,
    frames,
    of,
    prefixed,
    raw,
    text,
    unended,
    whole_body,
    with_header,
    without_header,
)
from wiremark_server.faults.edit import On
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame

_fault = named("chat.stream")
_STREAMS = On(CHAT, "stream")


def _split_characters(data: bytes) -> bytes:
    """An escaped lone half of a character is written as the bytes that UTF-8 does not have."""
    return data.replace(b'"content":"', b'"content":"\xe2\x82', 1)


TABLE: tuple[Fault, ...] = (
    _fault(
        "cut",
        "wire",
        "The connection ends in the middle of a stream.",
        cut(_STREAMS, 700),
        catches=("chat.stream.complete",),
        allows=("chat.stream.*", "chat.n.stream.*", "chat.tools.*", "chat.max-completion-tokens.*"),
        bug="stream-connection-cut",
    ),
    _fault(
        "cut-at-end",
        "wire",
        "The connection ends before the last chunk of the transfer coding.",
        unended(_STREAMS),
        catches=("chat.stream.complete",),
        allows=("*.accepted",),
    ),
    _fault(
        "one-body",
        "semantics",
        "`stream: true` is not looked at.",
        ask_without("stream", "stream_options"),
        catches=("chat.stream.events",),
        bug="stream-true-returns-json",
    ),
    _fault(
        "json-lines",
        "wire",
        "A stream is bare lines of JSON.",
        raw(every, lambda data: data.removeprefix(b"data: ").rstrip() + b"\n"),
        dropped(of("done")),
        catches=("chat.stream.events",),
        bug="sse-framing",
    ),
    _fault(
        "content-type-json",
        "headers",
        "A stream is announced as application/json.",
        with_header(_STREAMS, b"content-type", b"application/json"),
        catches=("chat.stream.content-type",),
        bug="content-type-wrong",
    ),
    _fault(
        "content-type-plain",
        "headers",
        "A stream is announced as text/plain.",
        with_header(_STREAMS, b"content-type", b"text/plain; charset=utf-8"),
        catches=("chat.stream.content-type",),
        bug="content-type-wrong",
    ),
    _fault(
        "content-type-absent",
        "headers",
        "A stream has no content-type.",
        without_header(_STREAMS, b"content-type"),
        catches=("chat.stream.content-type",),
        bug="content-type-wrong",
    ),
    _fault(
        "cache-control-absent",
        "headers",
        "A stream does not say that it must not be kept.",
        without_header(_STREAMS, b"cache-control"),
        catches=("chat.stream.cache-control",),
        bug="sse-buffering-header-missing",
    ),
    _fault(
        "no-space",
        "wire",
        "`data:` is followed by its value at once.",
        raw(every, lambda data: data.replace(b"data: ", b"data:", 1)),
        catches=("chat.stream.space",),
        bug="sse-no-space-after-colon",
    ),
    _fault(
        "several-lines",
        "wire",
        "A chunk is laid out over several data lines.",
        raw(every, lambda data: data.replace(b',"object"', b',\ndata: "object"', 1)),
        catches=("chat.stream.single-line",),
        bug="sse-framing",
    ),
    _fault(
        "ids",
        "wire",
        "Events have an `id` field.",
        raw(every, lambda data: b"id: 1\n" + data),
        catches=("chat.stream.no-id",),
    ),
    _fault(
        "bom",
        "wire",
        "A stream begins with a byte order mark.",
        prefixed(b"\xef\xbb\xbf", _STREAMS),
        catches=("chat.stream.no-bom",),
        bug="sse-framing",
    ),
    _fault(
        "not-utf8",
        "wire",
        "A character is cut in two at the edge of an event.",
        raw(first("content"), _split_characters),
        catches=("chat.stream.utf8",),
        bug="stream-utf8-split",
    ),
    _fault(
        "last-event-open",
        "wire",
        "The blank line after the terminator is missing.",
        whole_body(lambda data: data.rstrip(b"\n"), _STREAMS),
        catches=("chat.stream.last-event-ended",),
        allows=("chat.stream.done", "chat.tools.stream.done"),
        bug="sse-framing",
    ),
    _fault(
        "blank-lines-lost",
        "wire",
        "Events are divided by a line end only.",
        whole_body(lambda data: data.replace(b"\n\n", b"\n"), _STREAMS),
        catches=("chat.stream.events",),
        bug="sse-framing",
    ),
    _fault(
        "literal-newlines",
        "wire",
        "Line ends are written as a backslash and an n.",
        whole_body(lambda data: data.replace(b"\n\n", b"\\n\\n"), _STREAMS),
        catches=("chat.stream.events",),
        bug="sse-framing",
    ),
    _fault(
        "bare-event-name",
        "wire",
        "An event has a name and no data.",
        before(first("content"), Frame(raw=b"event: ping\n\n")),
        catches=("chat.stream.no-empty-events",),
    ),
    _fault(
        "empty-data",
        "wire",
        "An event has an empty data line.",
        before(first("content"), Frame(raw=b"data: \n\n")),
        catches=("chat.stream.no-empty-events",),
    ),
    _fault(
        "lone-retry",
        "wire",
        "A stream begins with a lone `retry`.",
        before(first("role"), Frame(raw=b"retry: 3000\n\n")),
        catches=("chat.stream.no-empty-events",),
    ),
    _fault(
        "null-data",
        "wire",
        "The data of an event is null.",
        before(first("content"), Frame(text=b"null")),
        catches=("chat.stream.data-json",),
    ),
    _fault(
        "python-data",
        "wire",
        "The data of events is written as Python prints it.",
        text(of("content"), lambda data: data.replace(b'"', b"'").replace(b"null", b"None")),
        catches=("chat.stream.data-json",),
        allows=("chat.stream.text",),
    ),
    _fault(
        "nan",
        "wire",
        "The data of an event has NaN.",
        text(of("role"), lambda data: data.replace(b'"logprobs":null', b'"logprobs":NaN')),
        catches=("chat.stream.data-json",),
        allows=("chat.stream.role", "chat.n.stream.*", "chat.tools.stream.role"),
    ),
    _fault(
        "half-json",
        "wire",
        "An event is cut in two in the middle of its JSON.",
        frames(first("content"), lambda f: (Frame(text=f.data[:40]), Frame(text=f.data[40:]))),
        catches=("chat.stream.data-json",),
        bug="sse-framing",
    ),
)
