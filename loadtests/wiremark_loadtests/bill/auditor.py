"""One run's audit: the ledgers of its keys, marked before and read after, and every rule applied to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wiremark_loadtests.bill import audit as by_rows
from wiremark_loadtests.bill import rates, totals
from wiremark_loadtests.bill.audit import Audit
from wiremark_loadtests.bill.billing import Billing, CannotJudge, Mark
from wiremark_loadtests.bill.findings import Discrepancy, price_of
from wiremark_loadtests.bill.receipts import Receipt
from wiremark_loadtests.bill.rows import Row
from wiremark_loadtests.settings import DEFAULT_ROLE, Settings

_REMEMBERED = 5_000  # ids of rows that were seen: more than are ever under way between two looks


class Auditor:
    """Audits by whatever the contract declares: usage rows, an export of them, a balance."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._prices = {model.id: model.price for model in settings.contract.models}
        self._ledgers = {role: Billing(settings, role) for role in sorted(settings.scenario.roles)}
        self._marks: dict[str, Mark] = {}
        self._seen: dict[str, Mark] = {}  # up to where the rows of a run under way are known
        first = self._ledgers.get(DEFAULT_ROLE) or next(iter(self._ledgers.values()))
        self._first = first

    @property
    def has_ledger(self) -> bool:
        return self._first.tells_rows or self._first.tells_balance

    def begin(self) -> None:
        """Reach the endpoint, and mark where each key's ledger stands; raise CannotJudge.

        A key that is there to be refused may not read its ledger either; its requests then have no rows.
        """
        if DEFAULT_ROLE in self._ledgers:
            self._first.reach()
        if not self.has_ledger:
            return
        for role, ledger in self._ledgers.items():
            try:
                self._marks[role] = ledger.mark()
            except CannotJudge:
                if role == DEFAULT_ROLE:
                    raise

    def news(self) -> list[Row]:
        """Rows of the run that are new since the last call, or were still held; raise CannotJudge."""
        if not self._first.tells_rows:
            raise CannotJudge("the endpoint lists no rows: the bill is audited when the run has ended")
        found: list[Row] = []
        for role, mark in self._marks.items():
            known = self._seen.get(role, mark)
            rows = self._ledgers[role].since(known)
            finished = [row.request_id for row in rows if row.state != "held"]
            self._seen[role] = replace(known, ids=tuple([*finished, *known.ids][:_REMEMBERED]))
            found += rows
        return found

    def expected(self, receipts: Iterable[Receipt]) -> int:
        """µUSD that answers should cost, where the contract knows their prices."""
        total = 0
        for receipt in receipts:
            model = self._settings.contract.model(receipt.model)
            free = receipt.cached or receipt.task == "failed"
            if model is not None and receipt.usage is not None and not free:
                total += price_of(model.price, *receipt.usage)
        return total

    def audit(self, receipts: Iterable[Receipt]) -> Audit | None:
        """Hold the receipts against the ledger; None when there is none and nothing else was found.

        `receipts` can be gone through again. Raises CannotJudge or UnknownModelError.
        """
        exceeded = rates.audit(receipts)
        if not self.has_ledger:
            count = sum(1 for _ in receipts)
            return Audit(count, 0, 0, 0, tuple(exceeded), "limits") if exceeded else None
        if self._first.tells_rows:
            rows: list[Row] = []
            for role, mark in self._marks.items():
                rows += self._ledgers[role].since(mark)
            audited = by_rows.audit(receipts, rows, self._settings.contract)
            found = self._of_balances(audited)
        else:
            audited = self._by_balance(receipts)
            found = []
        return replace(audited, discrepancies=(*audited.discrepancies, *found, *exceeded))

    def _of_balances(self, audited: Audit) -> list[Discrepancy]:
        """The balances beside the rows. Keys may share an account: what rows moved shows for one alone."""
        found: list[Discrepancy] = []
        for role, mark in self._marks.items():
            after = self._ledgers[role].balance()
            if mark.balance is None or after is None:
                continue
            found += totals.of_balance(mark.balance, after)
            if len(self._ledgers) == 1:
                found += totals.of_rows(audited, mark.balance, after)
        return found

    def _by_balance(self, receipts: Iterable[Receipt]) -> Audit:
        if len(self._ledgers) != 1:
            raise CannotJudge("a balance alone tells nothing about a scenario with several keys")
        mark, after = self._marks[self._first.role], self._first.balance()
        if mark.balance is None or after is None:
            raise CannotJudge("the balance was not told")
        return totals.audit(receipts, mark.balance, after, self._settings.contract)
