"""The models routes as Google's clients read them: pages of entries, in the contract's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from wiremark_schemas.contracts import Model

from wiremark_server.domain import problem

_DEFAULT_PAGE, _LARGEST_PAGE = 50, 1000
_PREFIX = "models/"
_WRITES = ("generateContent", "streamGenerateContent", "countTokens")
_EMBEDS = ("embedContent", "batchEmbedContents")


def entry(model: Model) -> Mapping[str, Any]:
    """One model object. Extension fields never hide the standard ones."""
    found = {
        "displayName": model.id,
        "description": f"The model {model.id} of {model.owned_by}.",
        **model.extensions,
        "name": _PREFIX + model.id,
        "baseModelId": model.id,
        "version": "001",
        "inputTokenLimit": model.context_tokens,
        "outputTokenLimit": model.max_output_tokens,
        "supportedGenerationMethods": _WRITES if model.writes else _EMBEDS,
    }
    if model.writes:
        thinks = "reasoning" in model.capabilities
        found |= {"temperature": 1.0, "maxTemperature": 2.0, "topP": 0.95, "topK": 64, "thinking": thinks}
    return found


def encode_one(model: Model) -> bytes:
    return msgspec.json.encode(entry(model))


def encode_list(models: Sequence[Model], query: Mapping[str, str]) -> bytes:
    """A page: at most `pageSize` models from where `pageToken` points to. Raises ProblemError."""
    size = min(_number(query, "pageSize", _DEFAULT_PAGE) or _DEFAULT_PAGE, _LARGEST_PAGE)
    start = _number(query, "pageToken", 0)
    if start > len(models):
        raise problem.invalid_request("Invalid value for 'pageToken': there is no such page.", "pageToken")
    page: dict[str, Any] = {"models": [entry(model) for model in models[start : start + size]]}
    if start + size < len(models):
        page["nextPageToken"] = str(start + size)
    return msgspec.json.encode(page)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise problem.invalid_request(f"Invalid value for '{name}': {text[:40]!r} is not one of ours.", name)
    return int(text)
