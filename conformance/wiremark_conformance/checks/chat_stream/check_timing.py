"""When the events of a stream arrive: as they are made, and never so late that somebody hangs up."""

from __future__ import annotations

from itertools import pairwise

from wiremark_conformance.checking import each
from wiremark_conformance.checks.chat_stream import STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome

_LOOKED_AT = (*STREAMS, "billing.stream")
_SECOND = 1_000_000_000
_LONG = 24  # events; fewer may be one step of a model that guesses ahead
_SOON = 2 * _SECOND  # an answer that begins by then was not waited for in any case
_EVENT = 200_000  # ns; nothing makes a token in so little, a loop over finished ones sends one
_SILENCE = 20 * _SECOND  # the standard says 15 seconds or so


@each("chat.stream.flowing", *_LOOKED_AT, expects="stream")
def flowing(view: View) -> Outcome:
    times = [frame.event.at_ns for frame in view.frames if isinstance(frame.value, dict)]
    if len(times) < _LONG:
        raise NotTestable(f"{len(times)} events are too few to tell")
    took = times[-1] - times[0]
    if times[0] < _SOON or took > len(times) * _EVENT:
        return None
    return (
        f"{len(times)} events came within {took / 1e6:.1f} ms, {times[0] / _SECOND:.1f} s after the request: "
        "all was made before any of it was sent"
    )


@each("chat.stream.alive", *_LOOKED_AT, expects="stream")
def alive(view: View) -> Outcome:
    times = [part.at_ns for part in view.exchange.parts]
    silences = [late - early for early, late in pairwise(times) if late - early > _SILENCE]
    return f"for {max(silences) / _SECOND:.0f} s nothing came" if silences else None
