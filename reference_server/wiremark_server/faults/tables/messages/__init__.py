"""Faults of the Messages format, tried under the contract `anthropic`."""

from __future__ import annotations

from wiremark_server.faults.fault import Fault
from wiremark_server.faults.tables.messages import (
    errors,
    forms,
    lists,
    money,
    policy,
    requests,
    shapes,
    stream_ends,
    stream_framing,
    stream_order,
)

_TABLES = (shapes, requests, forms, errors, policy, lists, money, stream_framing, stream_order, stream_ends)
TABLE: tuple[Fault, ...] = tuple(fault for table in _TABLES for fault in table.TABLE)
