"""Usage as a table for spreadsheets."""

from __future__ import annotations

import csv
import io

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.checks.ids.check_request_id import header_name
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import shown

accepted("billing.export.accepted", "billing.export")


@check("billing.export.rows", "chat.plain", "billing.export")
def rows(answer: View, view: View) -> Outcome:
    """CSV with a row for an answer that was given before."""
    if view.media_type != "text/csv":
        return f"the content type is {shown(view.media_type)}, not text/csv"
    wanted = answer.header(header_name(answer.target))
    if not wanted:
        raise NotTestable("the answer of chat.plain has no request id")
    table = list(csv.DictReader(io.StringIO(view.exchange.content.decode("utf-8", "replace"))))
    found = next((row for row in table if wanted in row.values()), None)
    if found is None:
        return f"none of the {len(table)} rows has the request id {wanted!r}"
    told = str(answer.count("prompt_tokens"))
    return None if told in found.values() else f"the row does not tell the {told} tokens of the prompt"
