"""The bytes of one response, already here with their times, as an exchange: for answers without a socket."""

from __future__ import annotations

from collections.abc import Sequence

from wiremark_conformance.exchange import Exchange, Part, Request, TransportFailure
from wiremark_conformance.http1 import Data, Head, ProtocolError, ResponseReader


def read(
    probe: str,
    request: Request,
    arrived: Sequence[tuple[int, bytes]],
    *,
    started: str,
    elapsed_ns: int,
    origin: str,
) -> Exchange:
    """What a client would have made of bytes that arrived at these times before the connection ended."""
    reader = ResponseReader(request.method)
    head: Head | None = None
    parts: list[Part] = []
    failure: TransportFailure | None = None
    try:
        for at_ns, data in [*arrived, (elapsed_ns, b"")]:
            reader.feed(data)
            while (event := reader.next_event()) is not None:
                if isinstance(event, Head):
                    head = event
                elif isinstance(event, Data):
                    parts.append(Part(at_ns, event.data))
    except ProtocolError as error:
        failure = TransportFailure(error.kind, str(error))
    return Exchange(
        probe=probe,
        request=request,
        status=head.status if head else None,
        reason=head.reason if head else "",
        http_version=head.version if head else "",
        headers=head.headers if head else (),
        parts=tuple(parts),
        framing=head.framing if head else "none",
        failure=failure,
        started=started,
        elapsed_ns=elapsed_ns,
        notes=tuple(reader.notes),
        origin=origin,
    )
