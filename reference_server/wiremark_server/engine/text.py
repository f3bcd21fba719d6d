"""Pseudo-natural prose, the same for the same seed, cheap enough to produce on every request.

A bank of sentences is written once per engine; an answer is a walk over the bank. Every sentence starts
with a space and a capital letter and ends in a full stop, so that pieces of sentences can be joined
without tokenizing the result again. Some sentences carry characters of two, three and four UTF-8 bytes.
"""

from __future__ import annotations

import random

from wiremark_server.engine.tokens import encode

BANK_BITS = 8  # 256 sentences
_MASK = (1 << 64) - 1

_SUBJECTS = (
    "the harbour", "a quiet engineer", "the northern station", "our small café", "the river",
    "a patient reader", "the old clock", "this answer", "the market", "a curious student", "the night train",
    "the garden", "every careful measurement", "the library", "a travelling musician",
    "the winter street", "the archive",
)  # fmt: skip
_VERBS = (
    "keeps", "remembers", "opens", "carries", "describes", "measures", "follows", "repairs", "paints",
    "counts", "collects", "explains", "crosses", "balances", "records", "watches", "borrows", "returns",
)  # fmt: skip
_OBJECTS = (
    "a map of the coast", "twelve blue letters", "the morning light", "a simple rule", "the longest bridge",
    "an unfinished story", "the smallest detail", "a jar of honey", "the names of the stars",
    "a naïve question", "two cups of tea", "the shape of the hill", "an honest account",
    "a warm coat", "the first snow ☃",
    "the sound of rain", "a good joke 😀", "the price of bread",
)  # fmt: skip
_TAILS = (
    "", "", "before the evening", "without any hurry", "for a friend in Zürich", "as everyone expected",
    "while the others sleep", "again and again", "near the window", "in plain words", "at the end of the day",
    "because it matters", "under a clear sky", "with great care",
)  # fmt: skip


class Prose:
    """The sentence bank of one seed."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)  # noqa: S311 - prose, not secrets
        self._sentences = tuple(encode(" " + _sentence(rng)) for _ in range(1 << BANK_BITS))
        words = {piece for sentence in self._sentences for piece in sentence if piece.strip().isalpha()}
        self.words = tuple(sorted(words))
        """Pieces a model of this seed might have said instead; used for alternatives in log probabilities."""

    def pieces(self, state: int, at_least: int) -> list[str]:
        """Whole sentences, `at_least` pieces or a few more, chosen by `state` (64 bits)."""
        said: list[str] = []
        while len(said) < at_least or not said:
            state = (state * 6364136223846793005 + 1442695040888963407) & _MASK  # Knuth's MMIX constants
            said += self._sentences[state >> (64 - BANK_BITS)]
        said[0] = said[0].lstrip(" ")
        return said

    def text(self, state: int, at_least: int) -> str:
        return "".join(self.pieces(state, at_least))


def _sentence(rng: random.Random) -> str:
    words = (
        f"{rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {rng.choice(_OBJECTS)} {rng.choice(_TAILS)}".rstrip()
    )
    return words[0].upper() + words[1:] + "."
