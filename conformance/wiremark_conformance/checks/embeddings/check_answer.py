"""The shape of an answer: one entry for each input, in their order, and what it cost."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, each, refused
from wiremark_conformance.checks.embeddings.vectors import entries, floats, same
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.probes.embeddings import BATCH
from wiremark_conformance.values import is_int, is_text, shown

ANSWERS = ("embeddings.plain", "embeddings.batch", "embeddings.default")
_INPUTS = {"embeddings.batch": len(BATCH), "embeddings.tokens.batch": 2}

accepted("embeddings.accepted", "embeddings.plain")
accepted("embeddings.batch.accepted", "embeddings.batch")
accepted("embeddings.tokens.accepted", "embeddings.tokens")
accepted("embeddings.tokens.batch.accepted", "embeddings.tokens.batch")
refused("embeddings.empty-text", "embeddings.empty-text")
refused("embeddings.empty-list", "embeddings.empty-list")
refused("embeddings.too-many", "embeddings.too-many")
refused("embeddings.unknown-format", "embeddings.unknown-format")
refused("embeddings.unknown-model.refused", "embeddings.unknown-model")


@each("embeddings.object", *ANSWERS)
def answer_object(view: View) -> Outcome:
    found = view.object.get("object")
    return None if found == "list" else f"`object` is {shown(found)}"


@each("embeddings.data", *ANSWERS, "embeddings.base64")
def data(view: View) -> Outcome:
    found = view.object.get("data")
    if isinstance(found, list) and found and all(isinstance(entry, dict) for entry in found):
        return None
    return f"`data` is {shown(found)}; openai-python raises on that"


@each("embeddings.entry-object", *ANSWERS)
def entry_object(view: View) -> Outcome:
    wrong = [e.get("object") for e in entries(view) if e.get("object") != "embedding"]
    return f"an entry's `object` is {shown(wrong[0])}" if wrong else None


@each("embeddings.count", *ANSWERS, "embeddings.tokens", "embeddings.tokens.batch")
def count(view: View) -> Outcome:
    found, asked = len(entries(view)), _INPUTS.get(view.probe, 1)
    return None if found == asked else f"{found} vector(s) for {asked} input(s)"


@each("embeddings.index", *ANSWERS)
def index(view: View) -> Outcome:
    wrong = [entry.get("index") for entry in entries(view) if not is_int(entry.get("index"))]
    return f"an entry's `index` is {shown(wrong[0])}" if wrong else None


@check("embeddings.index-order", "embeddings.batch")
def index_order(view: View) -> Outcome:
    found = [entry.get("index") for entry in entries(view)]
    return None if found == list(range(len(found))) else f"the indexes are {shown(found)}"


@each("embeddings.model", *ANSWERS)
def model(view: View) -> Outcome:
    found = view.object.get("model")
    return None if is_text(found) else f"`model` is {shown(found)}"


@each("embeddings.usage.present", *ANSWERS)
def usage_present(view: View) -> Outcome:
    found = view.object.get("usage")
    return None if isinstance(found, dict) else f"`usage` is {shown(found)}"


@each("embeddings.usage.integers", *ANSWERS)
def usage_integers(view: View) -> Outcome:
    """An input has at least one token, so no count is 0."""
    for name in ("prompt_tokens", "total_tokens"):
        found = view.usage.get(name)
        if not is_int(found) or found < 1:  # type: ignore[operator]
            return f"`usage.{name}` is {shown(found)}"
    return None


@each("embeddings.usage.total", *ANSWERS)
def usage_total(view: View) -> Outcome:
    """Nothing is generated, so the prompt is everything."""
    prompt, total = view.count("prompt_tokens"), view.count("total_tokens")
    return None if prompt == total else f"{prompt} `prompt_tokens`, but {total} `total_tokens`"


@check("embeddings.usage.batch", "embeddings.plain", "embeddings.batch")
def usage_batch(one: View, batch: View) -> Outcome:
    """The batch holds the same text twice, and another."""
    alone, together = one.count("prompt_tokens"), batch.count("prompt_tokens")
    return (
        None
        if together > 2 * alone
        else f"{alone} tokens for one text, {together} for it twice and another one"
    )


@check("embeddings.batch.order", "embeddings.batch")
def batch_order(view: View) -> Outcome:
    """The first and the last text are the same; a vector in the wrong place parts them."""
    first, middle, last = _three(view)
    if not same(first, last):
        return "the first and the last input are the same text, and their vectors differ"
    return "different texts have the same vector" if same(first, middle) else None


@check("embeddings.batch.independent", "embeddings.plain", "embeddings.batch")
def batch_independent(one: View, batch: View) -> Outcome:
    (alone,) = floats(one) if len(entries(one)) == 1 else (None,)
    if alone is None:
        raise NotTestable("one input did not get one vector")
    return None if same(alone, _three(batch)[0]) else "a text has another vector in a batch than alone"


def _three(view: View) -> list[tuple[float, ...]]:
    found = floats(view)
    if len(found) != len(BATCH):
        raise NotTestable(f"{len(found)} vector(s) for {len(BATCH)} inputs")
    return found


@check("embeddings.unknown-model.status", "embeddings.unknown-model", expects="refusal")
def unknown_model_status(view: View) -> Outcome:
    return None if view.status == 404 else f"answered {view.status_line}{view.error_text}, not 404"


@each("embeddings.validation-status", "embeddings.empty-list", "embeddings.unknown-format", expects="refusal")
def validation_status(view: View) -> Outcome:
    if not view.declined:
        raise NotTestable(f"answered {view.status_line}, which is no 4xx")
    return None if view.status == 400 else f"answered {view.status_line}, not 400"
