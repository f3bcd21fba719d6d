"""Responses retrieved, listed, cancelled and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.probes.responses import OLDEST
from wiremark_conformance.responses import response
from wiremark_conformance.shapes import schema_violations
from wiremark_conformance.values import is_text, shown

accepted("responses.stored.get", "responses.get")
accepted("responses.stored.get-streamed", "responses.get.streamed")
accepted("responses.stored.input-items", "responses.input-items")
accepted("responses.stored.delete", "responses.deleted")
accepted("responses.stored.delete-empty-json", "responses.deleted.empty-json")

_SAME = ("id", "object", "status", "model", "output", "usage", "created_at")


def _differs(first: Mapping[str, Any], second: Mapping[str, Any]) -> Outcome:
    for name in _SAME:
        if first.get(name) != second.get(name):
            return f"`{name}` was {shown(first.get(name))} and is {shown(second.get(name))} when retrieved"
    return None


@check("responses.stored.same", "responses.plain", "responses.get")
def same(made: View, found: View) -> Outcome:
    return _differs(made.object, found.object)


@check("responses.stored.same-streamed", "responses.stream", "responses.get.streamed")
def same_streamed(made: View, found: View) -> Outcome:
    if not made.is_stream:
        raise NotTestable("the body is not an event stream")
    return _differs(response(made), found.object)


def _missing(requirement: str, *probes: str) -> None:
    """The requirement that what is not there is a 404."""

    def absent(view: View) -> Outcome:
        return None if view.status == 404 else f"answered {view.status_line}, where 404 was expected"

    each(requirement, *probes, expects="refusal")(absent)


_missing("responses.stored.unknown", "responses.get.unknown", "responses.input-items.unknown")
_missing("responses.stored.foreign", "responses.get.foreign")
_missing("responses.stored.unstored", "responses.get.unstored")
_missing("responses.stored.cancel-unknown", "responses.cancel.unknown")
_missing("responses.stored.deleted", "responses.deleted.get")
_missing("responses.stored.deleted-twice", "responses.deleted.again")


@check("responses.stored.delete-form", "responses.deleted", expects="any")
def delete_form(view: View) -> Outcome:
    if not view.succeeded:
        raise NotTestable(f"answered {view.status_line}")
    if view.json_defect:
        return "the body of the deletion is no JSON object"
    found = view.object
    if found.get("deleted") is True and is_text(found.get("id")):
        return None
    return f"the deletion is answered {shown(dict(found))}"


@check("responses.stored.cancel-waited-for", "responses.cancel.waited-for", expects="refusal")
def cancel_waited_for(view: View) -> Outcome:
    if view.declined:
        return None
    return f"answered {view.status_line}, although the response was not made in the background"


# -- input items ------------------------------------------------------------------------------------------


def _page(view: View) -> list[Any]:
    data = view.object.get("data")
    if not isinstance(data, list):
        raise NotTestable("the list has no array `data`")
    return data


@check("responses.stored.items-form", "responses.input-items")
def items_form(view: View) -> Outcome:
    found = [
        violation
        for violation in schema_violations("openai/responses.input_items", view.object)
        if not violation.expected.startswith("the key 'id'")
    ]
    return "; ".join(str(violation) for violation in found[:3]) or None


@check("responses.stored.items-ids", "responses.input-items")
def items_ids(view: View) -> Outcome:
    for item in _page(view):
        if not isinstance(item, dict) or not is_text(item.get("id")):
            return f"an input item has no id: {shown(item)}"
    return None


@check("responses.stored.items-page", "responses.input-items")
def items_page(view: View) -> Outcome:
    """Two of four items were asked for."""
    data, more = _page(view), view.object.get("has_more")
    if len(data) != 2:
        return f"{len(data)} items on a page, where 2 of 4 were asked for"
    return None if more is True else f"`has_more` is {shown(more)} although more items follow"


@check("responses.stored.items-order", "responses.input-items")
def items_order(view: View) -> Outcome:
    data = _page(view)
    if not data:
        raise NotTestable("the list is empty")
    return "the oldest item comes first; the default order is descending" if OLDEST in str(data[0]) else None


@check("responses.stored.items-bounds", "responses.input-items")
def items_bounds(view: View) -> Outcome:
    data = [item for item in _page(view) if isinstance(item, dict)]
    if not data:
        raise NotTestable("the list is empty")
    first, last = view.object.get("first_id"), view.object.get("last_id")
    if (first, last) == (data[0].get("id"), data[-1].get("id")):
        return None
    return f"`first_id` and `last_id` are {shown(first)} and {shown(last)}, not those of the page"
