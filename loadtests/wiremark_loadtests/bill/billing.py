"""Reads what the ledger says, over the operations that the contract declares. Off the hot path."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from wiremark_conformance.client import Client
from wiremark_conformance.exchange import Exchange, Request
from wiremark_schemas.explain import violations
from wiremark_schemas.registry import validator

from wiremark_loadtests.bill.audit import Row
from wiremark_loadtests.settings import Settings

_PAGE = 100


class CannotJudge(Exception):  # noqa: N818  a finding about the endpoint
    """The endpoint does not answer as needed; the text says what was asked and what came back."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest rows of the ledger at one moment: everything newer came after it.

    ids: request ids, newest first; empty when the ledger had no row
    """

    ids: tuple[str, ...] = ()


class Billing:
    """The ledger as a client sees it. Every method raises CannotJudge."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = Client(settings.endpoint)

    def reach(self) -> None:
        """Prove that the endpoint answers and takes the key, before any load is made."""
        document = self._get("models.list", "")
        if not isinstance(document.get("data"), list):
            raise CannotJudge(
                f"{self._settings.target('models.list')} did not answer with a list of models; "
                "check the path of the base URL"
            )

    def mark(self) -> Mark:
        """Where the ledger stands now."""
        rows, _ = self._page(None)
        return Mark(tuple(row.request_id for row in rows))

    def since(self, mark: Mark) -> list[Row]:
        """The rows added after `mark`, newest first."""
        known = frozenset(mark.ids)
        found: list[Row] = []
        after: str | None = None
        while True:
            rows, following = self._page(after)
            found += _new(rows, known)
            if following is None or (mark.ids and any(row.request_id == mark.ids[-1] for row in rows)):
                return found
            if following == after:
                raise CannotJudge("usage.list gave the same page twice; `next_after` must move on")
            after = following

    def balance(self) -> int | None:
        """µUSD on the account; None when the contract declares no balance operation."""
        if not self._settings.offers("balance.get"):
            return None
        return int(self._checked("balance.get", "", "meta/balance")["balance_microusd"])

    def _page(self, after: str | None) -> tuple[list[Row], str | None]:
        query = {"limit": str(_PAGE)} | ({"after": after} if after else {})
        document = self._checked("usage.list", "?" + urlencode(query), "meta/usage-list")
        rows = [Row.from_json(row) for row in document["data"]]
        following = document.get("next_after") if document["has_more"] else None
        if document["has_more"] and not following:
            raise CannotJudge("usage.list says has_more without a next_after, so the rest cannot be read")
        return rows, following

    def _checked(self, operation: str, query: str, schema: str) -> dict[str, Any]:
        document = self._get(operation, query)
        wrong = violations(validator(schema), document)
        if wrong:
            raise CannotJudge(f"{operation} answered something else than {schema}: {wrong[0]}")
        return document

    def _get(self, operation: str, query: str) -> dict[str, Any]:
        target = self._settings.target(operation)
        headers = (
            ("Accept", "application/json"),
            *self._settings.authorization,
        )
        exchange = self._client.send(operation, Request("GET", target + query, headers))
        return _document(exchange, f"GET {target}")


def _new(rows: Collection[Row], known: frozenset[str]) -> list[Row]:
    """The rows of a page that stand before the last known one and are not known themselves."""
    ordered = list(rows)
    last = max((i for i, row in enumerate(ordered) if row.request_id in known), default=len(ordered))
    return [row for row in ordered[:last] if row.request_id not in known]


def _document(exchange: Exchange, what: str) -> dict[str, Any]:
    if exchange.failure is not None:
        raise CannotJudge(f"{what} got no answer: {exchange.failure.message}")
    if exchange.status in {401, 403}:
        raise CannotJudge(f"{what} was refused with status {exchange.status}; check the API key")
    if exchange.status != 200:
        raise CannotJudge(f"{what} answered with status {exchange.status}; check the base URL and its path")
    try:
        document = json.loads(exchange.body)
    except ValueError:
        kind = exchange.header("content-type") or "no content-type"
        raise CannotJudge(f"{what} answered with {kind}, not JSON; check the base URL and its path") from None
    if not isinstance(document, dict):
        raise CannotJudge(f"{what} did not answer with a JSON object; check the base URL and its path")
    return document
