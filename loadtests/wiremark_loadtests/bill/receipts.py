"""What a client was told about one request: its side of the bill, to be held against the ledger."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

SUCCESSES = frozenset({200, 202})  # 202: a task was accepted


class Outcome(StrEnum):
    """How a request ended for the client."""

    OK = "ok"  # answered, whole and well formed
    REFUSED = "refused"  # 4xx: nothing was generated, nothing may be charged
    CUT = "cut"  # the client hung up, or the run ended first
    FAILED = "failed"  # 5xx, a broken answer, or no answer


class Receipt(NamedTuple):
    """One request.

    request_id: as the response head told it; None when no head arrived or it named none
    role:       which key was used; never the key
    status:     None when no response head arrived
    tokens:     (prompt, completion) as the answer's `usage` told; None when it told nothing
    cached:     whether the answer was told to come from a cache; None when nothing was told
    sent:       False when no connection came about, so that the server cannot know of the request
    sent_ms:    when it was sent, Unix time in milliseconds on the worker's clock
    at_ms:      when its end was known, likewise
    allowed:    how many requests its head told this key may make in a window; None when untold
    left:       how many of those were left
    resets_ms:  milliseconds until all would be there again
    ceiling:    the most tokens that it can have used, (prompt, completion); None when nothing bounds them
    task:       pending, completed or failed; None when it asked for no task
    announced:  whether a webhook told the end of the task; None when none was wanted
    claim:      its idempotency key, which all attempts at one request carry; None without one
    """

    request_id: str | None
    role: str
    model: str
    outcome: Outcome
    status: int | None
    tokens: tuple[int, int] | None = None
    cached: bool | None = None
    sent: bool = True
    sent_ms: int = 0
    at_ms: int = 0
    allowed: int | None = None
    left: int | None = None
    resets_ms: int | None = None
    ceiling: tuple[int, int] | None = None
    task: str | None = None
    announced: bool | None = None
    claim: str | None = None

    @property
    def usage(self) -> tuple[int, int] | None:
        """The tokens of a success; None when it was none, or told none."""
        return self.tokens if self.status in SUCCESSES else None

    def to_wire(self) -> list[Any]:
        return list(self)

    @classmethod
    def from_wire(cls, row: list[Any]) -> Receipt:
        told = list(row)
        told[_OUTCOME] = _OUTCOMES[told[_OUTCOME]]
        for position in _PAIRS:
            if told[position] is not None:
                told[position] = tuple(told[position])
        return cls(*told)


_OUTCOME = Receipt._fields.index("outcome")
_PAIRS = tuple(map(Receipt._fields.index, ("tokens", "ceiling")))
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
