"""What must be refused, and with which status."""

from __future__ import annotations

from wiremark_conformance.checking import check, each, refused
from wiremark_conformance.checks.errors.check_refusals import media_type, no_server_error, unknown_route
from wiremark_conformance.checks.gemini_errors import REQUESTS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.probes.gemini_endpoint import NO_MODEL

for _name in (
    "malformed-json",
    "not-an-object",
    "no-contents",
    "empty-contents",
    "contents-type",
    "role",
    "temperature",
    "inline-data",
):
    refused(f"gemini.errors.{_name}", f"gemini.errors.{_name}")

_NO_MODEL, _SLASH = "gemini.errors.unknown-model", "gemini.errors.unknown-model.slash"
# Bodies that say nothing a server could do: only their status is open, and it should be 400.
_INVALID = tuple(f"gemini.errors.{name}" for name in ("malformed-json", "no-contents", "contents-type"))

each("gemini.errors.no-server-error", *REQUESTS, expects="refusal")(no_server_error)
check("gemini.errors.unknown-route", "gemini.errors.unknown-route", expects="refusal")(unknown_route)
check("gemini.errors.media-type", "gemini.errors.media-type", expects="refusal")(media_type)


@each("gemini.errors.validation-status", *_INVALID, expects="refusal")
def validation_status(view: View) -> Outcome:
    if not view.declined:
        raise NotTestable(f"answered {view.status_line}, which is no 4xx")
    return None if view.status == 400 else f"answered {view.status_line}, not 400"


@each(
    "gemini.errors.unknown-model",
    "gemini.errors.unknown-model",
    "gemini.errors.unknown-model.slash",
    expects="refusal",
)
def unknown_model(view: View) -> Outcome:
    return None if view.status == 404 else f"answered {view.status_line}{view.error_text}, not 404"


@check("gemini.errors.unknown-model.named", _SLASH, expects="error")
def unknown_model_named(view: View) -> Outcome:
    """Slashes and colons of an id come through as they were sent, up to the last colon."""
    found = view.envelope.get("message")
    return (
        None
        if isinstance(found, str) and NO_MODEL in found
        else f"`error.message` does not name {NO_MODEL!r}"
    )


@check(
    "gemini.errors.unknown-model.stream",
    "gemini.errors.unknown-model",
    "gemini.errors.unknown-model.stream",
    expects="refusal",
)
def unknown_model_stream(plain: View, view: View) -> Outcome:
    if plain.succeeded:
        raise NotTestable("the endpoint answers for any model, so there is no error")
    return f"answered {view.status_line}, and the error is hidden in the body" if view.succeeded else None


@check("gemini.errors.method", "gemini.errors.method", expects="refusal")
def method(view: View) -> Outcome:
    return None if view.status in {404, 405, 501} else f"PUT was answered {view.status_line}"
