"""One key stands for one body, and for one answer."""

from __future__ import annotations

from wiremark_conformance.checking import check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.values import shown

_REFUSED = 422


@check("idempotency.replayed", "idempotency.first", "idempotency.again")
def replayed(first: View, again: View) -> Outcome:
    if first.content == again.content:
        return None
    return f"the answer was {shown(first.content)}, and is {shown(again.content)} under the same key"


@check("idempotency.one-body", "idempotency.other", expects="any")
def one_body(view: View) -> Outcome:
    if view.status == _REFUSED:
        return None
    return f"another body under the same key was answered {view.status_line}{view.error_text}, not {_REFUSED}"
