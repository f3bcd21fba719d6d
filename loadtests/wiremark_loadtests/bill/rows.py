"""The rows of a ledger, as an endpoint tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Id = tuple[str, str]  # role of the key, request id


class Row(NamedTuple):
    """One row of the ledger, as the operation usage.list tells it (`meta/usage-list.json`).

    role: of the key that was asked
    """

    request_id: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    amount: int
    state: str
    cached: bool
    role: str = "default"

    @classmethod
    def from_json(cls, row: Mapping[str, Any], role: str = "default") -> Row:
        return cls(
            row["request_id"],
            row["model"],
            row["prompt_tokens"],
            row["completion_tokens"],
            row["amount_microusd"],
            row["state"],
            row.get("cached", False),
            role,
        )


Rows = dict[Id, list[Row]]
"""By the key and the request that they were made for."""
