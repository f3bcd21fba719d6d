"""What a response said and when, read after it ended: outcome, usage, first token, gaps. Pure.

Only the events before the first token and from the last token on are decoded; those between are counted
by their framing. A sampled share is decoded whole, so that a stream that is fast but broken is found.

Error classes: `http-STATUS`, `stream-error` (an error event inside a 200), `broken-stream:WHAT`,
`broken-answer:WHAT`.
"""

from __future__ import annotations

import json
import operator
import re
from dataclasses import dataclass
from typing import Any

from wiremark_loadtests.bill.receipts import Outcome
from wiremark_loadtests.client.wire import ResponseReader

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINE_END = re.compile(rb"\r\n|\n|\r")
# Inside a JSON string the quotes of this text would be escaped, so a match is a key of the chunk itself.
_FINISH = re.compile(rb'"finish_reason"\s*:\s*"')
_DONE = b"[DONE]"
_TEXT_FIELDS = ("content", "refusal", "reasoning_content", "reasoning")


class _Broken(Exception):  # noqa: N818  an outcome, not a defect of this program
    """The answer breaks a rule; the text is the error class."""


@dataclass(frozen=True, slots=True)
class Answer:
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


def read(response: ResponseReader, *, streamed: bool, deep: bool = False) -> Answer:
    """Judge a complete response; `deep` decodes every event of a stream."""
    if response.status != 200:
        refused = 400 <= response.status < 500
        return Answer(Outcome.REFUSED if refused else Outcome.FAILED, f"http-{response.status}")
    return _read_stream(response, deep) if streamed else _read_plain(response)


def data_events(parts: list[tuple[int, bytes]]) -> tuple[list[int], list[bytes], bytes]:
    """Of the events that carry data: when the last byte of each arrived, and its data. And what follows
    the last complete event.
    """
    body = b"".join([data for _, data in parts])
    return _usual_events(parts, body) or _any_events(parts, body)


def _usual_events(parts: list[tuple[int, bytes]], body: bytes) -> tuple[list[int], list[bytes], bytes] | None:
    """The events of a body in which each is one line `data: …` and each part ends with an event.

    Almost every server writes so, and it can be told by counting; None when it cannot.
    """
    arrivals: list[int] = []
    for at_ns, data in parts:
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


def _any_events(parts: list[tuple[int, bytes]], body: bytes) -> tuple[list[int], list[bytes], bytes]:
    rest = iter(parts)
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


def _read_stream(response: ResponseReader, deep: bool) -> Answer:
    content_type = response.header("content-type") or ""
    if not content_type.lower().startswith("text/event-stream"):
        return Answer(Outcome.FAILED, "broken-stream:not-an-event-stream")
    arrivals, payloads, tail = data_events(response.parts)
    tokens: tuple[int, int] | None = None
    try:
        tokens = _usage_near_the_end(payloads)
        return _whole_stream(arrivals, payloads, tail, tokens, deep)
    except _Broken as broken:
        return Answer(Outcome.FAILED, str(broken), tokens)


def _whole_stream(
    arrivals: list[int], payloads: list[bytes], tail: bytes, tokens: tuple[int, int] | None, deep: bool
) -> Answer:
    if tail.strip(b"\r\n"):
        raise _Broken("broken-stream:unterminated-event")
    if _DONE not in payloads:
        raise _Broken("broken-stream:no-done")
    if payloads.index(_DONE) != len(payloads) - 1:
        raise _Broken("broken-stream:data-after-done")
    finishes = sum(1 for _ in _FINISH.finditer(b"\n".join(payloads)))
    if finishes != 1:
        raise _Broken("broken-stream:no-finish" if not finishes else "broken-stream:many-finishes")
    if tokens is None:
        raise _Broken("broken-stream:no-usage")
    if deep:
        _decode_all(payloads[:-1])
    first, last = _token_span(payloads[:-1])
    stamps = arrivals[first:last]
    gaps = tuple(map(operator.sub, stamps[1:], stamps))
    return Answer(Outcome.OK, "", tokens, stamps[0] if stamps else None, gaps)


def _usage_near_the_end(payloads: list[bytes]) -> tuple[int, int] | None:
    """The last usage told, looking at the last events only; raise when one of those is an error."""
    for data in reversed(payloads[-4:]):
        if data == _DONE:
            continue
        chunk = _decode(data)
        usage = _tokens_of(chunk)
        if usage is not None:
            return usage
    return None


def _token_span(payloads: list[bytes]) -> tuple[int, int]:
    """Positions of the first token-bearing event and of the one after the last; equal when there is none."""
    first = next((i for i, data in enumerate(payloads) if _bears_token(_decode(data))), len(payloads))
    last = len(payloads)
    while last > first and not _bears_token(_decode(payloads[last - 1])):
        last -= 1
    return first, last


def _decode_all(payloads: list[bytes]) -> None:
    """Decode every chunk: each is a chat chunk of one and the same answer."""
    ids = set()
    for data in payloads:
        chunk = _decode(data)
        if chunk.get("object") != "chat.completion.chunk":
            raise _Broken("broken-stream:not-a-chat-chunk")
        ids.add(chunk.get("id"))
    if len(ids) > 1:
        raise _Broken("broken-stream:id-changes")


def _decode(data: bytes) -> dict[str, Any]:
    try:
        chunk = json.loads(data)
    except ValueError:
        raise _Broken("broken-stream:not-json") from None
    if not isinstance(chunk, dict):
        raise _Broken("broken-stream:not-an-object")
    if chunk.get("error") is not None:
        raise _Broken("stream-error")
    return chunk


def _bears_token(chunk: dict[str, Any]) -> bool:
    choices = chunk.get("choices")
    if not isinstance(choices, list):
        raise _Broken("broken-stream:no-choices")
    for choice in choices:
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not isinstance(delta, dict):
            raise _Broken("broken-stream:no-delta")
        if delta.get("tool_calls") or any(delta.get(field) for field in _TEXT_FIELDS):
            return True
    return False


def _tokens_of(document: dict[str, Any]) -> tuple[int, int] | None:
    usage = document.get("usage")
    if not isinstance(usage, dict):
        return None
    counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
    match counts:
        case (int() as prompt, int() as completion) if prompt >= 0 and completion >= 0:
            return prompt, completion
    return None


def _read_plain(response: ResponseReader) -> Answer:
    try:
        document = json.loads(response.body)
    except ValueError:
        return Answer(Outcome.FAILED, "broken-answer:not-json")
    if not isinstance(document, dict):
        return Answer(Outcome.FAILED, "broken-answer:not-an-object")
    tokens = _tokens_of(document)
    if tokens is None:
        return Answer(Outcome.FAILED, "broken-answer:no-usage")
    match document.get("choices"):
        case [{"message": dict(), "finish_reason": str()}, *_]:
            return Answer(Outcome.OK, "", tokens)
    return Answer(Outcome.FAILED, "broken-answer:no-finished-choice", tokens)
