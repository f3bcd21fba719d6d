"""The chaos proof in its quick form, and each kind of disagreement that it can find."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from wiremark_loadtests import services
from wiremark_loadtests.chaos import __main__ as chaos
from wiremark_loadtests.chaos import books
from wiremark_loadtests.chaos.client import Asked, Attempt
from wiremark_schemas.contracts import Price

PRICE = Price(input_per_million=1_000_000, output_per_million=2_000_000, per_request=0)
TOLD = Attempt("r1", 200, (10, 5), replayed=False)
LOST = Attempt(None, 0, None, replayed=False)


def row(request_id: str, amount: int, **more: Any) -> Mapping[str, Any]:
    return {
        "request_id": request_id,
        "state": "settled",
        "outcome": "ok",
        "amount_microusd": amount,
        "prompt_tokens": 10,
        "completion_tokens": 5,
        **more,
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_books_agree_after_clients_that_break_off_and_a_server_that_is_killed(
    store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = chaos.Plan(store, clients=24, seconds=5, kills=1, processes=2, profile="fixed", seed=5)
    try:
        findings = chaos.prove(plan, print)
    except services.Missing as missing:
        pytest.skip(str(missing))
    assert findings == []
    assert "answered whole" in capsys.readouterr().out


def test_a_named_request_costs_its_price_over_all_attempts() -> None:
    asked = [Asked("m", "name", [LOST, TOLD])]
    rows = [row("r0", 13, outcome="cut"), row("r1", 7)]
    assert books.named(asked, rows, PRICE) == []


@pytest.mark.parametrize(
    ("attempt", "rows", "said"),
    [
        (TOLD, [row("r0", 13), row("r1", 20)], "cost 20 µUSD together, and 33"),
        (TOLD, [], "was answered and is not in the ledger"),
        (TOLD, [row("r1", 20, state="released", outcome="expired")], "is released, expired"),
        (Attempt("r1", 200, (10, 5), replayed=True), [row("r1", 20)], "a repeat was charged 20"),
        (LOST, [], "never answered whole"),
    ],
)
def test_what_does_not_agree_under_a_name_is_found(
    attempt: Attempt, rows: list[Mapping[str, Any]], said: str
) -> None:
    assert any(said in finding for finding in books.named([Asked("m", "name", [attempt])], rows, PRICE))


def test_a_request_that_is_sent_once_costs_its_price() -> None:
    asked = [Asked("m", None, [TOLD]), Asked("m", None, [LOST])]
    rows = [row("r1", 20), row("unknown", 12, outcome="cut", completion_tokens=1)]
    assert books.once(asked, rows, PRICE) == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "was answered and is not in the ledger"),
        ([row("r1", 19)], "costs 20 µUSD, and in the ledger 19"),
        ([row("r1", 20), row("r2", 21)], "21 µUSD for tokens that cost 20"),
        ([row("r1", 20), row("r2", 20)], "1 rows of unknown requests, for 0"),
    ],
)
def test_what_does_not_agree_without_a_name_is_found(rows: list[Mapping[str, Any]], said: str) -> None:
    assert any(said in finding for finding in books.once([Asked("m", None, [TOLD])], rows, PRICE))


def test_an_open_hold_is_found() -> None:
    assert books.still_open([row("r1", 0, state="held")]) == ["r1: the hold is still open"]


def test_wrong_use_and_a_missing_database_are_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(*_: object) -> None:
        raise services.Missing("PostgreSQL is not installed")

    monkeypatch.setattr(services, "postgres", missing)
    assert chaos.main(["--store", "postgresql", "--seed", "1"]) == 2
    assert "PostgreSQL is not installed" in capsys.readouterr().err
