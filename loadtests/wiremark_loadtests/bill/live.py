"""The audit while a run is under way: what can be judged now, and what has to wait. Pure.

A receipt and its row come at different moments, so each waits a while for the other; what was judged is
forgotten. Sums over the whole run, rate limits, and what was sent again under one idempotency key are judged
when the run has ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from wiremark_schemas.contracts import Contract

from wiremark_loadtests.bill import audit
from wiremark_loadtests.bill.findings import Books, Discrepancy
from wiremark_loadtests.bill.receipts import Receipt
from wiremark_loadtests.bill.rows import Id, Row

PATIENCE = 10.0  # seconds; contracts promise a charge within seconds, and workers report every three
_FINISHED = frozenset({"settled", "released", "refunded"})


class LiveAudit:
    """What is known of the bill so far; moments are seconds of one clock.

    judged:  receipts that were held against their rows
    charged: µUSD by those rows; `expected` by the receipts
    problem: why the ledger could not be read, "" when it could
    """

    def __init__(self, contract: Contract) -> None:
        self.judged = self.charged = 0
        self.problem = ""
        self._books = Books(contract)
        self._receipts: dict[Id, tuple[Receipt, float]] = {}
        self._rows: dict[Id, tuple[Row, float]] = {}
        self._nameless = 0
        self._claimed = 0
        self._strangers: tuple[Discrepancy, ...] = ()

    @property
    def expected(self) -> int:
        return self._books.expected

    @property
    def waiting(self) -> int:
        """Receipts whose rows have not been seen, or are still held."""
        return len(self._receipts) + self._claimed

    @property
    def discrepancies(self) -> tuple[Discrepancy, ...]:
        return (*self._books.found, *self._strangers)

    def told(self, receipts: Iterable[Receipt], now: float) -> None:
        """Take what clients were told."""
        for receipt in receipts:
            if receipt.claim is not None:
                self._claimed += 1
            elif receipt.request_id is None:
                self._nameless += receipt.sent
            else:
                self._receipts[receipt.role, receipt.request_id] = receipt, now

    def listed(self, rows: Iterable[Row], now: float, in_flight: int) -> None:
        """Take what the ledger lists now, of rows that have not been judged; judge what can be judged."""
        seen: Counter[Id] = Counter()
        for row in rows:
            key = row.role, row.request_id
            seen[key] += 1
            if seen[key] == 2:
                self._books.add(
                    "doubled", row.request_id, None, row.amount, "two ledger rows for one request"
                )
            since = self._rows[key][1] if key in self._rows else now
            self._rows[key] = row, since
        self._match(now)
        self._count_strangers(now, in_flight)

    def _match(self, now: float) -> None:
        for key, (receipt, since) in list(self._receipts.items()):
            row = self._rows[key][0] if key in self._rows else None
            if (row is None or row.state not in _FINISHED) and now - since < PATIENCE:
                continue
            del self._receipts[key]
            self._rows.pop(key, None)
            audit.hold_against(receipt, [row] if row is not None else [], self._books)
            self.judged += 1
            self.charged += row.amount if row is not None and row.state in _FINISHED else 0

    def _count_strangers(self, now: float, in_flight: int) -> None:
        """Rows that no receipt has named: as many may belong to requests that have no id, or not yet."""
        late = [
            row for row, since in self._rows.values() if row.state in _FINISHED and now - since > PATIENCE
        ]
        many = len(late) - self._nameless - in_flight
        self._strangers = ()
        if many > 0 and not self._claimed:
            total = sum(row.amount for row in late)
            message = f"{many} of {len(late)} ledger rows that no client has asked for so far"
            self._strangers = (Discrepancy("unexplained", late[0].request_id, None, total, message),)
