"""What four clients make of the same event stream: which one breaks, and how.

Each reader is a model of one client's stream handling, up to the JSON values its application sees:
`html-standard` (EventSource and JSON.parse), `openai-python` 3, `openai-node` 7 and `google-genai`
(Python) 2. They are written from the published sources and from observed behaviour, and know
nothing of HTTP statuses, of types, or of accumulating deltas. `sse.py` tells what is on the wire;
this module tells whom it hurts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from wiremark_conformance import sse
from wiremark_conformance.exchange import Part

_DONE = "[DONE]"
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Reading:
    """What one client's application got.

    events: JSON values, in order, before the stream ended or broke
    done:   the client saw the end marker and read no further
    error:  the value of an error object that the client raised as an API error, else None
    crash:  the exception that the client never meant to raise, with its cause; None when it did not
    lost:   bytes of an event that the client dropped without a word
    """

    client: str
    events: tuple[Any, ...]
    done: bool = False
    error: Any = None
    crash: str | None = None
    lost: bytes = b""


class _Crash(Exception):  # noqa: N818 - the model of another program's failure
    pass


class _ApiError(Exception):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


@dataclass
class _Log:
    """What was read so far, kept when a reader crashes."""

    events: list[Any] = field(default_factory=list)
    done: bool = False
    lost: bytes = b""


@dataclass(frozen=True, slots=True)
class _Block:
    """What a client takes for one event."""

    event: str | None
    data: str


# -- shared pieces ---------------------------------------------------------------------------------


def _body(parts: Sequence[Part]) -> bytes:
    return b"".join(part.data for part in parts)


def _lines(body: bytes) -> Iterator[bytes]:
    """Lines without their ends; a last line without an end is one too, as all three SDKs have it."""
    start = 0
    for end in _LINE_END.finditer(body):
        yield body[start : end.start()]
        start = end.end()
    if start < len(body):
        yield body[start:]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _json(text: str, exception: str, *, python: bool = False) -> Any:
    """The value of `text`; Python's own parser also takes NaN and Infinity."""
    try:
        return json.loads(text) if python else json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        shown = text if len(text) <= 60 else f"{text[:59]}…"
        raise _Crash(f"{exception}: {error} (the data was {shown!r})") from None


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.removeprefix(" ")


def _true_in_javascript(value: Any) -> bool:
    return isinstance(value, dict | list) or bool(value)


# -- the four clients ------------------------------------------------------------------------------


def _html_standard(parts: Sequence[Part], log: _Log) -> None:
    stream = sse.read(parts)
    log.lost = stream.leftover
    for event in stream.dispatched:
        if event.data == _DONE:
            log.done = True
            return
        log.events.append(_json(event.data or "", "SyntaxError"))


def _openai_python_blocks(body: bytes, log: _Log) -> Iterator[_Block]:
    event: str | None = None
    data: list[str] = []
    last_id = ""  # never reset, so every later blank line dispatches an event
    retry = False
    pending = b""
    for raw in _lines(body):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _Crash(f"UnicodeDecodeError: {error}") from None
        if not line:
            if event or data or last_id or retry:
                yield _Block(event, "\n".join(data))
            event, data, retry, pending = None, [], False, b""
            continue
        name, value = _field(line)
        if line.startswith("\ufeff"):  # becomes part of the field's name, which is then unknown
            log.lost = raw
        match name:
            case "event":
                event = value
            case "data":
                data.append(value)
                pending += raw
            case "id" if "\0" not in value:
                last_id = value
            case "retry":
                retry = retry or _is_python_int(value)
    log.lost = log.lost or pending


