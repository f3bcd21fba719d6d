"""What one process of a load run has seen: tallies, histograms, receipts. Merges exactly.

Every worker keeps one, sends what is new in it with Locust's own reports, and the master adds it up. Free
of Locust, so it can be tested without one.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.client.answer import Answer
from wiremark_loadtests.measure.recorder import Histogram

HISTOGRAMS = ("time_to_first_token", "inter_token", "end_to_end")


class Tally:
    """Counts and measurements of requests; durations in nanoseconds.

    started: requests whose first byte was sent or tried to be sent
    """

    def __init__(self) -> None:
        self.started = 0
        self.outcomes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.histograms = {name: Histogram() for name in HISTOGRAMS}
        self.receipts: list[Receipt] = []

    def add(self, receipt: Receipt, answer: Answer, sent_ns: int, ended_ns: int) -> None:
        """Count one request that ended. Only whole answers are measured: a fast refusal is no fast answer."""
        self.receipts.append(receipt)
        self.outcomes[receipt.outcome.value] += 1
        if answer.error:
            self.errors[answer.error] += 1
        if receipt.tokens is not None:
            self.prompt_tokens += receipt.tokens[0]
            self.completion_tokens += receipt.tokens[1]
        if receipt.outcome is not Outcome.OK:
            return
        self.histograms["end_to_end"].record(max(0, ended_ns - sent_ns))
        if answer.first_token_ns is not None:
            self.histograms["time_to_first_token"].record(max(0, answer.first_token_ns - sent_ns))
            self.histograms["inter_token"].record_all([max(0, gap) for gap in answer.gaps_ns])

    def take(self) -> Tally:
        """Empty this tally into a new one."""
        taken = Tally()
        for name in vars(taken):
            mine = getattr(self, name)
            setattr(self, name, getattr(taken, name))
            setattr(taken, name, mine)
        return taken

    def merge(self, other: Tally) -> None:
        self.started += other.started
        self.outcomes.update(other.outcomes)
        self.errors.update(other.errors)
        self.prompt_tokens += other.prompt_tokens
        self.completion_tokens += other.completion_tokens
        for name, histogram in other.histograms.items():
            self.histograms[name].merge(histogram)
        self.receipts += other.receipts

    def to_wire(self) -> dict[str, Any]:
        """As plain lists and numbers, for a message to the master."""
        return {
            "started": self.started,
            "outcomes": dict(self.outcomes),
            "errors": dict(self.errors),
            "tokens": [self.prompt_tokens, self.completion_tokens],
            "histograms": {name: histogram.to_wire() for name, histogram in self.histograms.items()},
            "receipts": [receipt.to_wire() for receipt in self.receipts],
        }

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> Tally:
        tally = cls()
        tally.started = data["started"]
        tally.outcomes.update(data["outcomes"])
        tally.errors.update(data["errors"])
        tally.prompt_tokens, tally.completion_tokens = data["tokens"]
        tally.histograms = {name: Histogram.from_wire(flat) for name, flat in data["histograms"].items()}
        tally.receipts = [Receipt.from_wire(row) for row in data["receipts"]]
        return tally
