"""The catalogue: pages of models, and one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.evidence import View
from wiremark_conformance.gemini import without_nulls
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.shapes import schema_violations
from wiremark_conformance.values import is_text, shown

_LIST = "gemini.models.list"
_PREFIX = "models/"

accepted("gemini.models.list.accepted", _LIST)
accepted("gemini.models.empty-json", "gemini.models.empty-json")
accepted("gemini.models.v1.accepted", "gemini.models.v1")
accepted("gemini.models.get.accepted", "gemini.models.get")


def _entries(view: View) -> list[Mapping[str, Any]]:
    found = view.object.get("models")
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise NotTestable("there is no array `models`")
    return found


@each("gemini.models.list.array", _LIST, "gemini.models.v1")
def array(view: View) -> Outcome:
    found = view.object.get("models")
    if isinstance(found, list) and all(isinstance(entry, dict) for entry in found):
        return None
    return f"`models` is {shown(found)}; google-genai reads an empty list"


@check("gemini.models.list.types", _LIST)
def types(view: View) -> Outcome:
    found = schema_violations("gemini/models.list", without_nulls(view.object))
    return "; ".join(str(violation) for violation in found[:3]) or None


@check("gemini.models.list.names", _LIST)
def names(view: View) -> Outcome:
    wrong = [e.get("name") for e in _entries(view) if not str(e.get("name")).startswith(_PREFIX)]
    return f"`name` is {shown(wrong[0])}, without {_PREFIX!r}" if wrong else None


@check("gemini.models.list.unique", _LIST)
def unique(view: View) -> Outcome:
    counts = Counter(entry["name"] for entry in _entries(view) if is_text(entry.get("name")))
    twice = [name for name, count in counts.items() if count > 1]
    return f"listed more than once: {', '.join(twice[:3])}" if twice else None


def _wanted(view: View) -> Mapping[str, Any] | None:
    wanted = (view.target.model, _PREFIX + view.target.model)
    return next((entry for entry in _entries(view) if entry.get("name") in wanted), None)


@check("gemini.models.list.contains-model", _LIST)
def contains_model(view: View) -> Outcome:
    if _wanted(view) is not None or view.object.get("nextPageToken"):
        return None
    return f"{view.target.model!r} is not among the models listed"


@check("gemini.models.list.methods", _LIST)
def methods(view: View) -> Outcome:
    entry = _wanted(view)
    if entry is None:
        raise NotTestable("the model is not listed on the first page")
    found = entry.get("supportedGenerationMethods")
    if isinstance(found, list) and "generateContent" in found:
        return None
    return f"`supportedGenerationMethods` of a model that generates is {shown(found)}"


@check("gemini.models.list.limits", _LIST)
def limits(view: View) -> Outcome:
    for entry in _entries(view):
        for name in ("inputTokenLimit", "outputTokenLimit"):
            if entry.get(name) is None:
                return f"{shown(entry.get('name'))} has no `{name}`"
    return None


@check("gemini.models.page.size", _LIST, "gemini.models.page")
def page_size(whole: View, page: View) -> Outcome:
    if len(_entries(whole)) < 2:
        raise NotPromised("there is only one model")
    found = len(_entries(page))
    return None if found == 1 else f"`pageSize=1` was answered with {found} models"


@check("gemini.models.page.token", _LIST, "gemini.models.page")
def page_token(whole: View, page: View) -> Outcome:
    """Without it clients take the page for the whole list."""
    missing = len(_entries(whole)) - len(_entries(page))
    if missing <= 0:
        raise NotTestable("the page holds all models")
    found = page.object.get("nextPageToken")
    return None if is_text(found) else f"{missing} more model(s), and `nextPageToken` is {shown(found)}"


@check("gemini.models.get.name", "gemini.models.get")
def get_name(view: View) -> Outcome:
    found, model = view.object.get("name"), view.target.model
    return None if found in (model, _PREFIX + model) else f"asked for {model!r}, got {shown(found)}"


@check("gemini.models.unknown", "gemini.models.unknown", expects="refusal")
def unknown(view: View) -> Outcome:
    return None if view.status == 404 else f"answered {view.status_line}{view.error_text}, not 404"
