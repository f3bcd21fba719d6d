"""The endpoint's own books against what its messages said."""

from __future__ import annotations

from wiremark_conformance.checking import check
from wiremark_conformance.checks.billing.check_ledger import LEDGER, free, on_books, refused
from wiremark_conformance.checks.messages_errors import REFUSED
from wiremark_conformance.evidence import View
from wiremark_conformance.messages import answer
from wiremark_conformance.outcome import NotTestable, Outcome


def counts(view: View) -> tuple[int, int]:
    """Tokens in, those of a cache included, and out."""
    said = answer(view)
    return said.total_input, said.count("output_tokens")


on_books("messages.plain", "messages.plain", counts)
on_books("messages.stream", "messages.stream", counts)
on_books("messages.tools", "messages.tools.forced", counts)


@check("billing.messages.refused-free", LEDGER)
def refused_free(ledger: View) -> Outcome:
    """Looks at every refused message of the run that has a request id."""
    return free(ledger, refused(ledger, REFUSED))


@check("billing.messages.count-free", "messages.count", LEDGER)
def count_free(counted: View, ledger: View) -> Outcome:
    if not counted.succeeded:
        raise NotTestable("the count was refused")
    return free(ledger, (counted.probe,))
