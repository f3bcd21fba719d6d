"""The clients' receipts against the ledger's rows, to the µUSD. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wiremark_schemas.contracts import Price

from wiremark_loadtests.bill.findings import price_of
from wiremark_loadtests.chaos.client import Asked

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Sums:
    """What was found to agree, in numbers; amounts in µUSD."""

    requests: int
    attempts: int
    told: int
    replayed: int
    charged_named: int
    charged_once: int
    outcomes: Mapping[str, int]


def named(asked: Sequence[Asked], rows: Rows, price: Price) -> list[str]:
    """Requests with idempotency keys, repeated until answered: together they cost their price, once each."""
    found = []
    by_id = {row["request_id"]: row for row in rows}
    due = 0
    for one in asked:
        told = one.told
        if told is None or told.tokens is None:
            found.append(f"the request {one.name} was never answered whole: {one.attempts[-1]}")
            continue
        due += price_of(price, *told.tokens)
        row = by_id.get(told.request_id or "")
        if row is None:
            found.append(f"{told.request_id}: was answered and is not in the ledger")
        elif (row["state"], row["outcome"]) != ("settled", "ok"):
            found.append(f"{told.request_id}: was answered and is {row['state']}, {row['outcome']}")
        elif told.replayed and row["amount_microusd"]:
            found.append(f"{told.request_id}: a repeat was charged {row['amount_microusd']} µUSD")
    charged = sum(row["amount_microusd"] for row in rows)
    if charged != due:
        found.append(f"named requests cost {due} µUSD together, and {charged} µUSD were charged")
    return found


def once(asked: Sequence[Asked], rows: Rows, price: Price) -> list[str]:
    """Requests that are sent once: an answer costs its price, and a row has an attempt that explains it."""
    found = []
    by_id = {row["request_id"]: row for row in rows}
    attempts = [one.attempts[0] for one in asked if one.attempts]
    known = {attempt.request_id for attempt in attempts if attempt.request_id is not None}
    for attempt in attempts:
        row = by_id.get(attempt.request_id or "")
        if attempt.tokens is None:
            continue
        due = price_of(price, *attempt.tokens)
        if row is None:
            found.append(f"{attempt.request_id}: was answered and is not in the ledger")
        elif (row["state"], row["amount_microusd"]) != ("settled", due):
            found.append(
                f"{attempt.request_id}: costs {due} µUSD, and in the ledger {row['amount_microusd']} "
                f"({row['state']})"
            )
    for row in rows:
        if row["state"] == "settled":
            due = price_of(price, row["prompt_tokens"], row["completion_tokens"])
            if due != row["amount_microusd"]:
                found.append(f"{row['request_id']}: {row['amount_microusd']} µUSD for tokens that cost {due}")
    unnamed = sum(1 for attempt in attempts if attempt.request_id is None)
    unexplained = [row for row in rows if row["request_id"] not in known]
    if len(unexplained) > unnamed:
        found.append(f"{len(unexplained)} rows of unknown requests, for {unnamed} that were told no id")
    return found


def still_open(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return [f"{row['request_id']}: the hold is still open" for row in rows if row["state"] == "held"]


def sums(
    asked: Sequence[Asked],
    named_rows: Rows,
    once_rows: Rows,
) -> Sums:
    attempts = [attempt for one in asked for attempt in one.attempts]
    return Sums(
        requests=len(asked),
        attempts=len(attempts),
        told=sum(attempt.tokens is not None for attempt in attempts),
        replayed=sum(attempt.replayed for attempt in attempts),
        charged_named=sum(row["amount_microusd"] for row in named_rows),
        charged_once=sum(row["amount_microusd"] for row in once_rows),
        outcomes=Counter(f"{row['state']}/{row['outcome']}" for row in (*named_rows, *once_rows)),
    )
