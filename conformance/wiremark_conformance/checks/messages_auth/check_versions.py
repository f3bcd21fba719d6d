"""The `anthropic-version` and `anthropic-beta` headers."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.checks.messages_tools.check_turns import bad_request
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome

accepted("messages.versions.old", "messages.plain")
accepted("messages.versions.new", "messages.versions.new")
accepted("messages.versions.old-sampling", "messages.versions.old")
accepted("messages.versions.beta", "messages.versions.beta")

check("messages.versions.new-sampling", "messages.versions.new.temperature", expects="refusal")(bad_request)
check("messages.versions.unknown", "messages.versions.unknown", expects="refusal")(bad_request)


@check("messages.versions.missing", "messages.versions.missing", expects="refusal")
def missing(view: View) -> Outcome:
    """Documented as required, so 400 is right; a default is allowed."""
    if view.succeeded or view.status == 400:
        return None
    return f"without the header: {view.status_line}{view.error_text}, neither an answer nor a 400"
