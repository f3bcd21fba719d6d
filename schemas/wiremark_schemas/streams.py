"""In which order the events of a stream come: one YAML table per wire format, in `streams/`.

A table knows spans and moments. A span is opened, continued and closed by events, stands within another
span, and has a key that tells it from its likes; a moment is an event that belongs to a span without
opening one. Schema of the files: `meta/stream.json`. Whoever judges a stream walks the table; nothing here
looks at one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

from wiremark_schemas import yamlfile
from wiremark_schemas.yamlfile import BadFile

_FOLDER = "streams"

Part = Literal["opens", "continues", "closes"]


@dataclass(frozen=True, slots=True)
class Variants:
    """Which pieces fit which kind of span.

    of:     pointer into the opening event: the span's kind
    piece:  pointer into a continuing event: the piece's kind
    pieces: kind of span → kinds of pieces; a kind that is not listed takes any
    """

    of: str
    piece: str
    pieces: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a stream.

    within:       the outer span; None for the whole stream
    key:          pointers into each of its events, the outer span's first
    opened_by:    empty: its first event opens it
    numbered:     pointer to what counts 0, 1, 2, … in the order of opening; None: nothing does
    alone:        one is closed before the next one opens
    """

    name: str
    within: str | None
    key: tuple[str, ...]
    opened_by: frozenset[str]
    continued_by: frozenset[str]
    closed_by: frozenset[str]
    numbered: str | None
    alone: bool
    variants: Variants | None


@dataclass(frozen=True, slots=True)
class Moment:
    """An event that belongs to a span; `after` names spans of which none may be open then."""

    event: str
    within: str
    required: bool
    after: frozenset[str]


@dataclass(frozen=True)
class StreamTable:
    """The order of the events of one wire format.

    type:     pointer to the word that says which event it is
    anywhere: events without meaning for the order
    failure:  events that end a stream at any point
    """

    name: str
    title: str
    source: str
    type: str
    anywhere: frozenset[str]
    failure: frozenset[str]
    spans: Mapping[str, Span]
    moments: Mapping[str, Moment]

    @cached_property
    def whole(self) -> Span:
        """The span that is the stream."""
        return next(span for span in self.spans.values() if span.within is None)

    @cached_property
    def parts(self) -> Mapping[str, tuple[Span, Part]]:
        """Event → the span that it is part of, and as what."""
        return {event: (span, part) for event, span, part in _parts(self.spans)}

    @cached_property
    def events(self) -> frozenset[str]:
        """Every event that the table knows."""
        return frozenset({*self.parts, *self.moments, *self.anywhere, *self.failure})


def _parts(spans: Mapping[str, Span]) -> Iterator[tuple[str, Span, Part]]:
    for span in spans.values():
        yield from ((event, span, "opens") for event in span.opened_by)
        yield from ((event, span, "continues") for event in span.continued_by)
        yield from ((event, span, "closes") for event in span.closed_by)


def names() -> tuple[str, ...]:
    """The names of all tables, sorted."""
    folder = files("wiremark_schemas").joinpath(_FOLDER)
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir()))


@cache
def load(name: str) -> StreamTable:
    """The table of that name. Raises KeyError when there is none, BadFile when it is wrong."""
    if name not in names():
        raise KeyError(f"no stream is called {name!r}; there are: {', '.join(names())}")
    source = f"{name}.yaml"
    return read(files("wiremark_schemas").joinpath(_FOLDER, source).read_text(encoding="utf-8"), source)


def read(text: str, source: str) -> StreamTable:
    """The table in a file's text; `source` names it in errors. Raises BadFile with line and pointer."""
    document, lines = yamlfile.parse(text, source)
    yamlfile.check(document, lines, "meta/stream", source)
    table = StreamTable(
        name=document["name"],
        title=document["title"],
        source=document["source"],
        type=document["type"],
        anywhere=frozenset(document.get("anywhere", ())),
        failure=frozenset(document.get("failure", ())),
        spans={name: _span(name, entry) for name, entry in document["spans"].items()},
        moments={
            event: Moment(
                event, entry["within"], entry.get("required", False), frozenset(entry.get("after", ()))
            )
            for event, entry in document.get("moments", {}).items()
        },
    )
    for pointer, defect in _defects(table):
        raise BadFile(f"{source}:{lines.get(pointer, 1)}: {pointer}: {defect}")
    return table


def _span(name: str, entry: Mapping[str, Any]) -> Span:
    variants = entry.get("variants")
    return Span(
        name=name,
        within=entry.get("within"),
        key=tuple(entry.get("key", ())),
        opened_by=frozenset(entry.get("opened_by", ())),
        continued_by=frozenset(entry.get("continued_by", ())),
        closed_by=frozenset(entry["closed_by"]),
        numbered=entry.get("numbered"),
        alone=entry.get("alone", False),
        variants=variants
        and Variants(
            variants["of"],
            variants["piece"],
            {kind: frozenset(pieces) for kind, pieces in variants["pieces"].items()},
        ),
    )


def _defects(table: StreamTable) -> Iterator[tuple[str, str]]:
    """What a schema cannot say: names that mean something, and one meaning for each event."""
    if sum(span.within is None for span in table.spans.values()) != 1:
        yield "/spans", "exactly one span must be within no other"
    for span in table.spans.values():
        outer = table.spans.get(span.within) if span.within is not None else None
        if span.within is not None and (outer is None or outer is span):
            yield f"/spans/{span.name}/within", f"no other span is called {span.within!r}"
        elif outer is not None and span.key[: len(outer.key)] != outer.key:
            yield f"/spans/{span.name}/key", f"it must begin with the key of {outer.name!r}"
    for moment in table.moments.values():
        unknown = [name for name in (moment.within, *sorted(moment.after)) if name not in table.spans]
        if unknown:
            yield f"/moments/{moment.event}", f"no span is called {unknown[0]!r}"
    seen: set[str] = set()
    used = [event for event, _, _ in _parts(table.spans)]
    for event in (*used, *table.moments, *table.anywhere, *table.failure):
        if event in seen:
            yield "/spans", f"the event {event!r} has two meanings"
        seen.add(event)
