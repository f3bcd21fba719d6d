"""Token counts and embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.embeddings.vectors import is_numbers, same
from wiremark_conformance.evidence import View
from wiremark_conformance.gemini import answer
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.embeddings import BATCH, DIMENSIONS
from wiremark_conformance.values import is_count, listed, members, shown

_COUNTS = ("gemini.count", "gemini.count.request")

accepted("gemini.count.accepted", "gemini.count")
accepted("gemini.count.request-accepted", "gemini.count.request")
accepted("gemini.embed.accepted", "gemini.embed")
accepted("gemini.embed.batch.accepted", "gemini.embed.batch")


@each("gemini.count.total", *_COUNTS)
def total(view: View) -> Outcome:
    found = view.object.get("totalTokens")
    return None if is_count(found) and found > 0 else f"`totalTokens` is {shown(found)}"


@each("gemini.count.no-answer", *_COUNTS)
def no_answer(view: View) -> Outcome:
    """A count that is made by answering takes long and is charged."""
    return "the count has `candidates`: the request was answered" if "candidates" in view.object else None


@check("gemini.count.agrees", "gemini.plain", "gemini.count.request")
def agrees(plain: View, counted: View) -> Outcome:
    told, found = answer(plain).count("promptTokenCount"), counted.object.get("totalTokens")
    if not is_count(found):
        raise NotTestable("there is no count")
    return None if told == found else f"counted {found} tokens, the answer to the same request told {told}"


# -- embeddings ---------------------------------------------------------------------------------------------


def _values(entry: Any) -> Any:
    return members(entry).get("values")


def _vector(view: View) -> Sequence[float]:
    found = _values(view.object.get("embedding"))
    if not is_numbers(found):
        raise NotTestable("there is no vector")
    return tuple(map(float, found))


@check("gemini.embed.values", "gemini.embed")
def values(view: View) -> Outcome:
    found = view.object.get("embedding")
    return (
        None if is_numbers(_values(found)) else f"`embedding` is {shown(found)}, without numbers in `values`"
    )


@check("gemini.embed.length", "gemini.embed.length")
def length(view: View) -> Outcome:
    found = len(_vector(view))
    asked = f"`outputDimensionality: {DIMENSIONS}`"
    return None if found == DIMENSIONS else Silent(f"{asked} was answered with {found} numbers")


@check("gemini.embed.batch.count", "gemini.embed.batch")
def batch_count(view: View) -> Outcome:
    found = view.object.get("embeddings")
    if (
        isinstance(found, list)
        and len(found) == len(BATCH)
        and all(is_numbers(_values(one)) for one in found)
    ):
        return None
    return f"`embeddings` of {len(BATCH)} requests is {shown(found)}"


@check("gemini.embed.batch.order", "gemini.embed.batch")
def batch_order(view: View) -> Outcome:
    """The first and the last text are the same."""
    found = view.object.get("embeddings")
    vectors = [_values(one) for one in listed(found)]
    if len(vectors) != len(BATCH) or not all(map(is_numbers, vectors)):
        raise NotTestable("there is not a vector for every request")
    first, middle, last = (tuple(map(float, vector)) for vector in vectors)
    if not same(first, last):
        return "the first and the last text are the same, and their vectors differ"
    return "different texts have the same vector" if same(first, middle) else None
