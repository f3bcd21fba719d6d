"""Requests that a limit stops: rate, balance, cap, size."""

from __future__ import annotations

from wiremark_conformance.checking import check
from wiremark_conformance.checks.limits import check_rate as rate
from wiremark_conformance.checks.limits.check_body import too_large
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import Outcome

_SPENT = frozenset({400, 402, 429})

check("messages.limits.body", "messages.limits.body", expects="refusal")(too_large)
check("messages.limits.rate", "messages.keys.throttled", expects="any")(rate.rate_status)
check("messages.limits.retry-after", "messages.keys.throttled", expects="any")(rate.retry_after)
check("messages.limits.retry-soon", "messages.keys.throttled", expects="any")(rate.retry_soon)


def spent(view: View) -> Outcome:
    """An answer, or a refusal that does not tell of money."""
    return None if view.status in _SPENT else f"answered {view.status_line}{view.error_text}, not 402"


check("messages.limits.credits", "messages.keys.exhausted", expects="any")(spent)
check("messages.limits.cap", "messages.keys.capped", expects="any")(spent)
check("messages.limits.no-retry", "messages.keys.exhausted", expects="any")(rate.no_retry)
