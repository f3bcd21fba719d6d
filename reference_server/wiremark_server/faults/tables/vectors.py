"""Embeddings and legacy completions: what their schemas do not say."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import Any

from wiremark_server.faults.change import Change, body, has, lacks, put, rearranged, with_document
from wiremark_server.faults.edit import Ask, Body, On, Question, Where
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame

_completions = named("completions", "openai")
_embeddings = named("embeddings", "openai")
_COMPLETIONS, _EMBEDDINGS = "completions.create", "embeddings.create"
_LOGPROBS = "/choices/*/logprobs"
_Numbers = list[float]


def _vectors(change: Callable[[_Numbers], _Numbers], where: Where = lambda _: True) -> Body:
    """Change every vector that is an array of numbers."""

    def apply(found: Any) -> Any:
        return change(found) if isinstance(found, list) else found

    return body(put("/data/*/embedding", apply), _EMBEDDINGS, where=where)


def _bytes(change: Callable[[bytes], bytes]) -> Body:
    """Change the bytes of every vector in base64."""

    def apply(found: Any) -> Any:
        if not isinstance(found, str):
            return found
        return base64.b64encode(change(base64.b64decode(found))).decode()

    return body(put("/data/*/embedding", apply), _EMBEDDINGS)


def _batches(change: Change) -> Body:
    """Change answers to several inputs."""
    return body(lambda document: change(document) if len(document["data"]) > 1 else document, _EMBEDDINGS)


def _doubles(data: bytes) -> bytes:
    count = len(data) // 4
    return struct.pack(f"<{count}d", *struct.unpack(f"<{count}f", data))


def _big_endian(data: bytes) -> bytes:
    count = len(data) // 4
    return struct.pack(f">{count}f", *struct.unpack(f"<{count}f", data))


def _last_forgotten(document: Any) -> Any:
    document["data"].pop()
    return document


def _last_shorter(document: Any) -> Any:
    document["data"][-1]["embedding"] = document["data"][-1]["embedding"][:-1]
    return document


def _vectors_turned(document: Any) -> Any:
    """The vectors stand in the places of others; the indexes are right."""
    found = [entry["embedding"] for entry in document["data"]]
    for entry, vector in zip(document["data"], [*found[1:], found[0]], strict=True):
        entry["embedding"] = vector
    return document


def _negated(document: Any) -> Any:
    for entry in document["data"]:
        if isinstance(entry["embedding"], list):
            entry["embedding"] = [-number for number in entry["embedding"]]
    return document


def _counted_once(document: Any) -> Any:
    document["usage"] = {"prompt_tokens": 3, "total_tokens": 3}
    return document


def _generous(ask: Ask) -> Ask:
    return with_document(ask, {**ask.document, "max_tokens": 64})


def _numbered(held: list[Frame]) -> list[Frame]:
    """Every chunk has an id of its own."""
    return [
        frame.with_value({**frame.value, "id": f"cmpl-{n}"}) if isinstance(frame.value, dict) else frame
        for n, frame in enumerate(held)
    ]


def _zeros(offsets: Any) -> Any:
    return [0 for _ in offsets]


def _all_likely(values: Any) -> Any:
    return [0.5 for _ in values]


def _crowded(values: Any) -> Any:
    return [{f"t{n}": -1.0 for n in range(12)} for _ in values]


def _other_first(tokens: Any) -> Any:
    return ["wiremark", *tokens[1:]]


def _within(name: str, change: Callable[[Any], Any]) -> Body:
    """Change one list of the log probabilities, where there are any."""

    def apply(logprobs: Any) -> Any:
        return {**logprobs, name: change(logprobs[name])} if isinstance(logprobs, dict) else logprobs

    return body(put(_LOGPROBS, apply), _COMPLETIONS)


TABLE: tuple[Fault, ...] = (
    _completions(
        "default-budget",
        "semantics",
        "Without `max_tokens` there is more than the promised sixteen tokens.",
        Question(On(_COMPLETIONS, where=lacks("max_tokens")), _generous),
        catches=("completions.max-tokens.default",),
    ),
    _completions(
        "logprobs.positive",
        "semantics",
        "Log probabilities are positive.",
        _within("token_logprobs", _all_likely),
        catches=("completions.logprobs.values",),
    ),
    _completions(
        "logprobs.crowded",
        "semantics",
        "There are more alternatives than were asked for, and not the token itself.",
        _within("top_logprobs", _crowded),
        catches=("completions.logprobs.top",),
    ),
    _completions(
        "logprobs.other-text",
        "semantics",
        "The tokens joined are another text.",
        _within("tokens", _other_first),
        catches=("completions.logprobs.text",),
    ),
    _completions(
        "logprobs.offsets-zero",
        "semantics",
        "Every token is said to begin at 0.",
        _within("text_offset", _zeros),
        catches=("completions.logprobs.offsets",),
    ),
    _completions(
        "stream.id-per-chunk",
        "stream",
        "Every chunk of a stream has an id of its own.",
        rearranged(_numbered, operation=_COMPLETIONS),
        catches=("completions.stream.id-constant",),
    ),
    _embeddings(
        "last-forgotten",
        "semantics",
        "Of several inputs the last has no vector.",
        _batches(_last_forgotten),
        catches=("embeddings.count",),
    ),
    _embeddings(
        "usage-once",
        "semantics",
        "The usage of a batch counts one of its inputs.",
        _batches(_counted_once),
        catches=("embeddings.usage.batch",),
        allows=("billing.*",),
    ),
    _embeddings(
        "last-shorter",
        "semantics",
        "The last vector of a batch has a number less.",
        _batches(_last_shorter),
        catches=("embeddings.same-length",),
    ),
    _embeddings(
        "twice-as-long",
        "semantics",
        "Vectors have the length 2.",
        _vectors(lambda found: [2 * number for number in found]),
        catches=("embeddings.unit-length",),
    ),
    _embeddings(
        "batch-turned",
        "semantics",
        "The vectors of a batch stand in each other's places.",
        _batches(_vectors_turned),
        catches=("embeddings.batch.order",),
    ),
    _embeddings(
        "batch-other",
        "semantics",
        "In a batch a text has another vector than alone.",
        _batches(_negated),
        catches=("embeddings.batch.independent",),
    ),
    _embeddings(
        "base64-doubles",
        "shape",
        "Vectors in base64 have eight bytes for each number.",
        _bytes(_doubles),
        catches=("embeddings.base64.float32",),
    ),
    _embeddings(
        "base64-big-endian",
        "shape",
        "The bytes of vectors in base64 are in the other order.",
        _bytes(_big_endian),
        catches=("embeddings.base64.same",),
    ),
    _embeddings(
        "dimensions-cut",
        "semantics",
        "A shortened vector is cut off and not brought back to the length 1.",
        _vectors(lambda found: [number / 2 for number in found], has("dimensions")),
        catches=("embeddings.dimensions.unit-length",),
    ),
)
