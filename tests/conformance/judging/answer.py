"""What one probe of the good endpoint gets, as a value that a test can spoil."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wiremark_conformance.exchange import FailureKind, TransportFailure


@dataclass
class Answer:
    """What one probe gets. A `chunks` entry is a JSON value, a str (the data of an event), or raw bytes.

    step:  bytes per arrival; 0 sends the body in one piece
    at_ns: when the byte at a place in the body arrives
    named: events are named after the `type` of their data
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    chunks: list[Any] | None = None
    failure: TransportFailure | None = None
    step: int = 0
    named: bool = False
    at_ns: Callable[[int], int] = int

    @property
    def wire(self) -> bytes:
        if self.chunks is not None:
            return b"".join(_event(chunk, self.named) for chunk in self.chunks)
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()

    def fail(self, kind: FailureKind) -> None:
        self.failure = TransportFailure(kind, f"it was {kind}")

    @property
    def message(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["choices"][0]["message"]
        return found

    @property
    def choice(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["choices"][0]
        return found

    def delta(self, position: int) -> dict[str, Any]:
        """The delta of the first choice of a chunk."""
        assert self.chunks is not None
        found: dict[str, Any] = self.chunks[position]["choices"][0]["delta"]
        return found

    def call(self, position: int) -> dict[str, Any]:
        """The first piece of a tool call in a chunk."""
        found: dict[str, Any] = self.delta(position)["tool_calls"][0]
        return found


def _event(chunk: Any, named: bool) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    text = chunk if isinstance(chunk, str) else json.dumps(chunk)
    name = f"event: {chunk['type']}\n" if named and isinstance(chunk, dict) and "type" in chunk else ""
    return f"{name}data: {text}\n\n".encode()
