"""Whether a web page can use a key."""

from __future__ import annotations

from wiremark_conformance.checking import check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.probes.models import ORIGIN
from wiremark_conformance.values import shown

_ALLOW = "access-control-allow-origin"


def denied(view: View) -> Outcome:
    """An answer that a browser would hand to a page."""
    found = view.header(_ALLOW)
    return f"{_ALLOW} is {shown(found)}" if found is not None else None


check("cors.preflight-denied", "cors.preflight", expects="any")(denied)
check("cors.answers-denied", "models.list", expects="any")(denied)


@check("cors.no-credentials", "cors.preflight", expects="any")
def no_credentials(view: View) -> Outcome:
    credentials = view.header_text("access-control-allow-credentials") == "true"
    if credentials and view.header(_ALLOW) == ORIGIN:
        return f"the unknown origin {ORIGIN} is allowed, with credentials"
    return None
