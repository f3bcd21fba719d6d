"""The ledger against a model of it small enough to be believed, in random sequences."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from wiremark_server.clock import ManualClock
from wiremark_server.ledger.store import (
    HOLD_SECONDS,
    Balance,
    Hold,
    HoldRequest,
    Ledger,
    LedgerConflict,
    Refused,
)
from wiremark_server.ledger.verify import verify

_ACCOUNTS = st.sampled_from(["a", "b"])
_REQUESTS = st.integers(0, 11).map("r{}".format)
_AMOUNTS = st.integers(0, 60)
_CAPS = st.none() | st.integers(0, 120)


@dataclass
class Row:
    account: str
    hold: int
    began: int
    state: str = "held"
    amount: int = 0


class LedgerMachine(RuleBasedStateMachine):
    """One key per account, all in one month: what the real ledger answers, the model predicts."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "ledger.db"
        self.clock = ManualClock()
        self.runner = asyncio.Runner()
        self.ledger = Ledger.open(self.path, self.clock)
        self.granted = {"a": 0, "b": 0}
        self.rows: dict[str, Row] = {}

    def held(self, account: str) -> int:
        return sum(row.hold for row in self.rows.values() if row.account == account and row.state == "held")

    def spent(self, account: str) -> int:
        return sum(row.amount for row in self.rows.values() if row.account == account)

    def free(self, account: str) -> int:
        return self.granted[account] - self.spent(account) - self.held(account)

    @rule(account=_ACCOUNTS, amount=st.integers(1, 100))
    def grant(self, account: str, amount: int) -> None:
        self.runner.run(self.ledger.grant(account, amount, "model"))
        self.granted[account] += amount

    @rule(request=_REQUESTS, account=_ACCOUNTS, amount=_AMOUNTS, cap=_CAPS)
    def hold(self, request: str, account: str, amount: int, cap: int | None) -> None:
        asked = self.ledger.hold(HoldRequest(request, account, f"key-{account}", "model", amount, cap))
        known = self.rows.get(request)
        committed = self.spent(account) + self.held(account)
        if known is not None and (known.account, known.hold) != (account, amount):
            with pytest.raises(LedgerConflict):
                self.runner.run(asked)
        elif known is not None:
            assert self.runner.run(asked) == Hold(request, amount, known.began + HOLD_SECONDS)
        elif cap is not None and (committed >= cap or committed + amount > cap):
            assert self.runner.run(asked) == Refused("monthly_cap_reached", self.held(account))
        elif account not in self.opened() or amount > self.free(account):
            assert self.runner.run(asked) == Refused("insufficient_credits", self.held(account))
        else:
            now = int(self.clock.now())
            assert self.runner.run(asked) == Hold(request, amount, now + HOLD_SECONDS)
            self.rows[request] = Row(account, amount, now)

    def opened(self) -> set[str]:
        return {account for account, amount in self.granted.items() if amount}

    @rule(request=_REQUESTS, amount=st.integers(-1, 70))
    def settle(self, request: str, amount: int) -> None:
        ending = self.ledger.settle(request, amount, 1, 1, 200, "ok")
        row = self.rows.get(request)
        wrong = row is None or (row.state == "held" and not 0 <= amount <= row.hold)
        if row is None or wrong or (row.state == "settled" and row.amount != amount):
            with pytest.raises(LedgerConflict):
                self.runner.run(ending)
            return
        if row.state == "held":
            row.state, row.amount = "settled", amount
        resolution = self.runner.run(ending)
        assert (resolution.state, resolution.amount) == (row.state, row.amount)

    @rule(request=_REQUESTS)
    def release(self, request: str) -> None:
        row = self.rows.get(request)
        resolution = self.runner.run(self.ledger.release(request, 500, "failed"))
        if row is None:
            assert resolution is None
            return
        if row.state == "held":
            row.state = "released"
        assert resolution is not None
        assert (resolution.state, resolution.amount) == (row.state, row.amount)

    @rule(minutes=st.integers(1, 90))
    def wait_and_sweep(self, minutes: int) -> None:
        self.clock.advance(minutes * 60)
        now = int(self.clock.now())
        stale = [row for row in self.rows.values() if row.state == "held" and row.began + HOLD_SECONDS <= now]
        assert self.runner.run(self.ledger.sweep()) == len(stale)
        for row in stale:
            row.state = "released"

    @rule()
    def reopen(self) -> None:
        self.runner.run(self.ledger.close())
        self.ledger = Ledger.open(self.path, self.clock)
        still_open = [row for row in self.rows.values() if row.state == "held"]
        assert self.ledger.recovered == len(still_open)
        for row in still_open:
            row.state = "released"

    @invariant()
    def balances_agree(self) -> None:
        for account in self.granted:
            balance = self.runner.run(self.ledger.balance(account))
            assert balance == Balance(self.free(account), self.held(account))

    def teardown(self) -> None:
        self.runner.run(self.ledger.close())
        self.runner.close()
        broken = [str(result) for result in verify(self.path) if not result.ok]
        self.folder.cleanup()
        assert broken == []


LedgerMachine.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestLedgerModel = LedgerMachine.TestCase
