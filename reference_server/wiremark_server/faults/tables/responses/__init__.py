"""Faults of the Responses format, tried under the contract `openresponses`; most of them are derived."""

from __future__ import annotations

from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.responses import answers, continued, errors, events, stored

TABLE: tuple[Fault, ...] = tuple(
    fault for table in (answers, stored, continued, errors, events) for fault in table.TABLE
)
