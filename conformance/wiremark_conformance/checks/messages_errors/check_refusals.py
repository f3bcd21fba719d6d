"""What must be refused, and with which status."""

from __future__ import annotations

from wiremark_conformance.checking import check, each, refused
from wiremark_conformance.checks.errors.check_refusals import media_type, method, method_allow, unknown_route
from wiremark_conformance.checks.messages.check_requests import taken_or_refused
from wiremark_conformance.checks.messages_errors import REQUESTS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome

for _name in (
    "malformed-json",
    "not-an-object",
    "no-max-tokens",
    "no-messages",
    "empty-messages",
    "messages-type",
    "role",
    "block-type",
    "temperature",
):
    refused(f"messages.errors.{_name}", f"messages.errors.{_name}")

each("messages.errors.no-server-error", *REQUESTS, expects="refusal")(taken_or_refused)
check("messages.errors.unknown-route", "messages.errors.unknown-route", expects="refusal")(unknown_route)
check("messages.errors.method", "messages.errors.method", expects="refusal")(method)
check("messages.errors.method-allow", "messages.errors.method", expects="refusal")(method_allow)
check("messages.errors.media-type", "messages.errors.media-type", expects="refusal")(media_type)

# Bodies that say nothing a server could do: only their status is open, and it should be 400.
_INVALID = REQUESTS[: REQUESTS.index("messages.errors.block-type") + 1]


@each("messages.errors.validation-status", *_INVALID, expects="refusal")
def validation_status(view: View) -> Outcome:
    if not view.declined:
        raise NotTestable(f"answered {view.status_line}, which is no 4xx")
    return None if view.status == 400 else f"answered {view.status_line}, not 400"


def not_found(view: View) -> Outcome:
    """Anything but 404."""
    return None if view.status == 404 else f"answered {view.status_line}{view.error_text}, not 404"


check("messages.errors.unknown-model", "messages.errors.unknown-model", expects="refusal")(not_found)


@check(
    "messages.errors.unknown-model.stream",
    "messages.errors.unknown-model",
    "messages.errors.unknown-model.stream",
    expects="refusal",
)
def unknown_model_stream(plain: View, view: View) -> Outcome:
    if plain.succeeded:
        raise NotTestable("the endpoint answers for any model, so there is no error")
    return f"answered {view.status_line}, and the error is hidden in the body" if view.succeeded else None
