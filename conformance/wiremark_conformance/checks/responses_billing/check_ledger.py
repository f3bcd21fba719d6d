"""The endpoint's own books against what its responses said."""

from __future__ import annotations

from wiremark_conformance.checking import check
from wiremark_conformance.checks.billing.check_ledger import LEDGER, free, on_books, refused
from wiremark_conformance.checks.responses import REFUSED
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.responses import count


def counts(view: View) -> tuple[int, int]:
    """Tokens in and out."""
    return count(view, "input_tokens"), count(view, "output_tokens")


on_books("responses.plain", "responses.plain", counts)
on_books("responses.stream", "responses.stream", counts)
on_books("responses.tools", "responses.tools.forced", counts)


@check("billing.responses.refused-free", LEDGER)
def refused_free(ledger: View) -> Outcome:
    """Looks at every refused request of the run that has a request id."""
    return free(ledger, refused(ledger, REFUSED))


@check("billing.responses.count-free", "responses.input-tokens", LEDGER)
def count_free(counted: View, ledger: View) -> Outcome:
    if not counted.succeeded:
        raise NotTestable("the count was refused")
    return free(ledger, (counted.probe,))
