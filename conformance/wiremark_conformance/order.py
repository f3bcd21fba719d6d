"""The order of a stream's events held against its table: which rule each event breaks, and where.

Pure: events in, breaches out. One breach does not hide the next: the walk goes on as a lenient client
would, with what is missing taken as given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wiremark_schemas.streams import Moment, Span, StreamTable

from wiremark_conformance.values import shown

Kind = Literal[
    "unknown",  # the table has no such event
    "late",  # opened after an event of it had come
    "repeated",  # opened again
    "overlapping",  # opened while another one of a kind that stands alone is open
    "number",  # the count is not the next one
    "unopened",  # an event of a span that is not open
    "misfit",  # a piece that does not fit the kind of its span
    "early",  # a moment while a span is open that should be closed by then
    "unclosed",  # an inner span left open
    "missing",  # a required moment did not come
    "unfinished",  # the stream ends before its end was told
    "after-end",  # something comes after the end, or after a failure
]
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Breach:
    """A broken rule.

    subject:  the span or the moment that it is about
    position: of the event that broke it; the number of events when it was broken by the end
    """

    kind: Kind
    subject: str
    position: int
    message: str


def walk(table: StreamTable, events: Sequence[Mapping[str, Any]]) -> tuple[Breach, ...]:
    """Every breach, in the order of the stream."""
    walker = _Walker(table)
    for position, event in enumerate(events):
        walker.step(position, event)
    walker.end(len(events))
    return tuple(walker.breaches)


def at(pointer: str, value: Any) -> Any:
    """What stands at a pointer; None when nothing does."""
    for step in pointer.split("/")[1:]:
        value = value.get(step) if isinstance(value, dict) else None
    return value


class _Walker:
    def __init__(self, table: StreamTable) -> None:
        self.breaches: list[Breach] = []
        self._table = table
        self._open: dict[tuple[str, Key], Any] = {}  # → kind of the span
        self._opened: set[tuple[str, Key]] = set()
        self._implied: set[tuple[str, Key]] = set()  # taken as open although nothing opened them
        self._counts: Counter[tuple[str, Key]] = Counter()
        self._moments: set[str] = set()
        self._over = False

    def step(self, position: int, event: Mapping[str, Any]) -> None:
        name = at(self._table.type, event)
        if not isinstance(name, str) or name in self._table.anywhere:
            return
        if self._over:
            self._breach("after-end", name, position, f"`{name}` comes after the end")
        elif name in self._table.failure:
            self._over = True
        elif name in self._table.moments:
            self._moment(position, self._table.moments[name])
        elif name in self._table.parts:
            span, part = self._table.parts[name]
            key = tuple(shown(at(pointer, event)) for pointer in span.key)
            {"opens": self._opens, "continues": self._continues, "closes": self._closes}[part](
                position, span, key, event
            )
        else:
            self._breach("unknown", name, position, f"there is no event `{name}`")

    def end(self, position: int) -> None:
        if self._over:
            return
        whole = self._table.whole
        last = " or ".join(f"`{event}`" for event in sorted(whole.closed_by))
        self._breach("unfinished", whole.name, position, f"the stream ends without {last}")
        if (whole.name, ()) in self._open:
            self._settle(position, whole, ())

    # -- the parts of spans -----------------------------------------------------------------------------

    def _opens(self, position: int, span: Span, key: Key, event: Mapping[str, Any]) -> None:
        name = at(self._table.type, event)
        if (span.name, key) in self._implied:
            self._implied.discard((span.name, key))
            self._breach("late", span.name, position, f"`{name}` comes after what it should open{_of(key)}")
        elif (span.name, key) in self._opened:
            self._breach("repeated", span.name, position, f"`{name}` comes again{_of(key)}")
        others = [other for opened, other in self._open if opened == span.name and other != key]
        if span.alone and others:
            self._breach(
                "overlapping", span.name, position, f"{_one(span, key)} opens while {others[0][-1]} is open"
            )
        self._within(position, span, key, name)
        if span.numbered is not None and (span.name, key) not in self._opened:
            self._number(position, span, key, at(span.numbered, event))
        self._remember(span, key, event)

    def _continues(self, position: int, span: Span, key: Key, event: Mapping[str, Any]) -> None:
        self._need(position, span, key, event)
        if span.variants is None:
            return
        kind, piece = self._open[span.name, key], at(span.variants.piece, event)
        fitting = span.variants.pieces.get(kind) if isinstance(kind, str) else None
        listed = isinstance(piece, str) and any(piece in pieces for pieces in span.variants.pieces.values())
        if fitting is not None and listed and piece not in fitting:
            message = f"`{piece}` came for {_one(span, key)} of the type `{kind}`"
            self._breach("misfit", span.name, position, message)

    def _closes(self, position: int, span: Span, key: Key, event: Mapping[str, Any]) -> None:
        self._need(position, span, key, event)
        self._settle(position, span, key)
        del self._open[span.name, key]
        self._over = span.within is None

    def _moment(self, position: int, moment: Moment) -> None:
        self._moments.add(moment.event)
        if not any(opened == moment.within for opened, _ in self._open):
            self._missing_opener(position, self._table.spans[moment.within], (), moment.event)
        for opened, key in self._open:
            if opened in moment.after:
                message = f"`{moment.event}` comes while {_one(self._table.spans[opened], key)} is open"
                self._breach("early", moment.event, position, message)

    # -- rules ------------------------------------------------------------------------------------------

    def _need(self, position: int, span: Span, key: Key, event: Mapping[str, Any]) -> None:
        """The span is open; where its first event opens it, it is now."""
        if (span.name, key) in self._open:
            return
        name = at(self._table.type, event)
        if span.opened_by or (span.name, key) in self._opened:
            self._missing_opener(position, span, key, name)
        else:
            self._within(position, span, key, name)
        self._remember(span, key, event)

    def _within(self, position: int, span: Span, key: Key, name: str) -> None:
        if span.within is None:
            return
        outer = self._table.spans[span.within]
        outer_key = key[: len(outer.key)]
        if (outer.name, outer_key) not in self._open:
            self._missing_opener(position, outer, outer_key, name)

    def _missing_opener(self, position: int, span: Span, key: Key, name: str) -> None:
        self._breach("unopened", span.name, position, f"`{name}` comes, but {_one(span, key)} is not open")
        self._remember(span, key, {})
        self._implied.add((span.name, key))

    def _number(self, position: int, span: Span, key: Key, found: Any) -> None:
        outer = key[: len(self._table.spans[span.within].key)] if span.within is not None else ()
        expected = self._counts[span.name, outer]
        self._counts[span.name, outer] += 1
        if isinstance(found, bool) or found != expected:
            self._breach(
                "number", span.name, position, f"{span.name} number {expected} is called {shown(found)}"
            )

    def _settle(self, position: int, span: Span, key: Key) -> None:
        """Everything within the span is closed, and its moments have come."""
        for opened, other in list(self._open):
            inner = self._table.spans[opened]
            if inner.within == span.name and other[: len(key)] == key:
                self._breach("unclosed", opened, position, f"{_one(inner, other)} is never closed")
                self._settle(position, inner, other)
                del self._open[opened, other]
        for moment in self._table.moments.values():
            if moment.within == span.name and moment.required and moment.event not in self._moments:
                self._breach("missing", moment.event, position, f"there is no `{moment.event}`")

    def _remember(self, span: Span, key: Key, event: Mapping[str, Any]) -> None:
        self._open[span.name, key] = at(span.variants.of, event) if span.variants is not None else None
        self._opened.add((span.name, key))

    def _breach(self, kind: Kind, subject: str, position: int, message: str) -> None:
        self.breaches.append(Breach(kind, subject, position, f"event {position + 1}: {message}"))


def _of(key: Key) -> str:
    return f" for {key[-1]}" if key else ""


def _one(span: Span, key: Key) -> str:
    return f"the {span.name}{f' {key[-1]}' if key else ''}"