def _is_python_int(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def _openai_python(parts: Sequence[Part], log: _Log) -> None:
    for block in _openai_python_blocks(_body(parts), log):
        if block.data.startswith(_DONE):
            log.done = True
            return
        value = _json(block.data, "JSONDecodeError", python=True)
        if isinstance(value, dict) and value.get("error"):
            raise _ApiError(value["error"])
        thread = block.event is not None and block.event.startswith("thread.")
        log.events.append({"event": block.event, "data": value} if thread else value)


def _openai_node_blocks(body: bytes) -> Iterator[_Block]:
    event: str | None = None
    data: list[str] = []
    # JavaScript's TextDecoder drops a byte order mark and replaces what is not UTF-8. The empty line
    # at the end is the flush of an event that nothing ended.
    for raw in [*_lines(body.removeprefix(sse.BOM)), b""]:
        line = raw.decode("utf-8", "replace")
        if not line:
            if event or data:
                yield _Block(event, "\n".join(data))
            event, data = None, []
            continue
        name, value = _field(line)
        if name == "event":
            event = value
        elif name == "data":
            data.append(value)


def _openai_node(parts: Sequence[Part], log: _Log) -> None:
    for block in _openai_node_blocks(_body(parts)):
        if block.data == _DONE:
            log.done = True
            return
        value = _json(block.data, "SyntaxError")
        error = value.get("error") if isinstance(value, dict) else None
        if block.event == "error":
            raise _ApiError(error if _true_in_javascript(error) else value)
        if _true_in_javascript(error):
            raise _ApiError(error)
        plain = block.event is None or block.event.startswith(("response.", "transcript."))
        log.events.append(value if plain else {"event": block.event, "data": value})


def _google_genai_chunks(lines: Iterable[bytes]) -> Iterator[str]:
    """Data of `data: ` lines by block; any other line counts as a piece of bare JSON."""
    chunk = ""
    balance = 0
    data: list[str] = []
    for raw in lines:
        line = raw.decode("utf-8", "replace")
        if not line:
            if data:
                yield "\n".join(data)
            data = []
        elif line.startswith("data: "):
            data.append(line.removeprefix("data: "))
        else:
            balance += line.count("{") - line.count("}")
            chunk += line
            if balance == 0:
                yield chunk
                chunk = ""
    if chunk:
        yield chunk
    if data:
        yield "\n".join(data)


def _google_genai(parts: Sequence[Part], log: _Log) -> None:
    for chunk in _google_genai_chunks(_lines(_body(parts))):
        value = _json(chunk, "UnknownApiResponseError", python=True)
        # The client looks for an error by the start of the text: another key first hides it.
        if isinstance(value, dict) and next(iter(value), None) == "error":
            error = value["error"]
            code = error.get("code") if isinstance(error, dict) else None
            if not isinstance(code, int | float):
                raise _Crash(f"TypeError: an error's code must be a number to be compared, not {code!r}")
            if 400 <= code < 600:
                raise _ApiError(error)
        log.events.append(value)


_CLIENTS: Mapping[str, Callable[[Sequence[Part], _Log], None]] = {
    "html-standard": _html_standard,
    "openai-python": _openai_python,
    "openai-node": _openai_node,
    "google-genai": _google_genai,
}

CLIENTS = tuple(_CLIENTS)
OPENAI_CLIENTS = ("html-standard", "openai-python", "openai-node")


def read(client: str, parts: Sequence[Part]) -> Reading:
    """Read a body as `client` (one of CLIENTS) does. Never raises for what the body holds."""
    log = _Log()
    error: Any = None
    crash: str | None = None
    try:
        _CLIENTS[client](parts, log)
    except _ApiError as raised:
        error = raised.value
    except _Crash as raised:
        crash = str(raised)
    return Reading(client, tuple(log.events), log.done, error, crash, b"" if log.done else log.lost)


def broken(parts: Sequence[Part], clients: Iterable[str] = OPENAI_CLIENTS) -> tuple[str, ...]:
    """One sentence for each client that crashes on a body or silently loses an event of it."""
    sentences = []
    for client in clients:
        reading = read(client, parts)
        after = f"after {len(reading.events)} event(s)"
        if reading.crash is not None:
            sentences.append(f"{client} breaks {after}: {reading.crash}")
        elif reading.lost:
            sentences.append(f"{client} silently drops {len(reading.lost)} bytes {after}")
    return tuple(sentences)
