"""The vectors of an answer, in either form, as numbers."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable

Vector = tuple[float, ...]
_FLOAT = 4  # bytes
_LARGEST = 3.5e38
_UNIT = 0.02  # by how much a length may miss 1
_CLOSE = 0.1  # how far apart, for their length, equal vectors may be: batches are computed in another order


def entries(view: View) -> list[Mapping[str, Any]]:
    """The entries of `data`; at least one."""
    data = view.object.get("data")
    if not isinstance(data, list) or not data or not all(isinstance(entry, dict) for entry in data):
        raise NotTestable(f"the answer of {view.probe} has no entries in `data`")
    return data


def is_number(value: Any) -> bool:
    """A number that a float of four bytes can hold."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def is_numbers(value: Any) -> bool:
    """Whether it is a vector as an array of numbers."""
    return isinstance(value, list) and bool(value) and all(is_number(number) for number in value)


def floats(view: View) -> list[Vector]:
    """Every vector, in the order in which they came; all must be arrays of numbers."""
    found = [entry.get("embedding") for entry in entries(view)]
    if not all(is_numbers(vector) for vector in found):
        raise NotTestable(f"the vectors of {view.probe} are no arrays of numbers")
    return [tuple(map(float, vector)) for vector in found]  # type: ignore[arg-type]


def raw(text: Any) -> bytes | None:
    """The bytes of a vector in base64; None when it is not that."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def decoded(data: bytes) -> Vector:
    """Little-endian floats of four bytes."""
    if len(data) % _FLOAT:
        raise NotTestable("the bytes are no floats of four bytes")
    return struct.unpack(f"<{len(data) // _FLOAT}f", data)


def length(vector: Sequence[float]) -> float:
    return math.sqrt(sum(number * number for number in vector))


def same(one: Sequence[float], other: Sequence[float]) -> bool:
    return len(one) == len(other) and math.dist(one, other) <= _CLOSE * length(one)


def is_unit(vector: Sequence[float]) -> bool:
    return abs(length(vector) - 1) <= _UNIT
