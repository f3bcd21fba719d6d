"""Whole chat answers: more, fewer and other fields than a client may be used to."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from wiremark_schemas.contracts import Contract

from wiremark_server.faults.change import body, lacks, put, take
from wiremark_server.faults.variants.writing import NULLABLE, OPEN, OPTIONAL, named

_variant = named("answer")
_MESSAGE = "/choices/*/message"
# A seed asks for the same text again, of which a whole answer and a stream, or two questions, are compared.
_PROSE = lacks("tools", "response_format", "stop", "logprobs", "seed")


def _first(document: Any, **members: Any) -> Any:
    """Members before all others."""
    return {**members, **document}


def _only(name: str) -> Callable[[Any], Any]:
    """The details with one of their counts."""
    return lambda details: {name: details.get(name, 0)} if isinstance(details, dict) else details


def _any_id(contract: Contract) -> bool:
    return contract.answer.id is None


def _any_text(contract: Contract) -> bool:
    """Whether nothing that is told counts the characters of the text."""
    return "response_characters" not in contract.answer.usage_fields.values()


def _as_uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


TABLE = (
    _variant(
        "more-members",
        "Answers have members that no schema names.",
        OPEN,
        body(lambda d: _first(d, served_by="example", charge={"usd": "0.000005"}, x_trace=None)),
    ),
    _variant(
        "more-in-choices",
        "Choices have members that no schema names.",
        OPEN,
        body(put("/choices/*/native_finish_reason", "end_turn")),
        body(put("/choices/*/stop_reason", None)),
    ),
    _variant(
        "more-in-usage",
        "The usage has counts that no schema names.",
        OPEN,
        body(put("/usage/prompt_cache_hit_tokens", 0)),
        body(put("/usage/estimate", 0.0000052)),
        body(put("/usage/queue_time", 0.0173)),
    ),
    _variant(
        "no-fingerprint",
        "`system_fingerprint` is left out.",
        OPTIONAL,
        body(take("/system_fingerprint")),
        legal=lambda contract: "system_fingerprint" not in contract.answer.always,
    ),
    _variant("no-tier", "`service_tier` is left out.", OPTIONAL, body(take("/service_tier"))),
    _variant("tier-null", "`service_tier` is null.", NULLABLE, body(put("/service_tier", None))),
    _variant(
        "tier-flex", "`service_tier` is another listed one.", OPTIONAL, body(put("/service_tier", "flex"))
    ),
    _variant(
        "no-annotations", "Messages have no `annotations`.", OPTIONAL, body(take(f"{_MESSAGE}/annotations"))
    ),
    _variant(
        "no-details",
        "The usage is three numbers and no more.",
        OPTIONAL,
        body(take("/usage/prompt_tokens_details")),
        body(take("/usage/completion_tokens_details")),
        legal=lambda contract: not contract.answer.reasoning,
    ),
    _variant(
        "details-partial",
        "The details of the usage hold one count each.",
        OPTIONAL,
        body(put("/usage/prompt_tokens_details", _only("cached_tokens"), absent_too=False)),
        body(put("/usage/completion_tokens_details", _only("reasoning_tokens"), absent_too=False)),
    ),
    _variant(
        "cached-tokens",
        "Part of the prompt was cached by the engine.",
        "The count says what happened; it may be anything up to the prompt.",
        body(put("/usage/prompt_tokens_details/cached_tokens", 4, absent_too=False)),
    ),
    _variant(
        "id-uuid",
        "The id of an answer is a UUID.",
        "The id is opaque.",
        body(put("/id", _as_uuid, absent_too=False)),
        legal=_any_id,
    ),
    _variant(
        "id-long",
        "The id of an answer is 200 characters long.",
        "The id is opaque, and no length is promised.",
        body(put("/id", lambda name: f"{name}-{'0' * 190}", absent_too=False)),
        legal=_any_id,
    ),
    _variant(
        "created-late",
        "`created` is when the request came, a few seconds ago.",
        "Nothing says which moment of the work it is, nor that clocks agree.",
        body(put("/created", lambda moment: moment - 5, absent_too=False)),
        legal=_any_id,  # one that is promised holds the moment
    ),
    _variant(
        "text-padded",
        "The text begins with a line end.",
        "The text is the model's business.",
        body(put(f"{_MESSAGE}/content", lambda t: f"\n\n{t}" if t else t), where=_PROSE),
        legal=_any_text,
    ),
    _variant(
        "text-emoji",
        "The text ends with characters outside the first plane.",
        "The text is the model's business.",
        body(put(f"{_MESSAGE}/content", lambda t: f"{t} 👋🏽🇫🇷" if t else t), where=_PROSE),
        legal=_any_text,
    ),
)
