"""Each path of each format answers in that format; models are refused where they are not served."""

from __future__ import annotations

from wiremark_conformance.checking import Function, check, each
from wiremark_conformance.evidence import View, parse_json
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.probes.surfaces import LISTS, PATHS, PREFIXES, SURFACES
from wiremark_conformance.values import shown


def _answers(key: str) -> Function:
    def answered(view: View) -> Outcome:
        if not view.succeeded:
            return f"answered {view.status_line}{view.error_text}, where success was expected"
        return None if view.object.get(key) else f"the answer has no `{key}`"

    return answered


def _streams(view: View) -> Outcome:
    """Events, or for Gemini the elements of an array; how many, is the endpoint's own affair."""
    if not view.succeeded:
        return f"answered {view.status_line}{view.error_text}, where success was expected"
    if view.is_stream:
        return None
    value, _ = parse_json(view.exchange.content.decode("utf-8", "replace"))
    return (
        None if isinstance(value, list) and value else "the answer is neither a stream of events nor an array"
    )


def _refuses(view: View) -> Outcome:
    """With a word about the model or its format: the caller has to find out where to go."""
    if not view.refused_honestly:
        told = f"answered {view.status_line}{view.error_text}"
        return f"{told}, where a 4xx was expected for a model of another format"
    said = view.exchange.content.decode("utf-8", "replace").lower()
    asked = str(view.asked.get("model", "")).lower()
    if "format" in said or (asked and asked in said):
        return None
    return f"the refusal names neither the model nor its format: {shown(said)}"


for _form, _surface in SURFACES.items():
    _numbers = range(1, PATHS + 1)
    each(f"surfaces.{_form}.served", *(f"surface.{_form}.whole.{n}" for n in _numbers), expects="any")(
        _answers(_surface.answer)
    )
    each(f"surfaces.{_form}.streamed", *(f"surface.{_form}.stream.{n}" for n in _numbers), expects="any")(
        _streams
    )
    check(f"surfaces.{_form}.keys", f"surface.{_form}.key", expects="any")(_answers(_surface.answer))
    check(f"surfaces.{_form}.own-models", f"surface.{_form}.wrong", expects="any")(_refuses)


for _form, _paths in PREFIXES.items():
    _probes = (f"surface.{_form}.prefix.{n}" for n in range(1, len(_paths) + 1))
    each(f"surfaces.{_form}.prefixes", *_probes, expects="acceptance")(_answers(SURFACES[_form].answer))

check("surfaces.messages.auxiliary", "surface.messages.auxiliary", expects="any")(
    _answers(SURFACES["chat"].answer)
)


@check("surfaces.messages.budget-required", "surface.messages.no-budget", expects="any")
def budget_required(view: View) -> Outcome:
    if view.refused_honestly:
        return None
    return f"a message without `max_tokens` was answered {view.status_line}, where a 4xx was expected"


def _lists(form: str) -> Function:
    def only_its_own(view: View) -> Outcome:
        models = [model for model in view.target.contract.models if not model.specimen]
        if not view.target.contract.split:
            raise NotPromised("the contract serves every model in every format")
        data = view.object.get("data")
        if not isinstance(data, list):
            raise NotTestable("the list has no array `data`")
        listed = {str(entry.get("id")) for entry in data if isinstance(entry, dict)}
        missing = [model.id for model in models if model.speaks(form) and model.id not in listed]
        foreign = [model.id for model in models if not model.speaks(form) and model.id in listed]
        if missing:
            return f"served as {form} and not listed: {', '.join(missing)}"
        return f"listed, and not served as {form}: {', '.join(foreign)}" if foreign else None

    return only_its_own


for _form in LISTS:
    check(f"surfaces.{_form}.listed", f"surface.{_form}.list")(_lists(_form))
