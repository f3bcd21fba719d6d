"""The shortest generated request that breaks a property, or one that keeps it."""

from __future__ import annotations

from wiremark_conformance.checking import each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.properties import PROPERTIES

_BY_KIND = {
    kind: tuple(name for name, wanted in PROPERTIES.items() if wanted.kind == kind)
    for kind in ("valid", "invalid", "any")
}


def _unsettled(view: View) -> Outcome:
    if view.exchange.failure is not None:
        return f"the connection broke: {view.exchange.failure.message}"
    if view.status is not None and view.status >= 500 and view.status != 501:
        return f"answered {view.status_line}{view.error_text}"
    return None


@each("properties.settled", *(name for names in _BY_KIND.values() for name in names), expects="reply")
def settled(view: View) -> Outcome:
    return _unsettled(view)


@each("properties.valid", *_BY_KIND["valid"], expects="reply")
def valid(view: View) -> Outcome:
    if _unsettled(view) is None and view.succeeded:
        return None
    return _unsettled(view) or f"a valid request was answered {view.status_line}{view.error_text}"


@each("properties.invalid", *_BY_KIND["invalid"], expects="reply")
def invalid(view: View) -> Outcome:
    if view.declined:
        return None if isinstance(view.error, dict) else f"the {view.status} has no `error` object"
    return _unsettled(view) or f"a request that breaks the schema was answered {view.status_line}"
