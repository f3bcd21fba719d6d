"""Streams of Gemini: what their schema and the order of their chunks do not say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wiremark_server.faults.change import body, frames, put, rearranged, values, whole_body, with_header
from wiremark_server.faults.edit import Events, On
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.tables.gemini.words import STREAM, contents, fault

_EMPTY = Frame(value={"candidates": []})


def _chunk(frame: Frame, _: int) -> bool:
    return isinstance(frame.value, dict)


def _each(change: Callable[[Any], Any]) -> Events:
    return values(_chunk, change, operation=STREAM)


def _snake(chunk: Any) -> Any:
    for candidate in chunk.get("candidates", ()):
        if "finishReason" in candidate:
            candidate["finish_reason"] = candidate.pop("finishReason")
    return chunk


def _growing(held: list[Frame]) -> Iterable[Frame]:
    """Each chunk says again what was said before."""
    said = ""
    for frame in held:
        for content in contents(frame.value) if isinstance(frame.value, dict) else ():
            for part in content["parts"]:
                if isinstance(part.get("text"), str) and not part.get("thought"):
                    said += part["text"]
                    part["text"] = said
        yield frame


def _numbered(held: list[Frame]) -> Iterable[Frame]:
    """Every chunk has a `responseId` of its own."""
    for number, frame in enumerate(held):
        known = isinstance(frame.value, dict)
        yield frame.with_value({**frame.value, "responseId": f"r{number}"}) if known else frame


def _one_more(count: Any) -> Any:
    return (count or 0) + 1


def _elements(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A change of every element of a stream that is one array."""
    return lambda document: [change(chunk) for chunk in document] if isinstance(document, list) else document


def _unfinished(document: Any) -> Any:
    for candidate in document[-1].get("candidates", ()):
        candidate.pop("finishReason", None)
    return document


_ARRAY = On(STREAM, "answer")

TABLE: tuple[Fault, ...] = (
    fault(
        "stream.snake-case",
        "shape",
        "The finish reason of a stream has its name in snake case.",
        _each(_snake),
        catches=("gemini.stream.camel-case", "gemini.stream.finish"),
    ),
    fault(
        "stream.no-candidates",
        "stream",
        "The first chunk of a stream has no candidates.",
        frames(lambda frame, number: _chunk(frame, 0) and number == 0, lambda f: (_EMPTY, f), STREAM),
        catches=("gemini.stream.candidates",),
    ),
    fault(
        "stream.growing",
        "stream",
        "Each chunk says again what was said before.",
        rearranged(_growing, operation=STREAM),
        catches=("gemini.stream.increments",),
    ),
    fault(
        "stream.ids",
        "stream",
        "Every chunk of a stream has a `responseId` of its own.",
        rearranged(_numbered, operation=STREAM),
        catches=("gemini.stream.response-id",),
    ),
    fault(
        "stream.usage-total",
        "semantics",
        "`totalTokenCount` of a stream is one more than its parts.",
        _each(lambda chunk: put("/usageMetadata/totalTokenCount", _one_more)(chunk)),
        catches=("gemini.stream.usage.total",),
    ),
    fault(
        "stream.array-lines",
        "wire",
        "Without `alt=sse` the chunks are lines, and no array.",
        whole_body(lambda data: data.strip(b"[]").replace(b",\r\n", b"\n"), _ARRAY),
        catches=("gemini.stream.array.form",),
    ),
    fault(
        "stream.array-type",
        "headers",
        "A stream that is one array is said to be events.",
        with_header(_ARRAY, b"content-type", b"text/plain"),
        catches=("gemini.stream.array.content-type",),
    ),
    fault(
        "stream.array-types",
        "shape",
        "In a stream that is one array the index of a candidate is a text.",
        body(_elements(put("/candidates/*/index", "0")), STREAM),
        catches=("gemini.stream.array.types",),
    ),
    fault(
        "stream.array-unfinished",
        "stream",
        "A stream that is one array ends without a finish reason.",
        body(_unfinished, STREAM),
        catches=("gemini.stream.array.finish",),
    ),
)
