"""Conversations longer than a model's context, for requests that would rather lose their beginning."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from msgspec import structs

from wiremark_server.domain.generation import Generation, Turn


def shortened(generation: Generation, most: int, count: Callable[[Generation], int]) -> Generation:
    """The generation without the oldest turns that keep its prompt above `most` tokens.

    Instructions stay, and so does the last turn; a call goes together with its results. What does not fit
    even so comes back as short as it can be. Source: OpenAI's `truncation: auto`, which drops items from the
    beginning of the conversation.
    """
    turns = generation.turns
    ways = [structs.replace(generation, turns=kept) for kept in _ways(turns)]
    first = bisect_left(ways, True, key=lambda way: count(way) <= most)
    return ways[min(first, len(ways) - 1)]


def _ways(turns: Sequence[Turn]) -> list[tuple[Turn, ...]]:
    """The turns, then without the oldest, and so on; each way begins where no result lacks its call."""
    ways = [tuple(turns)]
    for start in range(1, len(turns)):
        if turns[start].role == "tool" or turns[start - 1].role == "system":
            continue
        fixed = tuple(turn for turn in turns[:start] if turn.role == "system")
        ways.append((*fixed, *turns[start:]))
    return ways
