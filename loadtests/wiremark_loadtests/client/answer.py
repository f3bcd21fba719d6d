"""What a response said and when, read after it ended: outcome, usage, first token, gaps. Pure.

Only the events before the first token and from the last token on are decoded; those between are counted
by their framing. Of a plain answer the usage is found by its name. A sampled share is decoded whole, so that
what is fast but broken is found.

Error classes: `http-STATUS`, `stream-error` (an error event inside a 200), `broken-stream:WHAT`,
`broken-answer:WHAT`.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Sequence
from typing import NamedTuple

from wiremark_loadtests.bill.receipts import SUCCESSES, Outcome
from wiremark_loadtests.client.wire import ResponseReader
from wiremark_loadtests.formats import CHAT
from wiremark_loadtests.formats.base import Broken, Format, Tokens, decode

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE_END = re.compile(rb"\r\n|\n|\r")

Events = tuple[list[int], list[bytes], bytes]


class Answer(NamedTuple):
    """One request's result.

    error:          error class, "" when the outcome is ok
    tokens:         (prompt, completion) as told, also by a stream that broke afterwards
    first_token_ns: arrival of the first token-bearing event, on the clock of the response's parts
    gaps_ns:        times between consecutive token-bearing events; 0 for those that arrived together
    """

    outcome: Outcome
    error: str = ""
    tokens: tuple[int, int] | None = None
    first_token_ns: int | None = None
    gaps_ns: tuple[int, ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """Whether tokens arrived though the usage told none."""
        return self.first_token_ns is not None and self.tokens is not None and not self.tokens[1]


def read(response: ResponseReader, *, streamed: bool, deep: bool = False, form: Format = CHAT) -> Answer:
    """Judge a complete response; `deep` looks at every event of a stream, and decodes a plain answer."""
    if response.status not in SUCCESSES:
        refused = 400 <= response.status < 500
        return Answer(Outcome.REFUSED if refused else Outcome.FAILED, f"http-{response.status}")
    return _read_stream(response, form, deep) if streamed else _read_plain(response, form, deep)


def data_events(arrived: Sequence[int], pieces: Sequence[bytes]) -> Events:
    """Of the events that carry data: when the last byte of each arrived, and its data. And what follows
    the last complete event.
    """
    body = b"".join(pieces)
    return _usual_events(arrived, pieces, body) or _any_events(arrived, pieces, body)


def _usual_events(arrived: Sequence[int], pieces: Sequence[bytes], body: bytes) -> Events | None:
    """The events of a body in which each is one line `data: …` and each piece ends with an event.

    Almost every server writes so, and it can be told by counting; None when it cannot.
    """
    arrivals: list[int] = []
    for at_ns, data in zip(arrived, pieces, strict=True):
        if data.find(b"\n\n") == len(data) - 2:
            arrivals.append(at_ns)
        elif data.endswith(b"\n\n"):
            arrivals += [at_ns] * data.count(b"\n\n")
        else:
            return None
    count = len(arrivals)
    if b"\r" in body or body.count(b"\n") != 2 * count or not body.startswith(b"data: "):
        return None
    payloads = body[6:-2].split(b"\n\ndata: ")
    return (arrivals, payloads, b"") if len(payloads) == count else None


def _any_events(arrived: Sequence[int], pieces: Sequence[bytes], body: bytes) -> Events:
    rest = zip(arrived, pieces, strict=True)
    at_ns, first = next(rest, (0, b""))
    covered = len(first)
    arrivals: list[int] = []
    payloads: list[bytes] = []
    start = 0
    for blank in _BLANK_LINE.finditer(body):
        end = blank.end()
        while covered < end:
            at_ns, data = next(rest)
            covered += len(data)
        payload = _data_of(body[start : blank.start()])
        if payload is not None:
            arrivals.append(at_ns)
            payloads.append(payload)
        start = end
    return arrivals, payloads, body[start:]


def _data_of(block: bytes) -> bytes | None:
    """The data of one event block; None when it has no data line (a comment, a ping)."""
    if block.startswith(b"data:") and b"\n" not in block and b"\r" not in block:
        return block[6:] if block.startswith(b" ", 5) else block[5:]
    lines = [line[5:] for line in _LINE_END.split(block) if line.startswith(b"data:")]
    return b"\n".join(line.removeprefix(b" ") for line in lines) if lines else None


def _read_stream(response: ResponseReader, form: Format, deep: bool) -> Answer:
    content_type = response.header("content-type") or ""
    if not content_type.lower().startswith("text/event-stream"):
        return Answer(Outcome.FAILED, "broken-stream:not-an-event-stream")
    arrivals, payloads, tail = data_events(response.arrivals, response.pieces)
    tokens: Tokens | None = None
    try:
        tokens = form.usage(payloads)
        if tail.strip(b"\r\n"):
            raise Broken("broken-stream:unterminated-event")
        contents = form.contents(payloads)
        if tokens is None:
            raise Broken("broken-stream:no-usage")
        if deep:
            form.check(contents)
        offset = payloads.index(contents[0]) if contents else 0
        first, last = _token_span(contents, form)
    except Broken as broken:
        return Answer(Outcome.FAILED, str(broken), tokens)
    stamps = arrivals[offset + first : offset + last]
    gaps = tuple(map(operator.sub, stamps[1:], stamps))
    return Answer(Outcome.OK, "", tokens, stamps[0] if stamps else None, gaps)


def _token_span(contents: Sequence[bytes], form: Format) -> tuple[int, int]:
    """Positions of the first token-bearing event and of the one after the last; equal when there is none."""
    bears = form.bears_token
    first = next((i for i, data in enumerate(contents) if bears(decode(data))), len(contents))
    last = len(contents)
    while last > first and not bears(decode(contents[last - 1])):
        last -= 1
    return first, last


def _read_plain(response: ResponseReader, form: Format, deep: bool) -> Answer:
    body = response.body
    glanced = None if deep else form.glance(body)
    if glanced is not None:
        return Answer(Outcome.OK, "", glanced)
    try:
        document = json.loads(body.decode())  # not for json to find out how it is encoded
    except (ValueError, RecursionError):
        return Answer(Outcome.FAILED, "broken-answer:not-json")
    if not isinstance(document, dict):
        return Answer(Outcome.FAILED, "broken-answer:not-an-object")
    tokens, wrong = form.plain(document)
    if tokens is None:
        return Answer(Outcome.FAILED, "broken-answer:no-usage")
    return Answer(Outcome.FAILED, wrong, tokens) if wrong else Answer(Outcome.OK, "", tokens)
