"""The vectors themselves: their form, their length, and that both forms say the same."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, each
from wiremark_conformance.checks.embeddings.vectors import (
    decoded,
    entries,
    floats,
    is_numbers,
    is_unit,
    length,
    raw,
    same,
)
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.embeddings import DIMENSIONS
from wiremark_conformance.values import shown

accepted("embeddings.base64.accepted", "embeddings.base64")
accepted("embeddings.dimensions.accepted", "embeddings.dimensions")


@each("embeddings.float", "embeddings.plain", "embeddings.batch", "embeddings.default")
def float_form(view: View) -> Outcome:
    wrong = [e.get("embedding") for e in entries(view) if not is_numbers(e.get("embedding"))]
    return f"`embedding` is {shown(wrong[0])}, not an array of numbers" if wrong else None


@check("embeddings.same-length", "embeddings.batch")
def same_length(view: View) -> Outcome:
    found = {len(vector) for vector in floats(view)}
    return f"vectors have the lengths {sorted(found)}" if len(found) > 1 else None


@each("embeddings.unit-length", "embeddings.plain", "embeddings.batch")
def unit_length(view: View) -> Outcome:
    wrong = [length(vector) for vector in floats(view) if not is_unit(vector)]
    return f"a vector has the length {wrong[0]:.4g}, not 1" if wrong else None


@check("embeddings.base64.honoured", "embeddings.base64")
def base64_honoured(view: View) -> Outcome:
    found = entries(view)[0].get("embedding")
    if raw(found) is not None:
        return None
    if is_numbers(found):
        return Silent("`encoding_format: base64` was answered with an array; openai-node 4 and 6 read `[]`")
    return f"`embedding` is {shown(found)}, which is not base64"


def _bytes(view: View) -> bytes:
    found = raw(entries(view)[0].get("embedding"))
    if found is None:
        raise NotTestable("the vector is not in base64")
    return found


@check("embeddings.base64.float32", "embeddings.plain", "embeddings.base64")
def base64_float32(plain: View, view: View) -> Outcome:
    size, numbers = len(_bytes(view)), len(floats(plain)[0])
    if size == 4 * numbers:
        return None
    return f"{size} bytes for {numbers} numbers; clients read floats of four bytes, so {4 * numbers}"


@check("embeddings.base64.same", "embeddings.plain", "embeddings.base64")
def base64_same(plain: View, view: View) -> Outcome:
    numbers, found = floats(plain)[0], decoded(_bytes(view))
    if len(numbers) != len(found):
        raise NotTestable("the two forms have different lengths")
    if same(numbers, found):
        return None
    return "read as little-endian floats, the base64 is another vector than the array"


@check("embeddings.dimensions.honoured", "embeddings.dimensions")
def dimensions_honoured(view: View) -> Outcome:
    found = len(floats(view)[0])
    if found == DIMENSIONS:
        return None
    return Silent(f"`dimensions: {DIMENSIONS}` was answered with {found} numbers")


@check("embeddings.dimensions.unit-length", "embeddings.plain", "embeddings.dimensions")
def dimensions_unit_length(plain: View, view: View) -> Outcome:
    vector = floats(view)[0]
    if len(vector) != DIMENSIONS or not is_unit(floats(plain)[0]):
        raise NotTestable("the vector was not shortened, or was not of length 1 before")
    return None if is_unit(vector) else f"a shortened vector has the length {length(vector):.4g}, not 1"
