"""Forms of a request that clients send, and that must be taken."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome

for _name, _probe in (
    ("accepted", "plain"),
    ("echo-back", "echo-back"),
    ("system-blocks", "system-blocks"),
    ("content-blocks", "content-blocks"),
    ("document", "document"),
    ("same-role", "same-role"),
    ("cache-control", "cache-control"),
    ("metadata", "metadata"),
    ("query", "query"),
    ("sdk-headers", "sdk-headers"),
    ("vision.accepted", "vision"),
):
    accepted(f"messages.{_name}", f"messages.{_probe}")


def taken_or_refused(view: View) -> Outcome:
    """A fault of the server's own for what the caller asked; 501 is honest."""
    if view.status is None or view.status < 500 or view.status == 501:
        return None
    return f"answered {view.status_line}{view.error_text}; SDKs ask again on that"


check("messages.rare-parameters", "messages.rare", expects="refusal")(taken_or_refused)


@check("messages.vision.text-only", "messages.vision.text-only", expects="refusal")
def text_only(view: View) -> Outcome:
    if view.declined:
        return None
    return f"an image for a model without vision was answered {view.status_line}{view.error_text}"
