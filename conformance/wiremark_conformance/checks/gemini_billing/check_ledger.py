"""The endpoint's own books against what its answers said."""

from __future__ import annotations

from wiremark_conformance.checking import check
from wiremark_conformance.checks.billing.check_ledger import LEDGER, free, on_books, refused
from wiremark_conformance.checks.gemini_errors import REFUSED
from wiremark_conformance.evidence import View
from wiremark_conformance.gemini import answer
from wiremark_conformance.outcome import NotTestable, Outcome


def counts(view: View) -> tuple[int, int]:
    """Tokens in, and out with the thoughts."""
    said = answer(view)
    return said.count("promptTokenCount"), said.answered


on_books("gemini.plain", "gemini.plain", counts)
on_books("gemini.stream", "gemini.stream", counts)
on_books("gemini.functions", "gemini.functions.forced", counts)


@check("billing.gemini.refused-free", LEDGER)
def refused_free(ledger: View) -> Outcome:
    """Looks at every refusal of the run that has a request id."""
    return free(ledger, refused(ledger, REFUSED))


@check("billing.gemini.count-free", "gemini.count", LEDGER)
def count_free(counted: View, ledger: View) -> Outcome:
    if not counted.succeeded:
        raise NotTestable("the count was refused")
    return free(ledger, (counted.probe,))
