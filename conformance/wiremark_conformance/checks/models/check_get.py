"""GET /models/{id}."""

from __future__ import annotations

from urllib.parse import unquote

from wiremark_conformance import codes
from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import shown

accepted("models.get.accepted", "models.get")


@check("models.get.same-model", "models.get")
def same_model(view: View) -> Outcome:
    found = view.object.get("id")
    return None if found == view.target.model else f"asked for {view.target.model!r}, got {shown(found)}"


@check("models.get.object", "models.get")
def model_object(view: View) -> Outcome:
    found = view.object.get("object")
    return None if found == "model" else f'`object` is {shown(found)}, not "model"'


@check("models.get.slash", "models.get.slash", expects="refusal")
def slash(view: View) -> Outcome:
    if not view.succeeded:
        return f"answered {view.status_line}{view.error_text}, though the model is listed"
    found = view.object.get("id")
    asked = unquote(view.exchange.request.target.rpartition("/")[2])
    return None if found == asked else f"asked for {asked!r}, got {shown(found)}"


def _only_if_models_can_be_read(known: View) -> None:
    if not known.succeeded:
        raise NotTestable("no model can be read by its id, so a 404 says nothing")


@check("models.get.unknown", "models.get", "models.get.unknown", expects="refusal")
def unknown(known: View, view: View) -> Outcome:
    _only_if_models_can_be_read(known)
    return None if view.status == 404 else f"answered {view.status_line}{view.error_text}, not 404"


@check("models.get.unknown-code", "models.get", "models.get.unknown", expects="refusal")
def unknown_code(known: View, view: View) -> Outcome:
    _only_if_models_can_be_read(known)
    return codes.usual(view, "unknown_model", "model_not_found")
