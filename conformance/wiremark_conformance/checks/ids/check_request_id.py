"""The header that names a request."""

from __future__ import annotations

from wiremark_conformance.checking import each
from wiremark_conformance.checks.errors import REFUSED
from wiremark_conformance.checks.responses import REFUSED as RESPONSES
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.target import Target


def header_name(target: Target) -> str:
    """The header that the contract names for request ids."""
    name = target.contract.raw["headers"]["request_id"]
    if name is None:
        raise NotPromised("the contract names no request-id header")
    return str(name)


def present(view: View) -> Outcome:
    """A request id, and something in it."""
    name = header_name(view.target)
    return None if view.header(name) else f"the {view.status} has no {name}"


each("ids.success", "models.list", "chat.plain", "chat.tools.forced", "responses.plain")(present)
each("ids.streams", "chat.stream", "chat.tools.stream", "responses.stream")(present)
each("ids.errors", *REFUSED, *RESPONSES, expects="error")(present)


@each("ids.unique", "chat.plain", "responses.plain", expects="any")
def unique(view: View) -> Outcome:
    """Looks at every exchange of the run."""
    name = header_name(view.target)
    seen: set[str] = set()
    for other in view.evidence.made():
        request_id = other.header(name)
        if request_id and request_id in seen:
            return f"{other.probe} and an answer before it have the same {name} {request_id!r}"
        if request_id:
            seen.add(request_id)
    if len(seen) < 2:
        raise NotTestable("fewer than two answers have a request id")
    return None
