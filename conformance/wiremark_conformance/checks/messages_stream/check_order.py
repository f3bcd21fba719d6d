"""The order of events: the table `anthropic.messages` of the schemas, rule by rule."""

from __future__ import annotations

from wiremark_schemas import streams

from wiremark_conformance.checking import Function, each
from wiremark_conformance.checks.messages_stream import STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.messages import events
from wiremark_conformance.order import walk
from wiremark_conformance.outcome import Outcome

# Requirement → the breaches of the order that it is about: kind and subject. One that is opened late has been
# told of as unopened before.
_RULES: dict[str, frozenset[tuple[str, str]]] = {
    "start-first": frozenset({("unopened", "message")}),
    "start-once": frozenset({("repeated", "message")}),
    "block-opened": frozenset({("unopened", "block")}),
    "block-once": frozenset({("repeated", "block")}),
    "block-numbered": frozenset({("number", "block")}),
    "block-alone": frozenset({("overlapping", "block")}),
    "block-closed": frozenset({("unclosed", "block"), ("early", "message_delta")}),
    "delta-fits": frozenset({("misfit", "block")}),
    "delta": frozenset({("missing", "message_delta")}),
    "stop": frozenset({("unfinished", "message")}),
}


def _keeps(rules: frozenset[tuple[str, str]]) -> Function:
    def kept(view: View) -> Outcome:
        found = walk(streams.load("anthropic.messages"), events(view))
        return next((breach.message for breach in found if (breach.kind, breach.subject) in rules), None)

    return kept


for _name, _rules in _RULES.items():
    each(f"messages.stream.{_name}", *STREAMS, expects="stream")(_keeps(_rules))


@each("messages.stream.stop-last", *STREAMS, expects="stream")
def stop_last(view: View) -> Outcome:
    found = walk(streams.load("anthropic.messages"), events(view))
    return next((breach.message for breach in found if breach.kind == "after-end"), None)
