"""Responses that can be retrieved, continued and deleted: as many and as long as the contract promises.

An entry belongs to the key that made it; no other key learns that it exists. What is over the bound goes
first in, first out.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from wiremark_server.clock import Clock
from wiremark_server.stored.running import Running

Item = Mapping[str, Any]


@dataclass(slots=True)
class Stored:
    """One response.

    input:      the items of its own request, each with an id
    earlier:    those of the conversation before
    background: it is made, or was, without anyone waiting
    document:   the response as it was last sent; None as long as there is none
    running:    how it is being made, or was, in the background
    until:      when it is forgotten, seconds since the epoch, UTC
    weight:     bytes of the items, those of the conversation before included
    held:       it is in the store
    """

    key_id: str
    input: Sequence[Item]
    earlier: Sequence[Item]
    background: bool
    until: float
    weight: int
    held: bool = False
    document: bytes | None = None
    running: Running | None = None

    @property
    def output(self) -> Sequence[Item]:
        return msgspec.json.decode(self.document)["output"] if self.document else ()

    @property
    def size(self) -> int:
        """Bytes, counted without regard for what entries share."""
        return self.weight + len(self.document or b"")

    @property
    def conversation(self) -> tuple[Item, ...]:
        """Everything that a response to follow continues."""
        return (*self.earlier, *self.input, *self.output)


class ResponseStore:
    """most: how many responses are kept; 0 for none. seconds: for how long. most_bytes: of all together."""

    def __init__(self, clock: Clock, most: int, seconds: int, most_bytes: int = 256 * 1024 * 1024) -> None:
        self._clock = clock
        self._most = most
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, Stored] = OrderedDict()

    @property
    def keeps(self) -> bool:
        """Whether anything is stored at all."""
        return self._most > 0

    def open(
        self, key_id: str, given: Sequence[Item], earlier: Sequence[Item], *, background: bool
    ) -> Stored:
        """An entry for a response that is about to be made; `put` makes it known."""
        weight = len(msgspec.json.encode([given, earlier]))
        return Stored(key_id, given, earlier, background, self._clock.now() + self._seconds, weight)

    def put(self, response_id: str, entry: Stored) -> None:
        self._forget_old()
        if response_id in self._entries:  # the same request again
            self._drop(response_id)
        self._entries[response_id] = entry
        entry.held = True
        self._bytes += entry.size
        self._shrink()

    def keep(self, entry: Stored, document: bytes) -> None:
        """What the response looks like from now on."""
        before, entry.document = len(entry.document or b""), document
        if entry.held:
            self._bytes += len(document) - before
            self._shrink()

    def get(self, key_id: str, response_id: str) -> Stored | None:
        """The key's response of that id; None when it has none."""
        self._forget_old()
        entry = self._entries.get(response_id)
        return entry if entry is not None and entry.key_id == key_id and entry.document else None

    def delete(self, response_id: str) -> None:
        self._drop(response_id)

    def item(self, key_id: str, item_id: str) -> Item | None:
        """The item of that id in any of the key's responses."""
        self._forget_old()
        return next((item for item in self._items(key_id) if item.get("id") == item_id), None)

    async def close(self) -> None:
        """Stop what is still being made, and wait until it has stopped."""
        running = [entry.running for entry in self._entries.values() if entry.running is not None]
        for run in running:
            await run.cancel()

    def _items(self, key_id: str) -> Iterator[Item]:
        for entry in self._entries.values():
            if entry.key_id == key_id:
                yield from entry.input
                yield from entry.output

    def _forget_old(self) -> None:
        now = self._clock.now()
        while self._entries:
            oldest = next(iter(self._entries))
            if self._entries[oldest].until > now:
                return
            self._drop(oldest)

    def _shrink(self) -> None:
        while len(self._entries) > self._most or (self._bytes > self._most_bytes and self._entries):
            self._drop(next(iter(self._entries)))

    def _drop(self, response_id: str) -> None:
        entry = self._entries.pop(response_id)
        entry.held = False
        self._bytes -= entry.size
        if entry.running is not None:
            entry.running.stop.set()
