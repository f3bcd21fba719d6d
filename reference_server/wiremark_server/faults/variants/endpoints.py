"""Refusals, lists and rows: more members, other orders, other words."""

from __future__ import annotations

from typing import Any

from wiremark_server.faults.change import body, put
from wiremark_server.faults.variants.writing import OPEN, named

_variant = named("endpoint")
_MODELS, _MODEL, _ROWS, _BALANCE = "models.list", "models.get", "usage.list", "balance.get"
_ORDER = "Nothing promises an order."


def _refusals(change: Any) -> Any:
    return body(change, None, "refusal")


def _of_openai(change: Any) -> Any:
    """For lists in OpenAI's form: those of other formats come in pages, in an order that is promised."""
    return lambda document: change(document) if document.get("object") == "list" else document


def _more_models(document: Any) -> Any:
    document["data"] += [
        {"id": f"example-other-{n}", "object": "model", "created": 1700000000 + n, "owned_by": "example"}
        for n in range(200)
    ]
    return document


def _reversed(document: Any) -> Any:
    document["data"].reverse()
    return document


def _paged(document: Any) -> Any:
    ids = [entry.get("id") for entry in document["data"]]
    return {**document, "has_more": False, "first_id": ids[0], "last_id": ids[-1]}


TABLE = (
    _variant(
        "errors.more-members",
        "`error` has members that no schema names.",
        OPEN,
        _refusals(put("/error/metadata", {"provider": "example", "retryable": False})),
    ),
    _variant(
        "errors.more-beside",
        "There are members beside `error`.",
        OPEN,
        _refusals(put("/trace", "tr-1")),
        _refusals(put("/status", "error")),
    ),
    _variant(
        "errors.long",
        "The message of an error is several thousand characters long.",
        "The message is for people, and no length is promised.",
        _refusals(put("/error/message", lambda text: f"{text} {'Please read on. ' * 300}")),
    ),
    _variant(
        "errors.unicode",
        "The message of an error is not in ASCII.",
        "The message is for people, in any language.",
        _refusals(put("/error/message", lambda text: f"{text} - señor, 请求无效 ✗")),
    ),
    _variant(
        "errors.multiline",
        "The message of an error has several lines and quotes.",
        "The message is for people.",
        _refusals(put("/error/message", lambda text: f'{text}\n\n  • "see" the documentation\n')),
    ),
    _variant(
        "models.many",
        "The list has 200 models more.",
        "More models may be listed.",
        body(_of_openai(_more_models), _MODELS),
    ),
    _variant(
        "models.reversed",
        "The list of models is in another order.",
        _ORDER,
        body(_of_openai(_reversed), _MODELS),
    ),
    _variant(
        "models.more-members",
        "Models have members that no schema names.",
        OPEN,
        body(put("/data/*/permission", []), _MODELS),
        body(put("/data/*/root", None), _MODELS),
        body(put("/pricing", {"prompt": "0"}), _MODEL),
    ),
    _variant(
        "models.paged", "The list of models says that it is all.", OPEN, body(_of_openai(_paged), _MODELS)
    ),
    _variant("rows.reversed", "The usage rows are in another order.", _ORDER, body(_reversed, _ROWS)),
    _variant(
        "balance.more-members",
        "The balance has members that no schema names.",
        OPEN,
        body(put("/currency", "USD"), _BALANCE),
    ),
)
