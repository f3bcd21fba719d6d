"""What a wire format of generations is: documents in, and whole answers or event streams out.

An operation runs the engine, the policies and the money the same way for every format; what differs stands
behind these protocols. Formats are pure: no clock, no network, no account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from wiremark_server.domain.asked import Asked
from wiremark_server.domain.generation import Delta, Usage

HeaderOf = Callable[[str], str | None]


class RequestHead(Struct, frozen=True):
    """What is known of a request beside its body. Called with the name of a header, it gives that header.

    parameters: of the path; query: of the query string
    """

    header: HeaderOf
    parameters: Mapping[str, str]
    query: Mapping[str, str]

    def __call__(self, name: str) -> str | None:
        return self.header(name)


class Reply(Struct, frozen=True):
    """What is known of an answer when it begins.

    created:     seconds since the epoch, UTC
    model:       id of the model that answers
    fingerprint: names the configuration of the server
    usage:       tokens so far; its prompt counts are final as soon as there is a delta
    provider:    who answers, where the contract leaves a choice; known as soon as there is a delta
    charged:     µUSD that an answer with such a usage costs
    elapsed_ms:  since the request was understood
    """

    request_id: str
    created: int
    model: str
    fingerprint: str
    asked: Asked
    usage: Callable[[], Usage]
    provider: Callable[[], str | None] = lambda: None
    charged: Callable[[Usage], int] = lambda _: 0
    elapsed_ms: Callable[[], int] = lambda: 0


class Whole(Protocol):
    """Gathers the deltas of one answer, in the order they come."""

    def add(self, deltas: Iterable[Delta]) -> None: ...

    def encode(self, usage: Usage) -> bytes:
        """The response body."""
        ...


class Streamed(Protocol):
    """Turns the deltas of one answer into frames."""

    def encode(self, deltas: Iterable[Delta]) -> bytes:
        """The frames of one step, ready to send."""
        ...

    def end(self, usage: Usage) -> bytes:
        """What ends the stream after its last delta."""
        ...


class Format(Protocol):
    """One wire format. `name` tells its documents from those of others that look the same."""

    name: str

    def decode(self, document: Mapping[str, Any], request_id: str, head: RequestHead, /) -> Asked:
        """What a request asks for. Raises ProblemError with the JSON path of what is wrong."""
        ...

    def whole(self, reply: Reply) -> Whole: ...

    def stream(self, reply: Reply) -> Streamed: ...
