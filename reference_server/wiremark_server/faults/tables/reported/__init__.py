"""Faults that public threads report of other servers, of all formats."""

from __future__ import annotations

from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.reported import answers, connections, requests, streams

_TABLES = (answers, connections, requests, streams)
TABLE: tuple[Fault, ...] = tuple(fault for table in _TABLES for fault in table.TABLE)
