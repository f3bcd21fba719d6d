"""The audit of rate limits: was more let through than the endpoint itself told the key? Pure.

Endpoints tell a limit and what is left of it, and not which kind of window they count by. Two rules hold
for fixed windows, sliding windows and token buckets alike:

- Within 60 seconds at most twice the limit is let through: a fixed window may end and another begin.
- After an answer that told "nothing left", a bucket refills evenly: within s seconds at most limit * s / 60
  more, and one that was already coming. A fixed window lets through none until it ends; when one told to
  end soon has ended, the rule begins anew.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import takewhile

from wiremark_loadtests.bill.findings import Discrepancy
from wiremark_loadtests.bill.receipts import Outcome, Receipt

_WINDOW_MS = 60_000
_SKEW_MS = 1_000  # between the clocks of workers


def audit(receipts: Iterable[Receipt]) -> list[Discrepancy]:
    """At most one finding for each key: the first request that should have been refused."""
    by_role: dict[str, list[Receipt]] = defaultdict(list)
    for receipt in receipts:
        if receipt.outcome is Outcome.OK and receipt.allowed is not None:
            by_role[receipt.role].append(receipt)
    found = []
    for role, admitted in by_role.items():
        worst = _over_two_windows(admitted) or _after_nothing_left(admitted)
        if worst is not None:
            receipt, message = worst
            found.append(
                Discrepancy("rate-limit-exceeded", receipt.request_id, None, None, f"key {role}: {message}")
            )
    return found


def _over_two_windows(admitted: Sequence[Receipt]) -> tuple[Receipt, str] | None:
    ordered = sorted(admitted, key=lambda receipt: receipt.sent_ms)
    limit = max(receipt.allowed or 0 for receipt in ordered)
    most = 2 * limit
    for first, receipt in zip(ordered, ordered[most:], strict=False):
        span = receipt.at_ms - first.sent_ms
        if span < _WINDOW_MS - _SKEW_MS:
            return receipt, (
                f"{most + 1} requests were answered within {span / 1000:.1f} s, told to be {limit} in 60 s"
            )
    return None


def _after_nothing_left(admitted: Sequence[Receipt]) -> tuple[Receipt, str] | None:
    ordered = sorted(admitted, key=lambda receipt: receipt.sent_ms)
    end = 0
    for told in sorted(admitted, key=lambda receipt: receipt.at_ms):
        if told.left or told.resets_ms is None or told.at_ms < end:
            continue  # within the window of an earlier one
        end = told.at_ms + told.resets_ms - _SKEW_MS
        later = ordered[bisect_right(ordered, told.at_ms, key=lambda receipt: receipt.sent_ms) :]
        inside = takewhile(lambda receipt, end=end: receipt.sent_ms < end, later)  # type: ignore[misc]
        answered = [receipt for receipt in inside if receipt.at_ms < end]
        for number, receipt in enumerate(answered, 1):
            passed = receipt.at_ms - told.at_ms + _SKEW_MS
            if number > 1 + (told.allowed or 0) * passed / _WINDOW_MS:
                return receipt, (
                    f"after {told.request_id} told that nothing of {told.allowed} was left, {number} more "
                    f"were answered within {passed / 1000:.1f} s"
                )
    return None
