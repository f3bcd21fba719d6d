"""A decided answer, cut into one delta per token, with the request's limits already applied.

Nothing here knows about time: `k` steps into a run, choice `c` has shown `deltas[:k]`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from msgspec import Struct

from wiremark_server.domain.generation import (
    Delta,
    Finish,
    FinishReason,
    Generation,
    ReasoningDelta,
    TextDelta,
    TokenLogprob,
    ToolArgumentsDelta,
    ToolCall,
    ToolCallStart,
)
from wiremark_server.engine.tokens import encode

_KEPT = 8_192


class Draft(Struct, frozen=True):
    """What one choice wants to say before limits: reasoning, then text, then calls. Texts in pieces.

    blocked: what the content filter lets nothing of, or no more of, through
    refused: the text is a refusal to answer
    """

    text: Sequence[str] = ()
    reasoning: Sequence[str] = ()
    calls: tuple[ToolCall, ...] = ()
    blocked: Literal["prompt", "answer"] | None = None
    refused: bool = False


class Choice(Struct, frozen=True):
    """deltas: one per token; the first `reasoning` of them are reasoning."""

    deltas: tuple[Delta, ...]
    reasoning: int
    finish: Finish


def cut(index: int, draft: Draft, generation: Generation, limit: int, words: Sequence[str]) -> Choice:
    """Apply stop sequences and the completion budget, and add log probabilities.

    index: the choice's number; limit: the model's own completion limit; words: alternatives for logprobs.
    """
    if draft.blocked == "prompt":
        return Choice((), 0, Finish(index, "content_filter", prompt_blocked=True))
    pieces, stopped = draft.text, None
    if generation.stop and pieces:
        text = "".join(pieces)
        found = [(text.find(sequence), sequence) for sequence in generation.stop if sequence in text]
        if found:
            end, stopped = min(found, key=lambda one: one[0])
            pieces = encode(text[:end])
    budget = limit if generation.max_tokens is None else min(limit, generation.max_tokens)
    pieces = pieces[: budget + 1]  # one more than is said, so that it is known that there was more
    deltas: list[Delta] = [ReasoningDelta(index, piece) for piece in draft.reasoning]
    if draft.refused:
        deltas += [TextDelta(index, piece, refusal=True) for piece in pieces]
    elif generation.logprobs is None:
        deltas += map(_said_by(index).__getitem__, pieces)
    else:
        top = generation.logprobs
        deltas += [
            TextDelta(index, piece, (_logprob(piece, at, top, words),)) for at, piece in enumerate(pieces)
        ]
    if stopped is None:
        for number, call in enumerate(draft.calls):
            deltas.append(ToolCallStart(index, number, call.id, call.name))
            deltas += [ToolArgumentsDelta(index, number, piece) for piece in encode(call.arguments)]
    reason: FinishReason = "tool_calls" if draft.calls and stopped is None else "stop"
    if draft.blocked == "answer":
        reason, stopped = "content_filter", None
    if len(deltas) > budget:
        del deltas[budget:]
        reason, stopped = "length", None
    return Choice(tuple(deltas), min(len(draft.reasoning), len(deltas)), Finish(index, reason, stopped))


class _Said(dict[str, TextDelta]):
    """Deltas of a choice by piece. Pieces repeat and deltas never change: most answers need no new ones."""

    def __init__(self, choice: int) -> None:
        self._choice = choice

    def __missing__(self, piece: str) -> TextDelta:
        if len(self) >= _KEPT:
            self.clear()
        delta = self[piece] = TextDelta(self._choice, piece)
        return delta


_said_by = lru_cache(maxsize=64)(_Said)


def _logprob(piece: str, position: int, top: int, words: Sequence[str]) -> TokenLogprob:
    """A made-up distribution that keeps the rules of a true one.

    Probabilities sum to at most 1, alternatives differ from each other and come most likely first, and the
    token is among them. One token in eight is the second most likely, as sampling would have it.
    """
    mix = (position * 2654435761 + sum(piece.encode("utf-8", "replace")) * 40503) & 0xFFFFFFFF
    second = top >= 2 and mix % 8 == 0
    chance = (0.05 + (mix >> 8) % 1000 / 1000 * 0.35) if second else (0.30 + (mix >> 8) % 1000 / 1000 * 0.69)
    logprob = math.log(chance)
    if top == 0:
        return TokenLogprob(piece, logprob)
    start = mix % len(words)
    nearby = (words[(start + offset) % len(words)] for offset in range(top))
    others = [word for word in nearby if word != piece][: top - 1]
    ranked: list[tuple[str, float]] = [(piece, logprob)]
    rest = min(chance, 1 - chance)
    if second:
        ranked.insert(0, (others.pop(0), math.log(0.55)))
        rest = 0.04
    for alternative in others:
        rest /= 2
        ranked.append((alternative, math.log(rest)))
    return TokenLogprob(piece, logprob, tuple(ranked))
