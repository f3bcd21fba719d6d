"""Good answers of the OpenAI surfaces beside chat: embeddings and legacy completions."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from typing import Any

from wiremark_conformance.probes.completions import PROMPTS

CREATED = 1764547200
USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "total_tokens": 24}
MODEL = "us/vectors"
LONG = (0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
OTHER = (0.0, 0.0, 0.0, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def embeddings(*vectors: Any, tokens: int = 6) -> dict[str, Any]:
    entries = [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": entries, "model": MODEL, "usage": usage}


def packed(vector: Sequence[float], form: str = "<f") -> str:
    """A vector in base64; `form` is the order of bytes and the kind of number, as `struct` has them."""
    return base64.b64encode(struct.pack(f"{form[0]}{len(vector)}{form[1]}", *vector)).decode()


def completion(*texts: str, **choice: Any) -> dict[str, Any]:
    """A whole answer with these texts; without any, three tokens."""
    said = texts or ("there was a",)
    shared = {"logprobs": None, "finish_reason": "stop", **choice}
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": CREATED,
        "model": "deepseek-v4-flash",
        "choices": [{"text": text, "index": i, **shared} for i, text in enumerate(said)],
        "usage": dict(USAGE),
    }


def piece(text: str, index: int = 0, finish_reason: str | None = None) -> dict[str, Any]:
    """A chunk of a stream."""
    found = completion(text, finish_reason=finish_reason)
    found["choices"][0]["index"] = index
    del found["usage"]
    return found


def _logprobs() -> dict[str, Any]:
    tokens = ("there", " was", " a")
    return {
        "tokens": list(tokens),
        "token_logprobs": [-0.1, -0.2, -0.3],
        "top_logprobs": [{token: -0.1, " x": -2.0} for token in tokens],
        "text_offset": [0, 5, 9],
    }


def _stream(*more: Any) -> list[Any]:
    return [piece("there "), piece("was"), piece("", finish_reason="stop"), *more, "[DONE]"]


def _several() -> list[Any]:
    both = [piece(text, index) for text in ("there ", "was") for index in (0, 1)]
    ends = [piece("", index, "stop") for index in (0, 1)]
    return [*both, *ends, {**piece(""), "choices": [], "usage": dict(USAGE)}, "[DONE]"]


def bodies() -> dict[str, Any]:
    """Whole answers by probe."""
    return {
        "completions.plain": completion(),
        "completions.default": completion(),
        "completions.max-tokens": completion(finish_reason="length"),
        "completions.nulls": completion(),
        "completions.prompts": completion(*("there was a",) * 4),
        "completions.stop": completion(" 6 "),
        "completions.logprobs": completion(logprobs=_logprobs()),
        "completions.echo": {**completion(*(f"{prompt}, and" for prompt in PROMPTS)), "id": "cmpl-2"},
        "completions.tokens": completion(),
        "embeddings.plain": embeddings(list(LONG)),
        "embeddings.default": embeddings(list(LONG)),
        "embeddings.batch": embeddings(list(LONG), list(OTHER), list(LONG), tokens=20),
        "embeddings.base64": embeddings(packed(LONG)),
        "embeddings.dimensions": embeddings(list(LONG[:8])),
        "embeddings.tokens": embeddings(list(LONG), tokens=4),
        "embeddings.tokens.batch": embeddings(list(LONG), list(OTHER)),
    }


def streams() -> dict[str, list[Any]]:
    """Chunks by probe."""
    return {"completions.stream": _stream(), "completions.stream.usage": _several()}
