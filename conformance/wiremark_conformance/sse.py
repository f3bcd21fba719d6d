"""An event stream read from body parts: the parse of the HTML standard, with its framing kept.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream,
and shows what that parse throws away too: comments, unknown fields, blocks that dispatch nothing,
raw bytes, and when each event was complete. It never raises and its time is linear; what a given
client would make of the same bytes is `readers.py`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from wiremark_conformance.exchange import Part

# A stream of this many lines is hostile: real ones have two lines per token. Bounds the memory.
MAX_LINES = 1_000_000

BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\n|\r")

# Single-valued fields, with the standard's condition for taking a value.
_ACCEPTED: Mapping[str, Callable[[str], bool]] = {
    "event": lambda _: True,
    "id": lambda value: "\0" not in value,
    "retry": lambda value: value.isascii() and value.isdigit(),
}


@dataclass(frozen=True, slots=True)
class Event:
    """A run of lines ended by a blank line, whether or not a browser would dispatch it.

    event:    the last `event` field, or None
    data:     the `data` fields joined by LF; None when there is none (nothing is dispatched),
              "" for a lone empty one (dispatched by the standard, a crash in several SDKs)
    id:       the last `id` field without a NUL in it, or None; not carried over from earlier events
    retry:    the last `retry` field that is all ASCII digits, or None
    comments: texts after the colon, one leading space removed
    raw:      the bytes of the block with the blank line that ended it
    at_ns:    arrival of the part that completed the blank line, as in Part
    fields:   every field in order: name, value, whether a space stood after the colon
    valid_utf8: False when bytes had to be replaced by U+FFFD
    """

    event: str | None
    data: str | None
    id: str | None
    retry: str | None
    comments: tuple[str, ...]
    raw: bytes
    at_ns: int
    fields: tuple[tuple[str, str, bool], ...]
    valid_utf8: bool = True

    @property
    def dispatched(self) -> bool:
        """Whether the standard hands this block to the application."""
        return self.data is not None


@dataclass(frozen=True, slots=True)
class EventStream:
    """What a body held.

    leftover:     bytes after the last blank line that ended a block; the standard discards them
    bom:          the body began with a byte order mark, which is skipped
    line_endings: those used by complete lines: "\\n", "\\r\\n", "\\r"
    lines:        every complete line without its end, blank ones included, BOM removed
    overflow:     there were more than MAX_LINES lines; the rest is in `leftover`, unread
    """

    events: tuple[Event, ...]
    leftover: bytes
    bom: bool
    line_endings: frozenset[str]
    lines: tuple[bytes, ...]
    overflow: bool = False

    @property
    def dispatched(self) -> tuple[Event, ...]:
        """The events that the standard hands to the application."""
        return tuple(event for event in self.events if event.dispatched)


def read(parts: Sequence[Part]) -> EventStream:
    """Read the parts of a body as an event stream.

    A line is complete when the first byte of its end has arrived, so a CRLF that is split over two
    parts completes with the first.
    """
    body = b"".join(part.data for part in parts)
    bom = body.startswith(BOM)
    start = block_start = len(BOM) if bom else 0
    ends = list(accumulate(len(part.data) for part in parts))
    events: list[Event] = []
    lines: list[bytes] = []
    endings: set[str] = set()
    block: list[bytes] = []
    overflow = False
    for end in _LINE_END.finditer(body, start):
        if len(lines) >= MAX_LINES:
            overflow = True
            break
        line = body[start : end.start()]
        lines.append(line)
        endings.add(end[0].decode())
        start = end.end()
        if line:
            block.append(line)
            continue
        if block:
            at_ns = parts[bisect_right(ends, end.start())].at_ns
            events.append(_event(block, body[block_start:start], at_ns))
            block = []
        block_start = start
    return EventStream(tuple(events), body[block_start:], bom, frozenset(endings), tuple(lines), overflow)


def _event(block: list[bytes], raw: bytes, at_ns: int) -> Event:
    comments: list[str] = []
    fields: list[tuple[str, str, bool]] = []
    last: dict[str, str] = {}
    data: list[str] = []
    valid = True
    for line in block:
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError:
            text, valid = line.decode("utf-8", "replace"), False
        name, _, value = text.partition(":")
        spaced = value.startswith(" ")
        value = value[1:] if spaced else value
        if text.startswith(":"):
            comments.append(value)
            continue
        fields.append((name, value, spaced))
        if name == "data":
            data.append(value)
        elif name in _ACCEPTED and _ACCEPTED[name](value):
            last[name] = value
    return Event(
        event=last.get("event"),
        data="\n".join(data) if data else None,
        id=last.get("id"),
        retry=last.get("retry"),
        comments=tuple(comments),
        raw=raw,
        at_ns=at_ns,
        fields=tuple(fields),
        valid_utf8=valid,
    )
