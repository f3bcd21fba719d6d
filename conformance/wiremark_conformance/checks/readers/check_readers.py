"""Each stream replayed through models of four clients: a finding says which one breaks, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiremark_conformance import readers
from wiremark_conformance.checking import each
from wiremark_conformance.checks.chat_stream import STREAMS
from wiremark_conformance.checks.responses_stream import STREAMS as RESPONSES
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.readers import Reading
from wiremark_conformance.values import shown

# Every stream of an OpenAI surface that ends as it should.
_STREAMS = (
    *STREAMS,
    "chat.stop.stream",
    "chat.logprobs.stream",
    "chat.json-schema.stream",
    "completions.stream",
    *RESPONSES,
)


def _reads(client: str) -> Callable[[View], Outcome]:
    def whole(view: View) -> Outcome:
        if view.exchange.failure is not None:
            raise NotTestable("the body was cut off")
        return "; ".join(readers.broken(view.exchange.parts, (client,))) or None

    return whole


for _client in readers.OPENAI_CLIENTS:
    each(f"readers.{_client}", *_STREAMS, expects="stream")(_reads(_client))


@each("readers.agree", *_STREAMS, expects="stream")
def agree(view: View) -> Outcome:
    """Whoever does not break hands out the same values; openai-node wraps those of named events."""
    readings = [readers.read(client, view.exchange.parts) for client in readers.OPENAI_CLIENTS]
    whole = [reading for reading in readings if reading.crash is None and not reading.lost]
    if not whole:
        raise NotTestable("every client breaks")
    first = whole[0]
    other = next((reading for reading in whole if _told(reading) != _told(first)), None)
    return f"{first.client} gets {_shown(first)} and {other.client} {_shown(other)}" if other else None


def _told(reading: Reading) -> tuple[tuple[Any, ...], Any]:
    wrapped = (isinstance(event, dict) and event.keys() == {"event", "data"} for event in reading.events)
    return tuple(e["data"] if w else e for e, w in zip(reading.events, wrapped, strict=True)), reading.error


def _shown(reading: Reading) -> str:
    error = f" and the error {shown(reading.error)}" if reading.error is not None else ""
    return f"{len(reading.events)} events{error}"
