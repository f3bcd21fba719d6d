"""Faults of the books, tried with the answers of another format than chat."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from wiremark_server.faults.change import with_header
from wiremark_server.faults.edit import Body, Edit, On
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables import billing

_SHARED = frozenset(f"ledger.{name}" for name in ("double-charge", "tokens-swapped", "rows-held"))
_FREE = "req_free"
_IDS = (b"x-request-id", b"request-id")


def of_format(name: str, contract: str) -> Iterator[Fault]:
    """The faults of the books that every format's answers show, under `contract`."""
    for found in billing.TABLE:
        if found.name in _SHARED:
            catches = tuple(one.replace("billing.", f"billing.{name}.") for one in found.catches)
            yield dataclasses.replace(found, name=f"{name}.{found.name}", contract=contract, catches=catches)


def charged(on: On) -> tuple[Edit, ...]:
    """What is free costs something: a row for it stands on the books. Meant for one request of a run."""

    def with_row(document: Any) -> Any:
        rows = document["data"]
        return {**document, "data": [{**rows[0], "request_id": _FREE}, *rows]} if rows else document

    named = tuple(with_header(on, name, lambda _: _FREE.encode()) for name in _IDS)
    return (*named, Body(On("usage.list", "answer"), with_row))
