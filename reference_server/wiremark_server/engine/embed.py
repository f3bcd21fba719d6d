"""Vectors of texts: the same text, model and seed, the same vector; nothing else is promised of them.

Numbers come from an extendable hash, so the first d numbers of a long vector are those of a short one, and
a shortened vector is the long one cut off and brought to length 1 again.
"""

from __future__ import annotations

import math
from array import array
from hashlib import shake_128

_INTEGER = 4  # bytes of hash per number


class Embedder:
    """Makes the vectors of one seed."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(16, "big", signed=True)

    def vector(self, model: str, text: str, dimensions: int) -> array[float]:
        """`dimensions` numbers, as floats of four bytes, whose squares add up to 1."""
        digest = shake_128(self._key)
        digest.update(f"{len(model)}/{model}/{text}".encode("utf-8", "surrogatepass"))
        numbers = array("i", digest.digest(_INTEGER * dimensions))
        length = math.sqrt(sum(number * number for number in numbers)) or 1.0
        return array("f", (number / length for number in numbers))
