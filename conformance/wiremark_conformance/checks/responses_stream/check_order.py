"""The order of events: the table `openai.responses` of the schemas, rule by rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from wiremark_schemas import streams

from wiremark_conformance.checking import Function, each
from wiremark_conformance.checks.responses_stream import STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.order import Breach, at, walk
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.responses import TERMINAL, events, of_type, response_of
from wiremark_conformance.values import is_int, shown

# Requirement → the breaches of the order that it is about: kind and subject. One that is opened late has been
# told of as unopened before.
_RULES: dict[str, frozenset[tuple[str, str]]] = {
    "created-first": frozenset({("unopened", "response")}),
    "created-once": frozenset({("repeated", "response")}),
    "item-added": frozenset({("unopened", "item")}),
    "item-once": frozenset({("repeated", "item")}),
    "item-numbered": frozenset({("number", "item")}),
    "item-done": frozenset({("unclosed", "item")}),
    "part-added": frozenset({("unopened", "part")}),
    "part-numbered": frozenset({("number", "part"), ("repeated", "part")}),
    "part-fits": frozenset({("misfit", "part")}),
    "part-done": frozenset({("unclosed", "part")}),
    "summary-added": frozenset({("unopened", "summary"), ("repeated", "summary")}),
    "summary-done": frozenset({("unclosed", "summary")}),
    "call-done": frozenset({("unclosed", "arguments"), ("unclosed", "input")}),
    "call-once": frozenset({("unopened", "arguments"), ("unopened", "input")}),
    "terminal": frozenset({("unfinished", "response")}),
}


def _opened(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """An event, and after an item that was added with parts in it an opening of each of those."""
    yield event
    content = at("/item/content", dict(event))
    if event.get("type") == "response.output_item.added" and isinstance(content, list):
        for position, part in enumerate(content):
            yield {
                "type": "response.content_part.added",
                "output_index": event.get("output_index"),
                "content_index": position,
                "part": part,
            }


@lru_cache(maxsize=32)
def _breaches(view: View) -> tuple[Breach, ...]:
    """Walked once for all the rules."""
    told = [told for event in events(view) for told in _opened(event)]
    return walk(streams.load("openai.responses"), told)


def _keeps(rules: frozenset[tuple[str, str]]) -> Function:
    def kept(view: View) -> Outcome:
        found = _breaches(view)
        return next((breach.message for breach in found if (breach.kind, breach.subject) in rules), None)

    return kept


for _name, _rules in _RULES.items():
    each(f"responses.stream.{_name}", *STREAMS, expects="stream")(_keeps(_rules))


@each("responses.stream.terminal-last", *STREAMS, expects="stream")
def terminal_last(view: View) -> Outcome:
    return next((breach.message for breach in _breaches(view) if breach.kind == "after-end"), None)


_INDICES = ("output_index", "content_index", "summary_index")


@each("responses.stream.indices", *STREAMS, expects="stream")
def indices(view: View) -> Outcome:
    """Integers wherever the event has such an index at all; what it must have is another requirement."""
    for event in events(view):
        for name in _INDICES:
            if name in event and not is_int(event[name]):
                return f"`{name}` of a {shown(event.get('type'))} is {shown(event[name])}"
    return None


@each("responses.stream.terminal-name", *STREAMS, expects="stream")
def terminal_name(view: View) -> Outcome:
    """The name of the end says what the status of its response says."""
    ends = of_type(view, *TERMINAL)
    if not ends:
        raise NotTestable("the stream does not tell its end")
    name, status = str(ends[-1]["type"]).removeprefix("response."), response_of(ends[-1]).get("status")
    return None if name == status else f"`{ends[-1]['type']}` has the status {shown(status)}"
