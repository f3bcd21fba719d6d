"""More was let through than told: certain cases only, whatever kind of window the endpoint counts by."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from wiremark_loadtests.bill import rates
from wiremark_loadtests.bill.receipts import Outcome, Receipt

LIMIT = 10
SECOND = 1000


def _answers(moments_ms: Sequence[int], limit: int = LIMIT, left: Sequence[int] = ()) -> list[Receipt]:
    """Answers at moments, each taking 10 ms; `left` as told by the first ones, 5 by the others."""
    told = [*left, *[5] * len(moments_ms)]
    return [
        Receipt(
            f"r{i}", "default", "m", Outcome.OK, 200, (1, 1),
            sent_ms=at, at_ms=at + 10, allowed=limit, left=told[i], resets_ms=30 * SECOND,
        )
        for i, at in enumerate(moments_ms)
    ]  # fmt: skip


FIXED = [50 * SECOND + i for i in range(LIMIT)] + [60 * SECOND + i for i in range(LIMIT)]
BUCKET = [0, 6 * SECOND, 12 * SECOND, 18 * SECOND]

FINE = {
    "nothing": [],
    "a fixed window's end and the next one's beginning": _answers(FIXED),
    "a bucket that refills": _answers(BUCKET, left=[0, 0, 0, 0]),
    "one that was already coming": _answers([0, 20], left=[0]),
    "after the window has ended": _answers([0, *range(31 * SECOND, 31 * SECOND + 5)], left=[0]),
    "many, with nothing told": [
        Receipt(f"r{i}", "default", "m", Outcome.OK, 200, (1, 1), sent_ms=i, at_ms=i) for i in range(100)
    ],
    "spread over two keys": [
        Receipt(f"r{i}", f"role{i % 2}", "m", Outcome.OK, 200, (1, 1), sent_ms=i, at_ms=i, allowed=10, left=1)
        for i in range(40)
    ],
    "refused": [
        Receipt(
            f"r{i}", "default", "m", Outcome.REFUSED, 429, sent_ms=i, at_ms=i, allowed=10, left=0, resets_ms=9
        )
        for i in range(100)
    ],
}
EXCEEDED = {
    "more than two windows' worth at once": (_answers(range(2 * LIMIT + 1)), "r20"),
    "more than two windows' worth within a minute": (_answers(range(0, 52_500, 2500)), "r20"),
    "three right after nothing was left": (_answers([0, 20, 40, 60], left=[0]), "r2"),
}


@pytest.mark.parametrize("case", FINE)
def test_what_a_limiter_may_let_through_is_no_finding(case: str) -> None:
    assert rates.audit(FINE[case]) == []


@pytest.mark.parametrize("case", EXCEEDED)
def test_what_no_limiter_lets_through_is_found_once(case: str) -> None:
    receipts, request_id = EXCEEDED[case]
    (found,) = rates.audit(receipts)
    assert (found.kind, found.request_id) == ("rate-limit-exceeded", request_id)
