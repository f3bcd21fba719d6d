"""The form of every error: google.rpc.Status, whoever in the endpoint makes it."""

from __future__ import annotations

from wiremark_conformance.checking import each
from wiremark_conformance.checks.errors.check_envelope import content_type, message, no_internals
from wiremark_conformance.checks.gemini_errors import REFUSED
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import is_int, shown

# HTTP status → the canonical statuses that belong to it; one that is not listed may have any.
STATUSES: dict[int, frozenset[str]] = {
    400: frozenset({"INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE"}),
    401: frozenset({"UNAUTHENTICATED"}),
    403: frozenset({"PERMISSION_DENIED"}),
    404: frozenset({"NOT_FOUND"}),
    409: frozenset({"ABORTED", "ALREADY_EXISTS"}),
    429: frozenset({"RESOURCE_EXHAUSTED"}),
    499: frozenset({"CANCELLED"}),
    500: frozenset({"INTERNAL", "UNKNOWN", "DATA_LOSS"}),
    501: frozenset({"UNIMPLEMENTED"}),
    503: frozenset({"UNAVAILABLE"}),
    504: frozenset({"DEADLINE_EXCEEDED"}),
}
_CANONICAL = frozenset({"OK"}).union(*STATUSES.values())
_TYPE = "type.googleapis.com/"


@each("gemini.errors.envelope", *REFUSED, expects="error")
def envelope(view: View) -> Outcome:
    if view.json_defect:
        begin = view.exchange.body[:80].decode("utf-8", "replace")
        return f"the body of the {view.status} is not JSON: {shown(begin)}"
    if isinstance(view.error, dict):
        return None
    return f"the {view.status} has no `error` object: {shown(view.value)}"


@each("gemini.errors.code", *REFUSED, expects="error")
def code(view: View) -> Outcome:
    found = view.envelope.get("code")
    return (
        None
        if is_int(found) and found == view.status
        else f"`error.code` of the {view.status} is {shown(found)}"
    )


@each("gemini.errors.status", *REFUSED, expects="error")
def status(view: View) -> Outcome:
    found = view.envelope.get("status")
    if not isinstance(found, str) or found not in _CANONICAL:
        return f"`error.status` of the {view.status} is {shown(found)}, which is no canonical status"
    return None


@each("gemini.errors.status-agrees", *REFUSED, expects="error")
def status_agrees(view: View) -> Outcome:
    found, wanted = view.envelope.get("status"), STATUSES.get(view.status or 0)
    if wanted is None or not isinstance(found, str) or found not in _CANONICAL:
        raise NotTestable("the status says nothing to agree with")
    return None if found in wanted else f"`error.status` of the {view.status} is {found}"


@each("gemini.errors.details", *REFUSED, expects="error")
def details(view: View) -> Outcome:
    found = view.envelope.get("details", [])
    if isinstance(found, list) and all(
        isinstance(one, dict) and str(one.get("@type")).startswith(_TYPE) for one in found
    ):
        return None
    return f"`error.details` is {shown(found)}, not a list of messages with a type URL"


each("gemini.errors.message", *REFUSED, expects="error")(message)
each("gemini.errors.content-type", *REFUSED, expects="error")(content_type)
each("gemini.errors.no-internals", *REFUSED, expects="error")(no_internals)
