"""Gemini: what its format leaves to the server, and what Google's own answers look like at times."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from wiremark_server.faults.change import Change, body, put, rearranged, values
from wiremark_server.faults.edit import Edit, Events
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.tables.gemini.words import CONTRACT, GENERATE, STREAM, answers, contents
from wiremark_server.faults.variants.writing import OPEN, OPTIONAL, named

_variant = named("gemini", CONTRACT)
_USAGE = "/usageMetadata"
_SAFE = [
    {"category": f"HARM_CATEGORY_{name}", "probability": "NEGLIGIBLE"}
    for name in ("HATE_SPEECH", "DANGEROUS_CONTENT", "HARASSMENT", "SEXUALLY_EXPLICIT")
]
_HELP = {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"url": "https://example.com/errors"}]}
_ZERO = "JSON of protocol buffers: a field that has its default value may be left out."
_SIZES = "Nothing says how much of the text a chunk holds."


def _chunk(frame: Frame, _: int) -> bool:
    return isinstance(frame.value, dict) and "candidates" in frame.value


def _everywhere(change: Change) -> tuple[Edit, ...]:
    """The same in whole answers and in every chunk of a stream."""
    return answers(change), values(_chunk, change, operation=STREAM)


def _streams(change: Callable[[list[Frame]], Iterable[Frame]]) -> Events:
    return rearranged(change, operation=STREAM)


def _without_zeros(document: Any) -> Any:
    usage = document.get("usageMetadata")
    if isinstance(usage, dict):
        document["usageMetadata"] = {name: count for name, count in usage.items() if count != 0}
    return document


def _without_index(document: Any) -> Any:
    """A single candidate has the number 0."""
    for candidate in document.get("candidates", ()):
        if candidate.get("index") == 0:
            del candidate["index"]
    return document


def _ends_alone(held: list[Frame]) -> Iterator[Frame]:
    """What a candidate ends with comes after its last text, in a chunk without any."""
    for frame in held:
        said = (
            [part for content in contents(frame.value) for part in content["parts"]]
            if _chunk(frame, 0)
            else []
        )
        ends = _chunk(frame, 0) and any(one.get("finishReason") for one in frame.value["candidates"])
        if not ends or len(frame.value["candidates"]) > 1 or not any(part.get("text") for part in said):
            yield frame
            continue
        first, last = copy.deepcopy(frame.value), copy.deepcopy(frame.value)
        first.pop("usageMetadata", None)
        first["candidates"][0].pop("finishReason")
        first["candidates"][0].pop("logprobsResult", None)
        last["candidates"][0]["content"]["parts"] = [{"text": ""}]
        yield frame.with_value(first)
        yield frame.with_value(last)


def _by_characters(held: list[Frame]) -> Iterator[Frame]:
    """Every character of an answer alone, of chunks that hold one text and nothing else."""
    for frame in held:
        parts = (
            [part for content in contents(frame.value) for part in content["parts"]]
            if _chunk(frame, 0)
            else []
        )
        single = len(parts) == 1 and parts[0].keys() == {"text"} and len(parts[0]["text"]) > 1
        if not single or any(one.get("finishReason") for one in frame.value["candidates"]):
            yield frame
            continue
        for character in parts[0]["text"]:
            value = copy.deepcopy(frame.value)
            value["candidates"][0]["content"]["parts"][0]["text"] = character
            yield frame.with_value(value)


TABLE = (
    _variant(
        "more-members",
        "Answers, candidates and counts have members that nobody knows.",
        OPEN,
        *_everywhere(put("/wiremark", {"a": 1})),
        *_everywhere(put("/candidates/*/wiremark", [])),
        *_everywhere(put(f"{_USAGE}/wiremarkTokenCount", 0)),
    ),
    _variant(
        "safety-ratings",
        "Candidates are rated, and found harmless.",
        "`safetyRatings` of a candidate are part of its schema.",
        *_everywhere(put("/candidates/*/safetyRatings", _SAFE)),
    ),
    _variant(
        "token-details",
        "The usage says of which kind the tokens are, and which traffic they count as.",
        OPTIONAL,
        answers(put(f"{_USAGE}/promptTokensDetails", [{"modality": "TEXT", "tokenCount": 4}])),
        answers(put(f"{_USAGE}/trafficType", "ON_DEMAND")),
    ),
    _variant(
        "average-logprobs",
        "Candidates tell the mean log probability of their tokens.",
        OPTIONAL,
        answers(put("/candidates/*/avgLogprobs", -0.0123)),
    ),
    _variant("no-zeros", "Counts of 0 are left out.", _ZERO, *_everywhere(_without_zeros)),
    _variant("no-index", "The first candidate has no index.", _ZERO, *_everywhere(_without_index)),
    _variant(
        "version-suffix",
        "The version of the model that is told is a dated one.",
        "`modelVersion` says what answered, and no more is promised.",
        *_everywhere(put("/modelVersion", lambda name: f"{name}-001", absent_too=False)),
    ),
    _variant(
        "create-time",
        "Answers tell when they were made.",
        OPEN,
        *_everywhere(put("/createTime", "2026-01-01T00:00:00.123456Z")),
    ),
    _variant(
        "id-uuid",
        "The id of a whole answer is a UUID.",
        "The id is opaque.",
        answers(put("/responseId", lambda name: str(uuid.uuid5(uuid.NAMESPACE_URL, name)), absent_too=False)),
    ),
    _variant("end-alone", "A chunk without text tells the end.", _SIZES, _streams(_ends_alone)),
    _variant("characters", "Every character of a text comes alone.", _SIZES, _streams(_by_characters)),
    _variant(
        "error-help",
        "Errors link to help.",
        "`details` may hold any message with a type URL.",
        body(
            put("/error/details", lambda found: [*(found or ()), copy.deepcopy(_HELP)]), GENERATE, "refusal"
        ),
    ),
    _variant(
        "models-described",
        "Models are described in more words than the reference has.",
        OPTIONAL,
        body(put("/models/*/description", "A model."), "models.list"),
        body(put("/models/*/temperature", 1), "models.list"),
        body(put("/models/*/thinking", True), "models.list"),
    ),
)
