"""Faults of Google's Gemini format that do not follow from its schemas, tried under the contract `gemini`."""

from __future__ import annotations

from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.gemini import answers, endpoint, money, streams

_TABLES = (answers, streams, endpoint, money)
TABLE: tuple[Fault, ...] = tuple(fault for table in _TABLES for fault in table.TABLE)
