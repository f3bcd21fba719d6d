"""Connections that are kept: what follows on one is answered as on a connection of its own."""

from __future__ import annotations

from wiremark_conformance.checking import check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome

# What came before on the connection, by the last part of the requirement's name and of its probe.
_BEFORE = {
    "answer": "an answer",
    "stranger": "a refused key",
    "lost": "an unknown path",
    "head": "a HEAD",
    "stream": "a stream",
}


def _follows(before: str) -> None:
    @check(f"http.reuse.{before}", "models.list", f"http.reuse.{before}", expects="reply")
    def follows(alone: View, view: View) -> Outcome:
        failure = view.exchange.failure
        if not alone.succeeded or (failure is not None and failure.kind == "timeout"):
            raise NotTestable(failure.message if failure else "the list of models is refused on its own")
        if failure is not None:
            return f"after {_BEFORE[before]} on the same connection: {failure.message}"
        if view.status == alone.status:
            return None
        said = f"{view.status_line}{view.error_text}"
        return f"after {_BEFORE[before]} on the same connection the answer is {said}, not {alone.status_line}"


for _before in _BEFORE:
    _follows(_before)
