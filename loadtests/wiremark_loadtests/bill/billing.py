"""Reads what the ledger says, over the operations that the contract declares. Off the hot path."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from wiremark_conformance.client import Client, Limits
from wiremark_conformance.exchange import Exchange, Request
from wiremark_schemas.explain import violations
from wiremark_schemas.registry import validator

from wiremark_loadtests.bill import export
from wiremark_loadtests.bill.rows import Row
from wiremark_loadtests.bill.totals import Balance
from wiremark_loadtests.settings import Settings

# An endpoint that answers nothing any more must not keep a run from ending.
_LIMITS = Limits(first_byte=15.0, idle=10.0, total=30.0)
_LONGEST_WAIT = 60  # seconds that a retry-after may ask for
_PAGES = (1000, 100)  # rows of a page: as many as we like, else as few as anybody allows


class CannotJudge(Exception):  # noqa: N818  a finding about the endpoint
    """The endpoint does not answer as needed; the text says what was asked and what came back."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the ledger stood at one moment: everything newer came after it.

    ids:     of the newest rows, newest first, or of all rows of an export; empty when it had no row
    balance: None when the contract tells none
    """

    ids: tuple[str, ...] = ()
    balance: Balance | None = None


class Billing:
    """The ledger as the key of one role sees it. Every method raises CannotJudge."""

    def __init__(
        self, settings: Settings, role: str = "default", pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings = settings
        self.role = role
        self._pause = pause
        self._client = Client(settings.endpoint, _LIMITS)
        self._page_size = _PAGES[0]
        self._is_marked = False

    @property
    def tells_rows(self) -> bool:
        return any(map(self._settings.offers, ("usage.list", "usage.export")))

    @property
    def tells_balance(self) -> bool:
        return self._settings.offers("balance.get")

    def reach(self) -> None:
        """Prove that the endpoint answers and takes the key, before any load is made."""
        document = self._get("models.list", "")
        if not any(isinstance(document.get(name), list) for name in ("data", "models")):
            raise CannotJudge(
                f"{self._settings.target('models.list')} did not answer with a list of models; "
                "check the path of the base URL"
            )

    def mark(self) -> Mark:
        """Where the ledger stands now."""
        rows: list[Row] = []
        if self._settings.offers("usage.list"):
            rows, _ = self._page(None)
        elif self.tells_rows:
            rows = self._export()
        mark = Mark(tuple(row.request_id for row in rows), self.balance())
        self._is_marked = True
        return mark

    def since(self, mark: Mark) -> list[Row]:
        """The rows added after `mark`, newest first where the ledger tells an order."""
        known = frozenset(mark.ids)
        if not self._settings.offers("usage.list"):
            return [row for row in self._export() if row.request_id not in known]
        found: list[Row] = []
        after: str | None = None
        while True:
            rows, following = self._page(after)
            found += _new(rows, known)
            if following is None or (mark.ids and any(row.request_id in known for row in rows)):
                return found
            if following == after:
                raise CannotJudge("usage.list gave the same page twice; `next_after` must move on")
            after = following

    def balance(self) -> Balance | None:
        """What is on the account; None when the contract declares no balance operation."""
        if not self.tells_balance:
            return None
        document = self._checked("balance.get", "", "meta/balance")
        return Balance(int(document["balance_microusd"]), int(document["held_microusd"]))

    def _export(self) -> list[Row]:
        exchange = self._send("usage.export", "", "text/csv")
        try:
            return export.rows(exchange.body.decode("utf-8-sig"), "usage.export", self.role)
        except (UnicodeDecodeError, export.BadExport) as error:
            raise CannotJudge(f"usage.export did not answer with a CSV of usage rows: {error}") from None

    def _page(self, after: str | None) -> tuple[list[Row], str | None]:
        query = {"limit": str(self._page_size)} | ({"after": after} if after else {})
        try:
            document = self._checked("usage.list", "?" + urlencode(query), "meta/usage-list")
        except CannotJudge:
            if self._page_size == _PAGES[-1]:
                raise
            self._page_size = _PAGES[-1]
            return self._page(after)
        rows = [Row.from_json(row, self.role) for row in document["data"]]
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
        return _document(
            self._send(operation, query, "application/json"), f"GET {self._settings.target(operation)}"
        )

    def _send(self, operation: str, query: str, accept: str) -> Exchange:
        target = self._settings.target(operation)
        headers = (("Accept", accept), *self._settings.authorization_of(self.role))
        exchange = self._client.send(operation, Request("GET", target + query, headers))
        wanted = exchange.header("retry-after") or ""
        is_short = wanted.isdecimal() and int(wanted) <= _LONGEST_WAIT
        if exchange.status == 429 and is_short and self._is_marked:
            self._pause(float(wanted))  # the run itself has used the key's limit up
            exchange = self._client.send(operation, Request("GET", target + query, headers))
        _check(exchange, f"GET {target}")
        return exchange


def _new(rows: Collection[Row], known: frozenset[str]) -> list[Row]:
    """The rows of a page that stand before the last known one and are not known themselves."""
    ordered = list(rows)
    last = max((i for i, row in enumerate(ordered) if row.request_id in known), default=len(ordered))
    return [row for row in ordered[:last] if row.request_id not in known]


def _check(exchange: Exchange, what: str) -> None:
    if exchange.failure is not None:
        raise CannotJudge(f"{what} got no answer: {exchange.failure.message}")
    if exchange.status in {401, 403}:
        raise CannotJudge(f"{what} was refused with status {exchange.status}; check the API key")
    if exchange.status != 200:
        raise CannotJudge(f"{what} answered with status {exchange.status}; check the base URL and its path")


def _document(exchange: Exchange, what: str) -> dict[str, Any]:
    try:
        document = json.loads(exchange.body)
    except (ValueError, RecursionError):
        kind = exchange.header("content-type") or "no content-type"
        raise CannotJudge(f"{what} answered with {kind}, not JSON; check the base URL and its path") from None
    if not isinstance(document, dict):
        raise CannotJudge(f"{what} did not answer with a JSON object; check the base URL and its path")
    return document
