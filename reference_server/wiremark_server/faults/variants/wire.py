"""How documents and events are written as bytes, and into what pieces they are cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from wiremark_server.faults.change import octets, prefixed, whole_body, without_header
from wiremark_server.faults.edit import Body, BytesStep, Octets, On
from wiremark_server.faults.variants.writing import JSON, SSE, named

_variant = named("wire")
_STREAMS, _ANSWERS, _REFUSALS = On(form="stream"), On(form="answer"), On(form="refusal")
_GEMINI = "gemini."  # whose own SDKs read lines of data and no others
_EVENTS = On(form="stream", where=lambda ask: not ask.operation.startswith(_GEMINI))
_DOCUMENTS = (_ANSWERS, _REFUSALS)
_PIECES = "TCP and the transfer coding keep no borders of messages."


def _rewritten(write: Callable[[Any], str]) -> tuple[Octets, ...]:
    """Documents written by another encoder; what is not JSON stays."""

    def change(data: bytes) -> bytes:
        try:
            return write(msgspec.json.decode(data)).encode()
        except msgspec.DecodeError:
            return data

    return tuple(whole_body(change, on) for on in _DOCUMENTS)


def _after_blanks(data: bytes) -> bytes:
    return b" \n \n" + data if data[:1] in (b"{", b"[") else data


def _turned(value: Any) -> Any:
    """Members in another order, at every depth."""
    if isinstance(value, dict):
        return {name: _turned(value[name]) for name in reversed(value)}
    return [_turned(entry) for entry in value] if isinstance(value, list) else value


def _pieces(size: int) -> Callable[[bytes], Iterator[bytes]]:
    return lambda data: (data[at : at + size] for at in range(0, len(data), size))


def _between(extra: bytes) -> Octets:
    """Bytes after every event."""
    return octets(lambda data: [data, extra] if data.endswith(b"\n\n") else [data], _EVENTS)


def _in_pairs() -> BytesStep:
    """Two events in one piece."""
    held: list[bytes] = []

    def step(data: bytes | None) -> Iterable[bytes]:
        if data is not None:
            held.append(data)
        if held and (data is None or len(held) == 2):
            joined = b"".join(held)
            held.clear()
            return (joined,)
        return ()

    return step


TABLE = (
    _variant(
        "json.indented",
        "Documents are laid out over many lines.",
        JSON,
        *_rewritten(lambda value: json.dumps(value, indent=2, ensure_ascii=False) + "\n"),
    ),
    _variant(
        "json.ascii",
        "Documents have escapes for all but ASCII.",
        JSON,
        *_rewritten(lambda value: json.dumps(value)),
    ),
    _variant(
        "json.turned",
        "The members of documents are in another order.",
        JSON,
        *(Body(on, _turned) for on in _DOCUMENTS),
    ),
    _variant(
        "json.blank",
        "Documents begin with blank space, as when a proxy keeps a connection alive.",
        JSON,
        *(whole_body(_after_blanks, on) for on in _DOCUMENTS),
    ),
    _variant(
        "chunked",
        "Documents come in the chunked transfer coding.",
        "RFC 9112, section 6.1.",
        without_header(On(), b"content-length"),
        *(octets(_pieces(100), on) for on in _DOCUMENTS),
    ),
    _variant("sse.comments", "There are comments between events.", SSE, _between(b": keep-alive\n\n")),
    _variant(
        "sse.comment-first",
        "A stream begins with a comment.",
        SSE,
        prefixed(b": PROCESSING\n\n", _EVENTS),
    ),
    _variant("sse.blank-lines", "There are blank lines more between events.", SSE, _between(b"\n\n")),
    _variant(
        "sse.unknown-field",
        "Events have a field that the format does not know.",
        SSE,
        octets(lambda data: [b"x-time: 1\n" + data if data.startswith(b"data") else data], _EVENTS),
    ),
    _variant(
        "sse.retry",
        "Events say when to connect again.",
        SSE,
        octets(lambda data: [b"retry: 3000\n" + data if data.startswith(b"data") else data], _EVENTS),
    ),
    _variant(
        "pieces.sevens",
        "Streams come in pieces of seven bytes, characters cut in two.",
        _PIECES,
        octets(_pieces(7), _STREAMS),
    ),
    _variant(
        "pieces.whole",
        "A stream comes in one piece when it is complete.",
        _PIECES,
        whole_body(lambda data: data, _STREAMS),
    ),
    _variant(
        "pieces.bytes",
        "Streams come byte by byte.",
        _PIECES,
        octets(_pieces(1), _STREAMS),
        socket=True,
    ),
)
