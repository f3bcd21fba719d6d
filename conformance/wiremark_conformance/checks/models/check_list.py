"""GET /models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.values import YEAR_2100, is_count, is_text, listed, shown

accepted("models.list.accepted", "models.list")


@check("models.list.empty-json", "models.list", "models.list.empty-json", expects="any")
def empty_json(usual: View, announced: View) -> Outcome:
    if not usual.succeeded:
        raise NotTestable("the plain request is refused too")
    if announced.succeeded:
        return None
    return f"an empty body announced as JSON is answered {announced.status_line}{announced.error_text}"


@check("models.list.object", "models.list")
def list_object(view: View) -> Outcome:
    body = view.object
    if body.get("object") != "list":
        return f'`object` is {shown(body.get("object"))}, not "list"'
    if not isinstance(body.get("data"), list):
        return f"`data` is {shown(body.get('data'))}, not an array; SDKs then see no model at all"
    return None


def entries(view: View) -> list[Mapping[str, Any]]:
    data = view.object.get("data")
    if not isinstance(data, list):
        raise NotTestable("there is no array `data`")
    entries: list[Mapping[str, Any]] = [entry for entry in data if isinstance(entry, dict)]
    if not entries:
        raise NotTestable("no model is listed")
    return entries


def _names(view: View) -> set[str]:
    """The ids listed; an empty list has none, and that is an answer too."""
    if not isinstance(view.object.get("data"), list):
        raise NotTestable("there is no array `data`")
    return {str(entry.get("id")) for entry in listed(view.object["data"]) if isinstance(entry, dict)}


@check("models.list.id", "models.list")
def entry_id(view: View) -> Outcome:
    data = view.object.get("data")
    for position, entry in enumerate(listed(data)):
        if not isinstance(entry, dict):
            return f"entry {position} is {shown(entry)}, not an object"
        if not is_text(entry.get("id")):
            return f"the `id` of entry {position} is {shown(entry.get('id'))}"
    return None


@check("models.list.entry-object", "models.list")
def entry_object(view: View) -> Outcome:
    wrong = [entry for entry in entries(view) if entry.get("object") != "model"]
    return f"{shown(wrong[0].get('id'))} has `object` {shown(wrong[0].get('object'))}" if wrong else None


def _is_time(value: Any) -> bool:
    """Unix seconds, or the 0 of a server that does not know; milliseconds are far above."""
    return is_count(value) and value < YEAR_2100


@check("models.list.created", "models.list")
def entry_created(view: View) -> Outcome:
    wrong = [entry for entry in entries(view) if not _is_time(entry.get("created"))]
    return f"{shown(wrong[0].get('id'))} has `created` {shown(wrong[0].get('created'))}" if wrong else None


@check("models.list.owned-by", "models.list")
def entry_owner(view: View) -> Outcome:
    wrong = [entry for entry in entries(view) if not isinstance(entry.get("owned_by"), str)]
    return f"{shown(wrong[0].get('id'))} has `owned_by` {shown(wrong[0].get('owned_by'))}" if wrong else None


@check("models.list.unique", "models.list")
def unique(view: View) -> Outcome:
    ids = Counter(entry["id"] for entry in entries(view) if is_text(entry.get("id")))
    twice = [model for model, count in ids.items() if count > 1]
    return f"listed more than once: {', '.join(twice[:3])}" if twice else None


@check("models.list.contains-model", "models.list")
def contains_model(view: View) -> Outcome:
    if view.target.model in _names(view):
        return None
    return f"{view.target.model!r} is not among the models listed"


@check("models.list.catalogue", "models.list")
def catalogue(view: View) -> Outcome:
    promised = [m.id for m in view.target.contract.models if not m.specimen and m.speaks("chat")]
    if not promised:
        raise NotPromised("the contract names no models")
    names = _names(view)
    missing = [model for model in promised if model not in names]
    return f"promised and not listed: {', '.join(missing)}" if missing else None


@check("models.list.extensions", "models.list")
def extensions(view: View) -> Outcome:
    promised = {model.id: model.extensions for model in view.target.contract.models if model.extensions}
    if not promised:
        raise NotPromised("the contract promises no extension fields")
    for entry in entries(view):
        for name, value in promised.get(str(entry.get("id")), {}).items():
            if entry.get(name) != value:
                return f"{entry['id']}: `{name}` is {shown(entry.get(name))}, promised is {shown(value)}"
    return None


@check("models.list.one-page", "models.list")
def one_page(view: View) -> Outcome:
    return "`has_more` is true: SDKs read one page only" if view.object.get("has_more") is True else None
