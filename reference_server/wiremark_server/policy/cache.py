"""Answers kept for requests that come again: per account, in memory, least recently used goes first."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from wiremark_server.domain.generation import Delta, Usage

Status = Literal["hit", "miss", "bypass"]
_PRESENTATION = frozenset({"stream", "stream_options"})  # change how an answer is sent, not what it says
_BURST = 256  # deltas in one step of a replay


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given, what was counted then, and by which provider where there are several."""

    deltas: Sequence[Delta]
    usage: Usage
    provider: str | None = None


def fingerprint(account_id: str, form: str, document: Mapping[str, Any]) -> bytes:
    """Digest of a request as far as it decides the answer; the order of object keys does not.

    form: the wire format that the document is in, since another one may read it differently, and the model
    """
    asked = {name: value for name, value in document.items() if name not in _PRESENTATION}
    canonical = msgspec.json.encode([form, asked], order="sorted")
    return hashlib.blake2b(canonical, key=account_id.encode()[:64], digest_size=32).digest()


class ResponseCache:
    """Bounded by the number of answers and by the deltas they hold together."""

    def __init__(self, max_answers: int = 1024, max_deltas: int = 500_000) -> None:
        self._answers: OrderedDict[bytes, Kept] = OrderedDict()
        self._max_answers = max_answers
        self._max_deltas = max_deltas
        self._deltas = 0

    def get(self, key: bytes) -> Kept | None:
        kept = self._answers.get(key)
        if kept is not None:
            self._answers.move_to_end(key)
        return kept

    def put(self, key: bytes, kept: Kept) -> None:
        previous = self._answers.pop(key, None)
        if previous is not None:
            self._deltas -= len(previous.deltas)
        self._answers[key] = kept
        self._deltas += len(kept.deltas)
        while self._answers and (len(self._answers) > self._max_answers or self._deltas > self._max_deltas):
            _, oldest = self._answers.popitem(last=False)
            self._deltas -= len(oldest.deltas)


class Replay:
    """A kept answer as an engine run: same deltas, same counts, no work."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._next = 0

    @property
    def usage(self) -> Usage:
        return self._kept.usage

    def __aiter__(self) -> Replay:
        return self

    async def __anext__(self) -> list[Delta]:
        start = self._next
        if start >= len(self._kept.deltas):
            raise StopAsyncIteration
        self._next = start + _BURST
        return list(self._kept.deltas[start : self._next])

    async def cancel(self) -> None:
        self._next = len(self._kept.deltas)
