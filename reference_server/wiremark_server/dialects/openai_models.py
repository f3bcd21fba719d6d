"""The models routes: catalogue entries with the contract's extension fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from wiremark_schemas.contracts import Model


def entry(model: Model) -> Mapping[str, Any]:
    """One model object. Extension fields never hide the four standard ones."""
    return {
        **model.extensions,
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
    }


def encode_list(models: Iterable[Model], query: Mapping[str, str]) -> bytes:  # noqa: ARG001
    """The whole list, whatever the query: clients of this dialect expect it in one page."""
    return msgspec.json.encode({"object": "list", "data": [entry(model) for model in models]})


def encode_one(model: Model) -> bytes:
    return msgspec.json.encode(entry(model))
