"""What the installed SDKs hand to their users."""

from __future__ import annotations

from wiremark_conformance.checking import check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.sdk import SCENARIOS


def _works(view: View) -> Outcome:
    told = view.object
    return f"{view.exchange.request.target} {told['version']}: {told['finding']}" if told["finding"] else None


for _name in SCENARIOS:
    check(_name, _name)(_works)
