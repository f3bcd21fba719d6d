"""The list of models, its pages, and one model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_schemas.explain import violations
from wiremark_schemas.registry import validator

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.messages_errors.check_refusals import not_found
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.values import shown

_PAGES = ("messages.models.list", "messages.models.page")

accepted("messages.models.accepted", "messages.models.list")
accepted("messages.models.get", "messages.models.get")
check("messages.models.get.unknown", "messages.models.get.unknown", expects="refusal")(not_found)


def _entries(view: View) -> list[Mapping[str, Any]]:
    data = view.object.get("data")
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise NotTestable(f"{view.probe} has no array `data` of objects")
    return data


@each("messages.models.page", *_PAGES)
def page(view: View) -> Outcome:
    found = violations(validator("anthropic/models.list"), {**view.object, "data": []})
    if not isinstance(view.object.get("data"), list):
        return f"`data` is {shown(view.object.get('data'))}, not an array"
    return "; ".join(str(violation) for violation in found[:3]) or None


@each("messages.models.entry", "messages.models.list", "messages.models.get")
def entry(view: View) -> Outcome:
    entries = _entries(view) if view.probe == "messages.models.list" else [view.object]
    found = [v for one in entries for v in violations(validator("anthropic/model"), one)]
    return "; ".join(str(violation) for violation in found[:3]) or None


@each("messages.models.lifecycle", "messages.models.list", "messages.models.get")
def lifecycle(view: View) -> Outcome:
    entries = _entries(view) if view.probe == "messages.models.list" else [view.object]
    without = [one for one in entries if "lifecycle" not in one]
    return f"the entry of {shown(without[0].get('id'))} has no `lifecycle`" if without else None


@each("messages.models.cursors", *_PAGES)
def cursors(view: View) -> Outcome:
    if not {"first_id", "last_id"} <= view.object.keys():
        raise NotTestable("the page has no cursors")
    ids = [one.get("id") for one in _entries(view)]
    first, last = (ids[0], ids[-1]) if ids else (None, None)
    for name, wanted in (("first_id", first), ("last_id", last)):
        if view.object.get(name) != wanted:
            return f"`{name}` is {shown(view.object.get(name))}, the page has {shown(wanted)}"
    return None


@check("messages.models.limit", "messages.models.page")
def limit(view: View) -> Outcome:
    found = len(_entries(view))
    return f"a page of at most 1 has {found} models" if found > 1 else None


@check("messages.models.advances", "messages.models.page", "messages.models.next")
def advances(one: View, following: View) -> Outcome:
    """A client that follows the pages comes to an end."""
    if not one.object.get("has_more"):
        raise NotTestable("there is one page only")
    if following.object.get("has_more") and following.object.get("last_id") == one.object.get("last_id"):
        return f"the page after {shown(one.object.get('last_id'))} ends there again, and says there is more"
    again = {shown(e.get("id")) for e in _entries(one)} & {shown(e.get("id")) for e in _entries(following)}
    return f"the page after {shown(one.object.get('last_id'))} has {min(again)} again" if again else None


@check("messages.models.same", "messages.models.get")
def same(view: View) -> Outcome:
    found = view.object.get("id")
    return None if found == view.target.model else f"asked for {view.target.model!r}, got {shown(found)}"


@check("messages.models.catalogue", "messages.models.list")
def catalogue(view: View) -> Outcome:
    promised = [model.id for model in view.target.contract.models if not model.specimen]
    if not promised:
        raise NotPromised("the contract names no models")
    if view.object.get("has_more"):
        raise NotTestable("the list goes on")
    listed = {one.get("id") for one in _entries(view) if isinstance(one.get("id"), str)}
    missing = [model for model in promised if model not in listed]
    return f"the list lacks {', '.join(missing)}" if missing else None
