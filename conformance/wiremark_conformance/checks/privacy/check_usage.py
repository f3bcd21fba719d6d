"""The usage rows hold counts, never words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from wiremark_conformance.checking import check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import shown

_TELLING = 10  # characters; a shorter text may stand in a row by chance


def _texts(value: Any) -> Iterator[str]:
    """The texts of messages in a request's or an answer's body."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key in {"content", "text", "arguments", "reasoning_content", "reasoning"} and isinstance(
                below, str
            ):
                yield below
            else:
                yield from _texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from _texts(below)


def _said(view: View) -> Iterator[str]:
    yield from _texts(view.asked)
    if view.succeeded:
        try:
            yield from _texts(view.object)
        except NotTestable:
            yield view.streamed_text()


@check("privacy.usage-rows", "chat.plain", "billing.usage")
def usage_rows(first: View, ledger: View) -> Outcome:
    """Looks for the words of every exchange of the run, as they stand in JSON."""
    rows = ledger.exchange.content.decode("utf-8", "replace")
    for view in first.evidence.made():
        for text in _said(view):
            if len(text) >= _TELLING and (text in rows or json.dumps(text)[1:-1] in rows):
                return f"the usage rows hold what was said in {view.probe}: {shown(text)}"
    return None
