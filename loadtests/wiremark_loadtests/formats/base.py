"""What a wire format has to know for a load run: how a question is asked, and how an answer ends. Pure.

The judge has readers and checks of its own; this is what is needed to tell a whole answer from a broken
one at speed. A format looks at the first and the last events of a stream, and at all of them only for a
sampled share.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Tokens = tuple[int, int]  # prompt, completion


class Broken(Exception):  # noqa: N818  an outcome, not a defect of this program
    """The answer breaks a rule of its format; the text is the error class."""


@dataclass(frozen=True, slots=True)
class Image:
    """A PNG file, base64 encoded."""

    data: str

    @property
    def url(self) -> str:
        return f"data:image/png;base64,{self.data}"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question, in no format yet.

    history: earlier messages of the conversation, in the format's own form
    schema:  JSON Schema that the answer is to follow; None asks for text
    webhook:     where the end of a task is to be told
    unreachable: a reference that cannot be had, so that the task fails
    """

    model: str
    prompt: str
    max_tokens: int
    stream: bool
    tools: tuple[Mapping[str, Any], ...] = ()
    images: tuple[Image, ...] = ()
    schema: Mapping[str, Any] | None = None
    history: tuple[Mapping[str, Any], ...] = ()
    webhook: str | None = None
    unreachable: str | None = None


class Format(Protocol):
    """One wire format.

    headers:      further header lines that it needs
    stream_query: what a request for a stream has behind its path
    """

    headers: tuple[str, ...]
    stream_query: str

    def operation(self, *, stream: bool) -> str:
        """The contract's name for asking so."""

    def body(self, ask: Ask) -> dict[str, Any]: ...

    def contents(self, payloads: list[bytes]) -> list[bytes]:
        """The events between which tokens may come; raise Broken when the stream is not whole."""

    def usage(self, payloads: Sequence[bytes]) -> Tokens | None:
        """What a stream told so far; raise Broken for an error that it told."""

    def bears_token(self, event: Mapping[str, Any]) -> bool: ...

    def check(self, payloads: Sequence[bytes]) -> None:
        """Look at every event; raise Broken."""

    def glance(self, body: bytes) -> Tokens | None:
        """Usage of an answer that is no stream, without decoding it; None when that takes decoding."""

    def plain(self, document: Mapping[str, Any]) -> tuple[Tokens | None, str]:
        """Usage of an answer that is no stream, and what is wrong with it, "" when nothing is."""


def decode(data: bytes) -> dict[str, Any]:
    """The object of one event; raise Broken when it is none, or an error."""
    try:
        event = json.loads(data)
    except (ValueError, RecursionError):
        raise Broken("broken-stream:not-json") from None
    if not isinstance(event, dict):
        raise Broken("broken-stream:not-an-object")
    if event.get("error") is not None:
        raise Broken("stream-error")
    return event


def counts(usage: Any, prompt: str, completion: str) -> Tokens | None:
    """Two counts of a usage object; None when one is absent or no count."""
    if not isinstance(usage, dict):
        return None
    match usage.get(prompt), usage.get(completion):
        case (int() as told_in, int() as told_out) if told_in >= 0 and told_out >= 0:
            return told_in, told_out
    return None
