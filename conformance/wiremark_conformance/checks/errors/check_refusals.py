"""What must be refused, and with which status."""

from __future__ import annotations

import re

from wiremark_conformance import codes
from wiremark_conformance.checking import check, each, refused
from wiremark_conformance.checks.errors import REQUESTS
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import shown

refused("errors.malformed-json", "errors.malformed-json")
refused("errors.no-key-name", "errors.no-key-name")
refused("errors.not-an-object", "errors.not-an-object")
refused("errors.no-messages", "errors.no-messages")
refused("errors.empty-messages", "errors.empty-messages")
refused("errors.messages-type", "errors.messages-type")
refused("errors.temperature", "errors.temperature")
refused("errors.tool-choice", "errors.tool-choice")
refused("errors.unknown-model.refused", "errors.unknown-model")

# Bodies that say nothing a server could do: only their status is open, and it should be 400.
_INVALID = (
    "errors.malformed-json",
    "errors.no-key-name",
    "errors.not-an-object",
    "errors.no-messages",
    "errors.empty-messages",
    "errors.messages-type",
)


@each("errors.no-server-error", *REQUESTS, expects="refusal")
def no_server_error(view: View) -> Outcome:
    """501 is honest: the server says what it does not do."""
    if view.status is None or view.status < 500 or view.status == 501:
        return None
    return f"answered {view.status_line}{view.error_text}; SDKs ask again on that"


@each("errors.validation-status", *_INVALID, expects="refusal")
def validation_status(view: View) -> Outcome:
    if not view.declined:
        raise NotTestable(f"answered {view.status_line}, which is no 4xx")
    return None if view.status == 400 else f"answered {view.status_line}, not 400"


@check("errors.no-key-name-clear", "errors.no-key-name", expects="refusal")
def no_key_name_clear(view: View) -> Outcome:
    message = view.envelope.get("message")
    if isinstance(message, str) and re.search(r"json|pars|syntax", message.lower()):
        return None
    return f"the message does not say that the body is not JSON: {shown(message)}"


@check("errors.unknown-model.status", "errors.unknown-model", expects="refusal")
def unknown_model_status(view: View) -> Outcome:
    return None if view.status == 404 else f"answered {view.status_line}{view.error_text}, not 404"


@check("errors.unknown-model.code", "errors.unknown-model", expects="refusal")
def unknown_model_code(view: View) -> Outcome:
    return codes.usual(view, "unknown_model", "model_not_found")


@check(
    "errors.unknown-model.stream", "errors.unknown-model", "errors.unknown-model.stream", expects="refusal"
)
def unknown_model_stream(plain: View, view: View) -> Outcome:
    if plain.succeeded:
        raise NotTestable("the endpoint answers for any model, so there is no error")
    return f"answered {view.status_line}, and the error is hidden in the body" if view.succeeded else None


@check(
    "errors.empty-messages.stream", "errors.empty-messages", "errors.empty-messages.stream", expects="refusal"
)
def empty_messages_stream(plain: View, view: View) -> Outcome:
    if plain.succeeded:
        raise NotTestable("the endpoint answers an empty array of messages, so there is no error")
    return f"answered {view.status_line}, and the error is hidden in the body" if view.succeeded else None


@check("errors.unknown-route", "errors.unknown-route", expects="refusal")
def unknown_route(view: View) -> Outcome:
    return None if view.status == 404 else f"answered {view.status_line}{view.error_text}, not 404"


@check("errors.method", "errors.method", expects="refusal")
def method(view: View) -> Outcome:
    return None if view.status == 405 else f"PUT was answered {view.status_line}, not 405"


@check("errors.method-allow", "errors.method", expects="refusal")
def method_allow(view: View) -> Outcome:
    if view.status != 405:
        raise NotTestable(f"answered {view.status_line}, not 405")
    if "post" in view.header_text("allow"):
        return None
    return f"`Allow` is {shown(view.header('allow'))}, and POST is served"


@check("errors.media-type", "errors.media-type", expects="refusal")
def media_type(view: View) -> Outcome:
    if view.status in {400, 415}:
        return None
    return f"a body announced as text/plain was answered {view.status_line}"


_OVERFLOW = re.compile(r"context|prompt is too long|too many tokens|maximum.{0,20}length", re.IGNORECASE)


@check("errors.context-overflow", "errors.context-overflow", expects="refusal")
def context_overflow(view: View) -> Outcome:
    """Refused before any work, so that nothing was cut in silence."""
    if view.status in {400, 413}:
        return None
    return f"a prompt beyond the model's context was answered {view.status_line}{view.error_text}"


@check("errors.context-overflow.code", "errors.context-overflow", expects="error")
def context_overflow_code(view: View) -> Outcome:
    return codes.usual(view, "context_length_exceeded", "context_length_exceeded")


@check("errors.context-overflow.words", "errors.context-overflow", expects="error")
def context_overflow_words(view: View) -> Outcome:
    said = str(view.envelope.get("message"))
    return None if _OVERFLOW.search(said) else f"the message is {shown(said)}; agents do not recognise it"
