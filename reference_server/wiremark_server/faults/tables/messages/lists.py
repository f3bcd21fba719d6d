"""Token counts, the catalogue, and the books."""

from __future__ import annotations

from typing import Any

from wiremark_server.faults.change import (
    Change,
    put,
    take,
)
from wiremark_server.faults.edit import (
    Body,
    On,
)
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables import books
from wiremark_server.faults.tables.messages.words import (
    CONTRACT,
    NEAR,
    answer,
    fault,
    refusal,
)

_COUNT, _LIST, _GET = "messages.count_tokens", "models.list", "models.get"


def _counted(name: str, text: str, change: Change, *catches: str) -> Fault:
    return fault(
        f"count.{name}",
        "shape",
        text,
        Body(On(_COUNT, "answer"), change),
        catches=catches,
        allows=("messages.count.*",),
    )


def _listed(name: str, text: str, change: Change, *catches: str, on: str = _LIST) -> Fault:
    near = ("messages.models.*", "formats.*", "models.*")
    return fault(
        f"models.{name}", "shape", text, Body(On(on, "answer"), change), catches=catches, allows=near
    )


_ENTRY = {"type": "model", "id": "wiremark-large", "display_name": "x", "created_at": "2025-12-01T00:00:00Z"}
_PAGE = {"data": [_ENTRY], "has_more": True, "first_id": "wiremark-large", "last_id": "wiremark-large"}


def _twice_each(document: Any) -> Any:
    document["data"] = document["data"] * 2
    return document


_LISTS = (
    _counted("text", "A count is a text.", put("/input_tokens", str), "messages.count.integer"),
    _counted(
        "constant",
        "Every request has as many tokens.",
        put("/input_tokens", 9),
        "messages.count.system",
        "messages.count.tools",
        "messages.count.image",
        "messages.count.agrees",
    ),
    _listed("no-cursors", "A page has no cursors.", take("/last_id"), "messages.models.page"),
    _listed(
        "created-number",
        "The date of a model is a number.",
        put("/data/*/created_at", 1764547200),
        "messages.models.entry",
    ),
    _listed(
        "no-lifecycle", "Models have no lifecycle.", take("/data/*/lifecycle"), "messages.models.lifecycle"
    ),
    _listed(
        "cursor-wrong",
        "The last id is none of the page's.",
        put("/last_id", "none"),
        "messages.models.cursors",
    ),
    _listed(
        "limit-ignored", "A page has more entries than were asked for.", _twice_each, "messages.models.limit"
    ),
    _listed(
        "short", "The list lacks a model.", put("/data", lambda data: data[1:]), "messages.models.catalogue"
    ),
    _listed(
        "other",
        "Another model comes than was asked for.",
        put("/id", "another"),
        "messages.models.same",
        on=_GET,
    ),
    fault(
        "models.never-ends",
        "semantics",
        "Every page is the first one.",
        Body(On(_LIST, "answer"), lambda d: {**d, **_PAGE}),
        catches=("messages.models.advances",),
        allows=("messages.models.*",),
    ),
    fault(
        "models.list-404",
        "semantics",
        "There is no list of models.",
        answer(On(_LIST), 404, refusal("not_found_error")),
        catches=("messages.models.accepted",),
        allows=NEAR,
    ),
    fault(
        "models.get-404",
        "semantics",
        "No model can be asked for.",
        answer(On(_GET), 404, refusal("not_found_error")),
        catches=("messages.models.get",),
        allows=NEAR,
    ),
)


_LEDGER = tuple(books.of_format("messages", CONTRACT))

TABLE: tuple[Fault, ...] = (*_LISTS, *_LEDGER)
