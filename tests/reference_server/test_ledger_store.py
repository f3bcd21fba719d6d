"""The ledger's two phases: exact under concurrency, idempotent, capped by the UTC month."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from wiremark_schemas import registry
from wiremark_server.clock import ManualClock
from wiremark_server.ledger.records import MAX_AMOUNT
from wiremark_server.ledger.store import (
    HOLD_SECONDS,
    Balance,
    Hold,
    HoldRequest,
    Ledger,
    LedgerConflict,
    LedgerUnavailable,
    Refused,
    Resolution,
    UnknownCursor,
)
from wiremark_server.ledger.verify import verify

Scenario = Callable[[Ledger, ManualClock], Awaitable[None]]


def wanted(request: str, amount: int, cap: int | None = None, key: str = "key") -> HoldRequest:
    return HoldRequest(request, "acme", key, "model", amount, cap)


@asynccontextmanager
async def ledger_at(place: str, clock: ManualClock, money: int) -> AsyncIterator[Ledger]:
    ledger = Ledger.open(place, clock)
    try:
        if money:
            await ledger.grant("acme", money, "test")
        yield ledger
    finally:
        await ledger.close()


def play(place: str, scenario: Scenario, money: int = 1000, start: float = 1_764_547_200.0) -> None:
    """Run the scenario on a new ledger, then hold it to every invariant."""

    async def run() -> None:
        clock = ManualClock(start)
        async with ledger_at(place, clock, money) as ledger:
            await scenario(ledger, clock)

    asyncio.run(run())
    assert [str(result) for result in verify(place) if not result.ok] == []


def test_settling_charges_the_use_and_returns_the_rest(place: str) -> None:
    async def scenario(ledger: Ledger, clock: ManualClock) -> None:
        hold = await ledger.hold(wanted("r1", 300))
        assert hold == Hold("r1", 300, int(clock.now()) + HOLD_SECONDS)
        assert await ledger.balance("acme") == Balance(700, 300)
        assert await ledger.settle("r1", 120, 10, 20, 200, "ok") == Resolution("r1", "settled", 120)
        assert await ledger.balance("acme") == Balance(880, 0)

    play(place, scenario)


def test_releasing_returns_everything_and_keeps_the_row(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        await ledger.hold(wanted("r1", 300))
        assert await ledger.release("r1", 500, "failed") == Resolution("r1", "released", 0)
        assert await ledger.balance("acme") == Balance(1000, 0)
        (row,) = (await ledger.usage("key", 10)).rows
        assert (row.status, row.outcome, row.state, row.amount) == (500, "failed", "released", 0)

    play(place, scenario)


def test_of_parallel_holds_exactly_those_the_balance_carries_succeed(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        answers = await asyncio.gather(*(ledger.hold(wanted(f"r{n}", 100)) for n in range(300)))
        assert sum(isinstance(answer, Hold) for answer in answers) == 7
        assert answers.count(Refused("insufficient_credits", held=700)) == 293
        assert await ledger.balance("acme") == Balance(50, 700)

    play(place, scenario, money=750)


def test_of_parallel_holds_exactly_those_the_cap_allows_succeed(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        answers = await asyncio.gather(*(ledger.hold(wanted(f"r{n}", 100, cap=350)) for n in range(100)))
        assert sum(isinstance(answer, Hold) for answer in answers) == 3
        assert answers.count(Refused("monthly_cap_reached", held=300)) == 97
        assert isinstance(await ledger.hold(wanted("other", 100, cap=350, key="other key")), Hold)

    play(place, scenario, money=10**6)


def test_a_hold_and_its_ending_happen_once_however_often_they_are_asked_for(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        holds = await asyncio.gather(*(ledger.hold(wanted("r1", 300)) for _ in range(20)))
        assert len(set(holds)) == 1
        assert await ledger.balance("acme") == Balance(700, 300)
        ends = await asyncio.gather(*(ledger.settle("r1", 120, 1, 2, 200, "ok") for _ in range(20)))
        assert set(ends) == {Resolution("r1", "settled", 120)}
        assert await ledger.release("r1", 500, "failed") == Resolution("r1", "settled", 120)
        assert await ledger.balance("acme") == Balance(880, 0)

    play(place, scenario)


def test_a_contradiction_is_an_error_and_changes_nothing(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        await ledger.hold(wanted("r1", 300))
        with pytest.raises(LedgerConflict, match="second hold with other values"):
            await ledger.hold(wanted("r1", 301))
        with pytest.raises(LedgerConflict, match="a charge of 301 µUSD on a hold of 300"):
            await ledger.settle("r1", 301, 1, 1, 200, "ok")
        with pytest.raises(LedgerConflict, match="a charge of -1 µUSD"):
            await ledger.settle("r1", -1, 1, 1, 200, "ok")
        with pytest.raises(LedgerConflict, match="no hold to settle"):
            await ledger.settle("r2", 0, 1, 1, 200, "ok")
        assert await ledger.balance("acme") == Balance(700, 300)
        await ledger.settle("r1", 300, 1, 1, 200, "ok")
        with pytest.raises(LedgerConflict, match="settled at 300 µUSD and now asked to settle at 299"):
            await ledger.settle("r1", 299, 1, 1, 200, "ok")

    play(place, scenario)


def test_a_refusal_does_not_fail_the_others_of_its_group(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        answers = await asyncio.gather(
            ledger.hold(wanted("r1", 400)),
            ledger.hold(wanted("r2", 10**9)),
            ledger.settle("nobody", 1, 1, 1, 200, "ok"),
            ledger.hold(wanted("r3", 400)),
            return_exceptions=True,
        )
        assert isinstance(answers[2], LedgerConflict)
        assert [type(answer) for answer in answers] == [Hold, Refused, LedgerConflict, Hold]

    play(place, scenario)


def test_amounts_beyond_any_balance_are_refused_not_wrapped(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        for n, amount in enumerate((2**31, 2**53, 2**63 - 1, 2**63, 18446744073686646784)):
            assert await ledger.hold(wanted(f"r{n}", amount)) == Refused("insufficient_credits")
        with pytest.raises(ValueError, match="never negative"):
            wanted("r", -1)
        for amount in (0, -5, MAX_AMOUNT):
            with pytest.raises(LedgerConflict, match="a grant of"):
                await ledger.grant("acme", amount, "test")

    play(place, scenario)


def test_an_account_nobody_opened_has_no_money(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        assert await ledger.hold(wanted("r1", 1)) == Refused("insufficient_credits")
        assert await ledger.balance("acme") == Balance(0, 0)

    play(place, scenario, money=0)


def test_a_grant_with_an_id_happens_once(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        await asyncio.gather(*(ledger.grant("acme", 500, "voucher", "voucher-1") for _ in range(5)))
        assert await ledger.balance("acme") == Balance(1500, 0)

    play(place, scenario)


def test_a_cancelled_caller_leaves_no_hold(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        tasks = [asyncio.ensure_future(ledger.hold(wanted(f"r{n}", 10))) for n in range(20)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await ledger.sweep()  # answered after everything that was queued before it
        assert all(task.cancelled() for task in tasks)
        assert await ledger.balance("acme") == Balance(1000, 0)

    play(place, scenario)


def seconds(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> float:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "last_day", [(2026, 1, 31), (2026, 2, 28), (2028, 2, 29), (2026, 4, 30), (2026, 12, 31)]
)
def test_a_cap_ends_with_the_utc_month(place: str, last_day: tuple[int, int, int]) -> None:
    async def scenario(ledger: Ledger, clock: ManualClock) -> None:
        await ledger.hold(wanted("r1", 100, cap=100))
        await ledger.settle("r1", 100, 1, 1, 200, "ok")
        assert await ledger.hold(wanted("r2", 1, cap=100)) == Refused("monthly_cap_reached")
        assert await ledger.hold(wanted("free", 0, cap=100)) == Refused("monthly_cap_reached")
        clock.advance(1)
        assert isinstance(await ledger.hold(wanted("r2", 100, cap=100)), Hold)

    play(place, scenario, start=seconds(*last_day, 23, 59, 59))


def test_a_charge_counts_in_the_month_in_which_its_request_began(place: str) -> None:
    async def scenario(ledger: Ledger, clock: ManualClock) -> None:
        await ledger.hold(wanted("r1", 100, cap=100))
        clock.advance(5)
        await ledger.settle("r1", 80, 1, 1, 200, "ok")
        assert isinstance(await ledger.hold(wanted("r2", 100, cap=100)), Hold)

    play(place, scenario, start=seconds(2026, 3, 31, 23, 59, 58))


def test_released_money_counts_for_no_cap(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        await ledger.hold(wanted("r1", 100, cap=100))
        assert await ledger.hold(wanted("r2", 1, cap=100)) == Refused("monthly_cap_reached", held=100)
        await ledger.release("r1", 500, "failed")
        assert isinstance(await ledger.hold(wanted("r2", 100, cap=100)), Hold)

    play(place, scenario)


def test_sweeping_returns_holds_past_their_deadline_only(place: str) -> None:
    async def scenario(ledger: Ledger, clock: ManualClock) -> None:
        await ledger.hold(wanted("old", 100))
        clock.advance(HOLD_SECONDS / 2)
        await ledger.hold(wanted("young", 50))
        clock.advance(HOLD_SECONDS / 2)
        assert await ledger.sweep() == 1
        assert await ledger.balance("acme") == Balance(950, 50)
        assert await ledger.settle("old", 10, 1, 1, 200, "ok") == Resolution("old", "released", 0)

    play(place, scenario)


def test_opening_returns_what_an_earlier_process_left_open(place: str) -> None:
    async def first(ledger: Ledger, _: ManualClock) -> None:
        await ledger.hold(wanted("open", 400))
        await ledger.hold(wanted("done", 100))
        await ledger.settle("done", 60, 1, 1, 200, "ok")

    async def second(ledger: Ledger, _: ManualClock) -> None:
        assert ledger.recovered == 1
        assert await ledger.balance("acme") == Balance(940, 0)
        rows = {row.request_id: row for row in (await ledger.usage("key", 10)).rows}
        assert (rows["open"].state, rows["open"].outcome) == ("released", "expired")
        assert rows["done"].amount == 60

    play(place, first)
    play(place, second, money=0)


def test_usage_pages_are_newest_first_and_complete(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        for n in range(7):
            await ledger.hold(wanted(f"r{n}", 10))
            await ledger.settle(f"r{n}", n, n, n, 200, "ok", cached=n == 0)
        await ledger.hold(wanted("not mine", 10, key="other"))
        seen: list[str] = []
        after: str | None = None
        while True:
            page = await ledger.usage("key", 3, after)
            assert list(registry.validator("meta/usage-list").iter_errors(page.to_json())) == []
            seen += [row.request_id for row in page.rows]
            after = page.next_after
            if not page.has_more:
                break
        assert seen == [f"r{n}" for n in reversed(range(7))]
        assert (await ledger.usage("nobody", 3)).to_json()["data"] == []
        with pytest.raises(UnknownCursor):
            await ledger.usage("key", 3, "not mine")

    play(place, scenario)


def test_a_balance_is_the_published_document(place: str) -> None:
    async def scenario(ledger: Ledger, _: ManualClock) -> None:
        await ledger.hold(wanted("r1", 1))
        document = (await ledger.balance("acme")).to_json()
        assert document == {"balance_microusd": 999, "held_microusd": 1}
        assert list(registry.validator("meta/balance").iter_errors(document)) == []

    play(place, scenario)


def test_a_closed_ledger_says_so(place: str) -> None:
    async def run() -> None:
        async with ledger_at(place, ManualClock(), 10) as ledger:
            await ledger.close()
            with pytest.raises(LedgerUnavailable, match="shutting down"):
                await ledger.balance("acme")

    asyncio.run(run())
