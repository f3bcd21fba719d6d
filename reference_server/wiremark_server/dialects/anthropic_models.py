"""The models routes as Anthropic's clients read them: pages of entries, in the contract's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from wiremark_schemas.contracts import Model

from wiremark_server.clock import rfc3339
from wiremark_server.domain import problem

_DEFAULT_PAGE, _LARGEST_PAGE = 20, 1000


def entry(model: Model) -> Mapping[str, Any]:
    """One model object. Extension fields never hide the standard ones."""
    return {
        "display_name": model.id,
        **model.extensions,
        "type": "model",
        "id": model.id,
        "created_at": rfc3339(model.created),
        "lifecycle": "active",
        "max_input_tokens": model.context_tokens,
        "max_tokens": model.max_output_tokens,
    }


def encode_one(model: Model) -> bytes:
    return msgspec.json.encode(entry(model))


def encode_list(models: Sequence[Model], query: Mapping[str, str]) -> bytes:
    """A page: at most `limit` models after `after_id`, or before `before_id`. Raises ProblemError."""
    if "after_id" in query and "before_id" in query:
        raise problem.invalid_request("'after_id' and 'before_id' cannot both be given.", "before_id")
    limit = _limit(query.get("limit"))
    start, end = 0, len(models)
    if "after_id" in query:
        start = _position(models, query["after_id"], "after_id") + 1
    elif "before_id" in query:
        end = _position(models, query["before_id"], "before_id")
        start = max(0, end - limit)
    page = models[start : min(end, start + limit)]
    more = start > 0 if "before_id" in query else start + limit < end
    return msgspec.json.encode(
        {
            "data": [entry(model) for model in page],
            "has_more": more,
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }
    )


def _limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_PAGE
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= _LARGEST_PAGE):
        raise problem.invalid_request(
            f"Invalid value for 'limit': expected a whole number from 1 to {_LARGEST_PAGE}.", "limit"
        )
    return int(text)


def _position(models: Sequence[Model], model_id: str, param: str) -> int:
    for position, model in enumerate(models):
        if model.id == model_id:
            return position
    raise problem.invalid_request(f"Invalid value for '{param}': there is no model {model_id!r}.", param)
