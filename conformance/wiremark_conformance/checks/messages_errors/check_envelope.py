"""The form of every error, whoever in the endpoint makes it."""

from __future__ import annotations

from wiremark_conformance.checking import each
from wiremark_conformance.checks.errors.check_envelope import content_type, message, no_internals
from wiremark_conformance.checks.messages_errors import REFUSED
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import is_text, shown

# Status → the types that belong to it. A status that is not listed has no type of its own.
TYPES: dict[int, frozenset[str]] = {
    400: frozenset({"invalid_request_error", "billing_error"}),
    401: frozenset({"authentication_error"}),
    402: frozenset({"billing_error"}),
    403: frozenset({"permission_error"}),
    404: frozenset({"not_found_error"}),
    405: frozenset({"invalid_request_error"}),
    408: frozenset({"timeout_error"}),
    409: frozenset({"conflict_error"}),
    413: frozenset({"request_too_large"}),
    415: frozenset({"invalid_request_error"}),
    422: frozenset({"invalid_request_error"}),
    429: frozenset({"rate_limit_error", "billing_error"}),
    500: frozenset({"api_error"}),
    502: frozenset({"api_error"}),
    503: frozenset({"api_error", "overloaded_error"}),
    504: frozenset({"timeout_error", "api_error"}),
    529: frozenset({"overloaded_error"}),
}


@each("messages.errors.envelope", *REFUSED, expects="error")
def envelope(view: View) -> Outcome:
    if view.json_defect:
        begin = view.exchange.body[:80].decode("utf-8", "replace")
        return f"the body of the {view.status} is not JSON: {shown(begin)}"
    if not isinstance(view.error, dict):
        return f"the {view.status} has no `error` object: {shown(view.error)}"
    found = view.object.get("type")
    return None if found == "error" else f"`type` of the {view.status} is {shown(found)}, not `error`"


@each("messages.errors.type", *REFUSED, expects="error")
def error_type(view: View) -> Outcome:
    found = view.envelope.get("type")
    if not is_text(found):
        return f"`error.type` of the {view.status} is {shown(found)}"
    wanted = TYPES.get(view.status or 0)
    if wanted is None or found in wanted:
        return None
    return f"`error.type` of the {view.status} is {shown(found)}, not {' or '.join(sorted(wanted))}"


@each("messages.errors.details", *REFUSED, expects="error")
def details(view: View) -> Outcome:
    found = view.envelope.get("details")
    return None if found is None or isinstance(found, dict) else f"`error.details` is {shown(found)}"


each("messages.errors.message", *REFUSED, expects="error")(message)
each("messages.errors.content-type", *REFUSED, expects="error")(content_type)
each("messages.errors.no-internals", *REFUSED, expects="error")(no_internals)


@each("messages.errors.request-id", *REFUSED, expects="error")
def request_id(view: View) -> Outcome:
    if view.json_defect:
        raise NotTestable("the body is not JSON")
    found, header = view.object.get("request_id"), view.header("request-id")
    if not is_text(found):
        return f"`request_id` of the {view.status} is {shown(found)}"
    if header and header != found:
        return f"`request_id` is {shown(found)}, the header says {shown(header)}"
    return None
