"""One client that cannot be relied on: it hangs up, loses patience, asks again, and keeps every receipt."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wiremark_loadtests.bill.receipts import Outcome
from wiremark_loadtests.client import answer
from wiremark_loadtests.client.wire import ResponseReader, WireError

_PATIENCE = 30.0
_REPEATABLE = frozenset({409, 503, 529})
"""Refusals that a client has to expect here; any other is a finding."""

_WORDS = (
    *("lighthouse", "storm", "keeper", "island", "letter", "harbour"),
    *("winter", "lamp", "gull", "rope", "tide", "sailor"),
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One exchange, as far as it went.

    request_id: as the head told it; tokens: of an answer that came whole; replayed: told to be a repeat
    """

    request_id: str | None
    status: int
    tokens: tuple[int, int] | None
    replayed: bool


@dataclass(slots=True)
class Asked:
    """One request, whatever became of its attempts.

    name: its idempotency key; None for a request that is sent once
    """

    model: str
    name: str | None
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def told(self) -> Attempt | None:
        """The attempt that was answered whole."""
        return next((attempt for attempt in self.attempts if attempt.tokens is not None), None)


@dataclass(frozen=True, slots=True)
class Purse:
    """An API key and the model that it is used for; named: whether its requests have idempotency keys."""

    key: str
    model: str
    named: bool


class Client:
    """Asks until it is told to stop; a named request is repeated until it has been answered whole."""

    def __init__(self, port: int, path: str, purses: tuple[Purse, ...], rng: random.Random) -> None:
        self._port = port
        self._path = path
        self._purses = purses
        self._rng = rng
        self.asked: list[Asked] = []
        self.surprises: list[str] = []

    async def run(self, goes_on: Callable[[], bool]) -> None:
        while goes_on():
            purse = self._rng.choice(self._purses)
            name = f"{self._rng.getrandbits(64):016x}" if purse.named else None
            asked = Asked(purse.model, name)
            self.asked.append(asked)
            request, streamed = self._request(purse, name)
            while True:
                asked.attempts.append(await self._attempt(request, streamed, calm=not goes_on()))
                if name is None or asked.told is not None:
                    break
                await asyncio.sleep(self._rng.uniform(0.01, 0.2))

    def _request(self, purse: Purse, name: str | None) -> tuple[bytes, bool]:
        streamed = self._rng.random() < 0.7
        document: dict[str, Any] = {
            "model": purse.model,
            "messages": [{"role": "user", "content": " ".join(self._rng.choices(_WORDS, k=12))}],
            "max_tokens": self._rng.randint(4, 40),
        }
        if streamed:
            document |= {"stream": True, "stream_options": {"include_usage": True}}
        body = json.dumps(document).encode()
        lines = [
            f"POST {self._path} HTTP/1.1",
            f"host: 127.0.0.1:{self._port}",
            f"authorization: Bearer {purse.key}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
        ]
        if name is not None:
            lines.append(f"idempotency-key: {name}")
        return "\r\n".join([*lines, "", ""]).encode() + body, streamed

    async def _attempt(self, request: bytes, streamed: bool, calm: bool) -> Attempt:
        """One exchange; in half of them the client leaves early, unless it is calm."""
        leaves_after, patience = None, _PATIENCE
        mood = self._rng.random()
        if not calm and mood < 0.3:
            leaves_after = self._rng.choice((0, 1, self._rng.randint(1, 4000)))  # bytes of the answer
        elif not calm and mood < 0.5:
            patience = self._rng.uniform(0.0, 0.5)
        reader = ResponseReader()
        whole = False
        try:
            async with asyncio.timeout(patience):
                whole = await self._exchange(request, reader, leaves_after)
        except (OSError, TimeoutError, WireError):
            pass
        return self._told(reader, streamed, whole)

    async def _exchange(self, request: bytes, reader: ResponseReader, leaves_after: int | None) -> bool:
        receiving, sending = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            sending.write(request)
            received = 0
            while leaves_after is None or received < leaves_after:
                data = await receiving.read(65536)
                received += len(data)
                if reader.feed(data, time.monotonic_ns()):
                    return True
            return False
        finally:
            sending.transport.abort()

    def _told(self, reader: ResponseReader, streamed: bool, whole: bool) -> Attempt:
        request_id = reader.header("x-request-id") if reader.status else None
        replayed = bool(reader.status) and reader.header("idempotent-replayed") is not None
        tokens = None
        if whole and reader.status == 200:
            told = answer.read(reader, streamed=streamed)
            if told.outcome is Outcome.OK:
                tokens = told.tokens
        elif whole and reader.status not in _REPEATABLE:
            self.surprises.append(f"{request_id}: status {reader.status}: {reader.body[:300]!r}")
        return Attempt(request_id, reader.status, tokens, replayed)
