"""Connections that are kept, and on which what follows an answer is not what the client sent."""

from __future__ import annotations

from wiremark_server.faults.change import CHAT, unended
from wiremark_server.faults.edit import Ask, Edit, Head, Instead, On, Reply
from wiremark_server.faults.fault import Fault, named

_fault = named("http.reuse")
_HTML = (b"content-type", b"text/html")
_WORDS = b"<h1>Error response</h1><p>Unsupported method</p>"


def _kept(ask: Ask) -> bool:
    return bool(ask.peer) and ask.header(b"connection").lower() != b"close"


class _Leftovers:
    """Connections on which bytes were left that the next request is read together with."""

    def __init__(self) -> None:
        self._peers: set[str] = set()

    def left(self, ask: Ask) -> bool:
        """Note that something is left after this request, when another can follow."""
        if _kept(ask):
            self._peers.add(ask.peer)
        return False

    def spoilt(self, ask: Ask) -> bool:
        """Whether something was left before this request; then it is gone."""
        found = ask.peer in self._peers
        self._peers.discard(ask.peer)
        return found


def _desynchronised(on: On) -> tuple[Edit, ...]:
    """What follows such an answer on its connection is no request that the server knows."""
    leftovers = _Leftovers()
    noting = On(on.operation, on.form, lambda ask: on.where(ask) and leftovers.left(ask), on.status)
    return (
        Instead(On(None, where=leftovers.spoilt), lambda _: Reply(501, [_HTML], _WORDS)),
        Head(noting, lambda status, _: status),
    )


TABLE: tuple[Fault, ...] = (
    _fault(
        "after-answers",
        "wire",
        "What follows a chat answer on its connection is not understood.",
        *_desynchronised(On(CHAT, "answer")),
        catches=("http.reuse.answer",),
    ),
    _fault(
        "unread-after-401",
        "wire",
        "The body of a request whose key was refused is read as the next request of its connection.",
        *_desynchronised(On(None, "refusal", status=401)),
        catches=("http.reuse.stranger",),
    ),
    _fault(
        "unread-after-404",
        "wire",
        "The body of a request to an unknown path is read as the next request of its connection.",
        *_desynchronised(On("", "refusal", status=404)),
        catches=("http.reuse.lost",),
    ),
    _fault(
        "after-head",
        "wire",
        "What follows HEAD on its connection is not understood.",
        *_desynchronised(On(None, where=lambda ask: ask.method == "HEAD")),
        catches=("http.reuse.head",),
    ),
    _fault(
        "streams-unended",
        "wire",
        "A stream on a connection that is kept has no end.",
        unended(On(CHAT, "stream", _kept)),
        catches=("http.reuse.stream",),
        bug="stream-connection-cut",
    ),
)
