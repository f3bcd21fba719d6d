"""Pieces of a stream that say what was said before: clients join all of them, so it is there twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from wiremark_conformance.values import shown

_MANY = 3  # pieces before growing texts, or pairs of them, are no accident of the text


def said_again(texts: Sequence[str]) -> str | None:
    """How these pieces repeat each other, as a sentence; None when each holds only what is new.

    texts: the pieces of one text that are not empty, in order
    """
    grown = [len(late) - len(early) for early, late in pairwise(texts) if late.startswith(early)]
    if len(grown) == len(texts) - 1 and sum(map(bool, grown)) >= _MANY:
        return f"each piece repeats the text so far: {shown(list(texts[:3]))}"
    if len(texts) > _MANY and texts[-1] == "".join(texts[:-1]):
        return f"the last piece holds the whole text once more: {shown(texts[-1])}"
    firsts, seconds = list(texts[::2]), list(texts[1::2])
    if len(set(firsts)) >= _MANY and firsts == seconds:
        return f"each piece comes twice: {shown(list(texts[:4]))}"
    return None
