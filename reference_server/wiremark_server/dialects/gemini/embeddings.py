"""Embeddings of this dialect: request documents in, vectors out. Pure functions."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from wiremark_server.dialects.format import RequestHead
from wiremark_server.dialects.gemini.names import normalised
from wiremark_server.dialects.gemini.request import model_id
from wiremark_server.dialects.validation import RequestSchema
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Usage

_ONE = RequestSchema("gemini/embed.request")
_BATCH = RequestSchema("gemini/batch_embed.request")


@dataclass(frozen=True, slots=True)
class Asked:
    """texts: inputs in order; dimensions: length of the vectors, None for the model's own"""

    model: str
    texts: tuple[str, ...]
    dimensions: int | None


def decode(document: Mapping[str, Any], head: RequestHead) -> Asked:
    """One content. Raise ProblemError (400) with the JSON path of what is wrong."""
    asked = normalised(document, "embed.request")
    _ONE.check(asked)
    return Asked(model_id(head), (_text(asked, "content"),), asked.get("outputDimensionality"))


def decode_batch(document: Mapping[str, Any], head: RequestHead) -> Asked:
    """Several, all for the model of the path and of one length."""
    requests = (asked := normalised(document, "batch_embed.request")).get("requests") or ()
    _BATCH.check(asked)
    model = model_id(head)
    for position, one in enumerate(requests):
        if one.get("model", model).removeprefix("models/") != model:
            param = f"requests[{position}].model"
            raise problem.invalid_request(
                f"Invalid value for '{param}': it must be the model of the path, {model!r}.", param
            )
    lengths = {one.get("outputDimensionality") for one in requests}
    if len(lengths) > 1:
        raise problem.invalid_request(
            "Invalid value for 'requests': 'outputDimensionality' must be the same in all of them.",
            "requests",
        )
    texts = tuple(_text(one, f"requests[{position}].content") for position, one in enumerate(requests))
    return Asked(model, texts, lengths.pop())


def _text(asked: Mapping[str, Any], param: str) -> str:
    parts = asked["content"].get("parts") or ()
    text = "".join(part.get("text", "") for part in parts)
    if not text or any("text" not in part for part in parts):
        raise problem.invalid_request(f"Invalid value for '{param}': it needs parts with 'text'.", param)
    return text


def encode(vectors: Sequence[array[float]], usage: Usage) -> bytes:
    return msgspec.json.encode({"embedding": {"values": vectors[0].tolist()}, "usageMetadata": _usage(usage)})


def encode_batch(vectors: Sequence[array[float]], usage: Usage) -> bytes:
    return msgspec.json.encode(
        {"embeddings": [{"values": vector.tolist()} for vector in vectors], "usageMetadata": _usage(usage)}
    )


def _usage(usage: Usage) -> Mapping[str, int]:
    return {"promptTokenCount": usage.prompt, "totalTokenCount": usage.total}
