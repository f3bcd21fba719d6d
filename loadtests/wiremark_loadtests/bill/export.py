"""A ledger as a CSV file: one line a request, the columns named as the fields of usage rows. Pure.

Needed: request_id, model, prompt_tokens, completion_tokens, amount_microusd. `state` is `settled` and
`cached` is false where there is no such column.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping

from wiremark_loadtests.bill.rows import Row

_NEEDED = ("request_id", "model", "prompt_tokens", "completion_tokens", "amount_microusd")
_STATES = ("held", "settled", "released")
_FLAGS = {"": False, "0": False, "false": False, "1": True, "true": True}


class BadExport(ValueError):  # noqa: N818  a finding about the endpoint
    """The text is not an export; the message names the line."""


def rows(text: str, source: str, role: str = "default") -> list[Row]:
    return list(_rows(text, source, role))


def _rows(text: str, source: str, role: str) -> Iterator[Row]:
    table = csv.DictReader(text.splitlines(keepends=True))
    missing = [name for name in _NEEDED if name not in (table.fieldnames or ())]
    if missing:
        raise BadExport(f"{source}:1: there is no column {', '.join(missing)}")
    try:
        for cells in table:
            yield _row(cells, f"{source}:{table.line_num}", role)
    except csv.Error as error:
        raise BadExport(f"{source}:{table.line_num}: {error}") from None


def _row(cells: Mapping[str, str | None], where: str, role: str) -> Row:
    prompt, completion, amount = (_number(cells, name, where) for name in _NEEDED[2:])
    state = (cells.get("state") or "settled").strip()
    cached = _FLAGS.get((cells.get("cached") or "").strip().lower())
    request_id = (cells["request_id"] or "").strip()
    if state not in _STATES or cached is None or not request_id:
        raise BadExport(f"{where}: request_id, state or cached is not what a usage row has")
    return Row(request_id, (cells["model"] or "").strip(), prompt, completion, amount, state, cached, role)


def _number(cells: Mapping[str, str | None], name: str, where: str) -> int:
    cell = (cells[name] or "").strip()
    if not (cell.isascii() and cell.isdigit()):
        raise BadExport(f"{where}: {name} is not a whole number: {cell[:40]!r}")
    return int(cell)
