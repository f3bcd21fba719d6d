"""What must be refused, and the form of the refusal."""

from __future__ import annotations

from wiremark_conformance.checking import check, each, refused
from wiremark_conformance.checks.errors import check_envelope as envelope
from wiremark_conformance.checks.responses import REFUSED
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.values import shown

for _name, _function in (
    ("envelope", envelope.envelope),
    ("message", envelope.message),
    ("type", envelope.error_type),
    ("code", envelope.code),
    ("content-type", envelope.content_type),
    ("no-internals", envelope.no_internals),
):
    each(f"responses.errors.{_name}", *REFUSED, expects="error")(_function)

for _name in (
    "malformed-json",
    "not-an-object",
    "temperature",
    "max-tokens-type",
    "role",
    "tool-type",
    "tool-choice",
    "orphan-output",
    "two-histories",
    "unknown-model",
):
    refused(f"responses.errors.{_name}", f"responses.errors.{_name}")
for _name in ("no-key", "wrong-key"):
    refused(f"responses.errors.{_name}", f"responses.auth.{_name}")


@check("responses.errors.before-stream", "responses.errors.unknown-model.stream", expects="refusal")
def before_stream(view: View) -> Outcome:
    """What is known before the stream begins has a status of its own."""
    if view.succeeded:
        begin = view.exchange.body[:80].decode("utf-8", "replace")
        return f"an unknown model was answered {view.status_line}: {shown(begin)}"
    return None


@each("responses.errors.key-status", "responses.auth.no-key", "responses.auth.wrong-key", expects="error")
def key_status(view: View) -> Outcome:
    return None if view.status == 401 else f"a missing or wrong key is answered {view.status_line}"


@each(
    "responses.errors.invalid-status",
    *(f"responses.errors.{n}" for n in ("malformed-json", "temperature", "max-tokens-type", "role")),
    expects="error",
)
def invalid_status(view: View) -> Outcome:
    return None if view.status in (400, 422) else f"an invalid request is answered {view.status_line}"
