"""Bodies over the limit."""

from __future__ import annotations

from wiremark_conformance.checking import check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome


def too_large(view: View) -> Outcome:
    """Anything but 413."""
    return None if view.status == 413 else f"answered {view.status_line}{view.error_text}, not 413"


check("limits.body.length", "limits.body", expects="refusal")(too_large)
check("limits.body.chunked", "limits.body.chunked", expects="refusal")(too_large)
