"""Responses: what their format leaves to the server.

What is stored is said twice, so nothing here changes what a response and its copy must have in common.
"""

from __future__ import annotations

from collections.abc import Iterable

from wiremark_server.faults.change import has, lacks, octets, put, status, take
from wiremark_server.faults.derived.surfaces.responses import CONTRACT, CREATE, numbering
from wiremark_server.faults.edit import Body, Events, On
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.typed import TypedStream
from wiremark_server.faults.variants.writing import NULLABLE, OPEN, OPTIONAL, SSE, named

_variant = named("responses", CONTRACT)
_STREAM = TypedStream(CREATE)
_ANSWERS, _STREAMS = On(CREATE, "answer"), On(CREATE, "stream")
_DELTA = "response.output_text.delta"
_ONCE = lacks("background")  # a stream that can be asked for again is told the same again
_SIZES = "Nothing says how much of the text an event holds."
_NUMBERED = Events(numbering, On(CREATE, "stream", _ONCE))


def _characters(frame: Frame, _: int) -> Iterable[Frame]:
    return [frame.with_value({**frame.value, "delta": character}) for character in frame.value["delta"]]


def _commented(data: bytes) -> Iterable[bytes]:
    return (data, b": keep-alive\n\n")


TABLE = (
    _variant(
        "more-members",
        "A response has a member that nobody knows.",
        OPEN,
        Body(_ANSWERS, put("/wiremark", {})),
    ),
    _variant(
        "no-metadata",
        "The metadata of a response that was given none are null.",
        NULLABLE,
        Body(On(CREATE, "answer", lacks("metadata")), put("/metadata", None)),
    ),
    _variant(
        "other-tier",
        "Another service tier did the work.",
        "The tier that is told is the one that was used.",
        Body(_ANSWERS, put("/service_tier", "flex")),
    ),
    _variant(
        "characters",
        "Every character of a text comes alone.",
        _SIZES,
        _STREAM.events(_characters, _DELTA, where=_ONCE),
        _NUMBERED,
    ),
    _variant(
        "not-begun",
        "No event says that the response is in progress.",
        "The end of a response says all that it says.",
        _STREAM.gone("response.in_progress", where=_ONCE),
        _NUMBERED,
    ),
    _variant(
        "obfuscated",
        "Pieces of text carry noise that hides their length.",
        "`stream_options.include_obfuscation` is on unless it is switched off.",
        _STREAM.changed(put("/obfuscation", "Zx81q"), _DELTA, where=_ONCE),
    ),
    _variant("comments", "There are comments between events.", SSE, octets(_commented, _STREAMS)),
    _variant(
        "error-hint",
        "Errors have a member that nobody knows.",
        OPEN,
        Body(On(CREATE, "refusal"), put("/error/hint", "Read the documentation.")),
    ),
    _variant(
        "unprocessable",
        "Invalid requests are answered with 422.",
        "RFC 9110, section 15.5.21; the format names no status.",
        status(On(CREATE, "refusal", has("input"), 400), 422),
    ),
    _variant(
        "delete-bare",
        "A deletion says what was deleted and not that it is a response.",
        OPTIONAL,
        Body(On("responses.delete", "answer"), take("/object")),
    ),
)
