"""Embeddings: request documents in, vectors out. Pure functions."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from wiremark_server.dialects import token_ids
from wiremark_server.dialects.validation import RequestSchema, check_integers
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Usage

_SCHEMA = RequestSchema("openai/embeddings.request")


@dataclass(frozen=True, slots=True)
class Asked:
    """texts:      inputs in order; token arrays as texts of as many tokens
    dimensions: length of the vectors; None for the model's own
    base64:     vectors as text rather than as arrays of numbers
    """

    model: str
    texts: tuple[str, ...]
    dimensions: int | None
    base64: bool


def decode(document: Mapping[str, Any]) -> Asked:
    """Raise ProblemError (400) with the JSON path of what is wrong."""
    _SCHEMA.check(dict(document))
    check_integers(document, ("dimensions",))
    if document["input"] == "":
        raise problem.invalid_request("Invalid value for 'input': it cannot be an empty string.", "input")
    return Asked(
        model=document["model"],
        texts=token_ids.texts(document["input"], "input"),
        dimensions=document.get("dimensions"),
        base64=document.get("encoding_format") == "base64",
    )


def encode(asked: Asked, model: str, vectors: Sequence[array[float]], usage: Usage) -> bytes:
    written = _base64 if asked.base64 else _numbers
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": written(vector)}
                for index, vector in enumerate(vectors)
            ],
            "model": model,
            "usage": {"prompt_tokens": usage.prompt, "total_tokens": usage.total},
        }
    )


def _numbers(vector: array[float]) -> list[float]:
    return vector.tolist()


def _base64(vector: array[float]) -> str:
    """Little-endian floats of four bytes, whatever this machine's own order is."""
    if sys.byteorder == "big":
        vector = array("f", vector)
        vector.byteswap()
    return base64.b64encode(vector.tobytes()).decode()
