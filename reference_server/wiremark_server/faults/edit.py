"""Where a fault or a variant takes hold: one kind of edit per seam of the gateway.

The gateway itself knows nothing of them. Edits of promises and services change what it is built from; the
others sit around it, between its encoders and the wire, and see requests and answers as values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from wiremark_schemas.contracts import Contract

from wiremark_server.faults.frames import Frame
from wiremark_server.keys import KeyStore
from wiremark_server.policy.call import Services

Headers = list[tuple[bytes, bytes]]
Document = dict[str, Any]
Form = Literal["any", "answer", "stream", "refusal"]
_STREAMED = ":streamGenerateContent"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as edits see it.

    operation: its name in the contract; "" for a path or method that the contract does not have
    document:  its body as a JSON object; empty when it has none
    body:      its bytes
    path:      as it stands in the request line, without the query
    query:     what follows `?`
    contract:  under which it is asked; None where that does not matter
    peer:      address and port of the client, which name the connection; "" where there is none
    """

    operation: str
    method: str
    headers: Headers
    document: Document
    body: bytes = b""
    path: str = ""
    query: str = ""
    contract: Contract | None = None
    peer: str = ""

    def header(self, name: bytes) -> bytes:
        return next((value for key, value in self.headers if key == name), b"")

    @property
    def streams(self) -> bool:
        """Whether it asks for events: in its body, by its path as Gemini's, or in its query."""
        by_path = _STREAMED in self.path and "alt=sse" in self.query
        return bool(self.document.get("stream")) or by_path or "stream=true" in self.query


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer given in the gateway's place."""

    status: int
    headers: Headers
    body: bytes


Where = Callable[[Ask], bool]


def everywhere(ask: Ask) -> bool:  # noqa: ARG001 - one signature
    return True


@dataclass(frozen=True, slots=True)
class On:
    """Which exchanges an edit is for.

    operation: one of the contract's; "" for requests that are none, None for all
    form:      how the gateway answered: a JSON success, an event stream, a 4xx or 5xx
    where:     a further question about the request
    status:    the status of the answer; None for all
    """

    operation: str | None = None
    form: Form = "any"
    where: Where = everywhere
    status: int | None = None

    def asked(self, ask: Ask) -> bool:
        return self.operation in (None, ask.operation) and self.where(ask)

    def answered(self, ask: Ask, form: Form, status: int) -> bool:
        return self.form in ("any", form) and self.status in (None, status) and self.asked(ask)


# A step is called with every item in turn and with None at the end; it gives what goes on from there.
FrameStep = Callable[[Frame | None], Iterable[Frame]]
BytesStep = Callable[[bytes | None], Iterable[bytes]]


class CutError(Exception):
    """Raised by a step: the connection ends here, in the middle of the answer."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Serve another contract than the one that is promised: `change` edits the raw document."""

    change: Callable[[Document], None]


@dataclass(frozen=True, slots=True)
class Inside:
    """Exchange one of the gateway's services for one that decides or counts wrongly."""

    change: Callable[[Services, KeyStore], Services]


@dataclass(frozen=True, slots=True)
class Question:
    """Understand the request as another one."""

    on: On
    change: Callable[[Ask], Ask]


@dataclass(frozen=True, slots=True)
class Instead:
    """Give this answer without asking the gateway."""

    on: On
    reply: Callable[[Ask], Reply]


@dataclass(frozen=True, slots=True)
class Head:
    """Change status and headers, in place for the headers; gives the status."""

    on: On
    change: Callable[[int, Headers], int]


@dataclass(frozen=True, slots=True)
class Body:
    """Change the JSON value of an answer or refusal."""

    on: On
    change: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Events:
    """Change the events of a stream; `start` gives the step of one stream."""

    start: Callable[[], FrameStep]
    on: On = field(default_factory=lambda: On(form="stream"))


@dataclass(frozen=True, slots=True)
class Octets:
    """Change the bytes of a body as they go out; `start` gives the step of one body."""

    on: On
    start: Callable[[], BytesStep]


Edit = Promise | Inside | Question | Instead | Head | Body | Events | Octets

#: Edits that change what a gateway is built from: each choice of them needs a gateway of its own.
BUILT_IN = (Promise, Inside)

Choose = Callable[[Ask], Iterable[Edit]]
Envelope = Mapping[str, Any]
