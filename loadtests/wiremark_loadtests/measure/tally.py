"""What one process of a load run has seen: tallies, histograms, receipts. Merges exactly.

Every worker keeps one, sends what is new in it with Locust's own reports, and the master adds it up. Free
of Locust, so it can be tested without one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple
from typing import Any, NamedTuple

from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.client.answer import Answer
from wiremark_loadtests.measure.health import Worker
from wiremark_loadtests.measure.recorder import Histogram, bucket_of, record_in_each
from wiremark_loadtests.measure.slo import Slo, Times
from wiremark_loadtests.measure.timeline import TIMED, Slot, Timeline

# Of whole answers, in the order of a report. From the moment a request was due, or in a closed loop sent:
# first byte, first token, end to end. From when it was really sent: the service time.
MEASURES = (
    "time_to_first_byte",
    "time_to_first_token",
    "inter_token",
    "per_output_token",
    "end_to_end",
    "service",
    "queueing",
)
LAGS = ("wake_lag", "loop_lag")  # of the generator
_COUNTS = (
    "started",
    "good",
    "prompt_tokens",
    "completion_tokens",
    "events",
    "doubtful",
    "unsent",
    "retries",
    "left",
)


class Moments(NamedTuple):
    """Of one request, in nanoseconds of one clock.

    due:        when it was to be sent; in a closed loop when it was
    sent:       when its first byte was handed to the kernel
    first_byte: when the first byte of an answer's body arrived; None when none did
    ended:      when its last byte arrived, or it was given up
    """

    due: int
    sent: int
    first_byte: int | None
    ended: int


class Tally:
    """Counts and measurements of requests; durations in nanoseconds.

    started:   requests whose first byte was sent or tried to be sent
    good:      whole answers within the SLO
    events:    token-bearing events of streams, beside the output tokens that their usage told
    doubtful:  whole answers whose usage contradicts what arrived
    unsent:    arrivals of an open loop that found no free user before the end
    left:      requests that the client was to break off, and did: nobody can say whether they were good
    in_flight: requests under way in this process; not merged
    """

    def __init__(self, width: int = 1) -> None:
        self.started = self.good = self.prompt_tokens = self.completion_tokens = 0
        self.events = self.doubtful = self.unsent = self.retries = self.left = 0
        self.outcomes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.histograms = {name: Histogram() for name in (*MEASURES, *LAGS)}
        self.timeline = Timeline(width)
        self.workers: dict[str, Worker] = {}
        self.receipts: list[Receipt] = []

    def start(self, since_start_ns: int) -> None:
        self.started += 1
        self.timeline.at(since_start_ns).started += 1

    def add(self, receipt: Receipt, answer: Answer, at: Moments, slo: Slo, start_ns: int = 0) -> None:
        """Count one request that ended. Only whole answers are measured: a fast refusal is no fast answer."""
        self.receipts.append(receipt)
        slot = self.timeline.at(at.ended - start_ns)
        outcome = str(receipt.outcome)
        self.outcomes[outcome] += 1
        setattr(slot, outcome, getattr(slot, outcome) + 1)
        if answer.error:
            self.errors[answer.error] += 1
        if receipt.tokens is not None:
            self.prompt_tokens += receipt.tokens[0]
            self.completion_tokens += receipt.tokens[1]
            slot.input_tokens += receipt.tokens[0]
            slot.output_tokens += receipt.tokens[1]
        if receipt.outcome is not Outcome.OK:
            self.left += receipt.outcome is Outcome.CUT and not answer.error
            return
        times = self._measure(answer, at, slot)
        if answer.first_token_ns is not None:
            self.events += len(answer.gaps_ns) + 1
            self.doubtful += answer.is_doubtful
        if not slo.bounds or slo.met(Times(*times)):
            self.good += 1
            slot.good += 1

    def _measure(
        self, answer: Answer, at: Moments, slot: Slot
    ) -> tuple[int, int | None, int | None, int | None]:
        """Record the times of a whole answer; they, as `Times` has them."""
        record, in_slot = self.histograms, slot.histograms
        due, sent, first_byte, ended = at
        whole = max(0, ended - due)
        bucket = bucket_of(whole)
        record["end_to_end"].record_in(bucket, whole)
        in_slot["end_to_end"].record_in(bucket, whole)
        if due == sent:  # as in every closed loop
            record["service"].record_in(bucket, whole)
        else:
            record["service"].record(max(0, ended - sent))
        record["queueing"].record(max(0, sent - due))
        if first_byte == ended:  # an answer that came in one piece
            record["time_to_first_byte"].record_in(bucket, whole)
        elif first_byte is not None:
            record["time_to_first_byte"].record(max(0, first_byte - due))
        if answer.first_token_ns is None:
            return whole, None, None, None
        first = max(0, answer.first_token_ns - due)
        bucket = bucket_of(first)
        record["time_to_first_token"].record_in(bucket, first)
        in_slot["time_to_first_token"].record_in(bucket, first)
        record_in_each((record["inter_token"], in_slot["inter_token"]), answer.gaps_ns)
        per_token = None
        if answer.tokens is not None and answer.tokens[1] > 1 and answer.gaps_ns:
            per_token = sum(answer.gaps_ns) // (answer.tokens[1] - 1)
            record["per_output_token"].record(per_token)
        return whole, first, per_token, max(answer.gaps_ns, default=None)

    def take(self) -> Tally:
        """Empty this tally into a new one."""
        taken = Tally(self.timeline.width)
        for name in vars(taken):
            mine = getattr(self, name)
            setattr(self, name, getattr(taken, name))
            setattr(taken, name, mine)
        return taken

    def take_receipts(self) -> list[Receipt]:
        """The receipts since the last call, leaving the rest."""
        taken, self.receipts = self.receipts, []
        return taken

    def merge(self, other: Tally) -> None:
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.outcomes.update(other.outcomes)
        self.errors.update(other.errors)
        for name, histogram in other.histograms.items():
            self.histograms[name].merge(histogram)
        self.timeline.merge(other.timeline)
        self.workers |= other.workers  # each told by its own process, newest last
        self.receipts += other.receipts

    def shift(self, milliseconds: int) -> None:
        """Put right what was told by a clock that was so far behind."""
        self.receipts = [
            receipt._replace(sent_ms=receipt.sent_ms + milliseconds, at_ms=receipt.at_ms + milliseconds)
            for receipt in self.receipts
        ]
        for worker in self.workers.values():
            worker.behind_ms = milliseconds

    def to_wire(self) -> dict[str, Any]:
        """As plain lists and numbers, for a message to the master."""
        return {
            "counts": [getattr(self, name) for name in _COUNTS],
            "outcomes": dict(self.outcomes),
            "errors": dict(self.errors),
            "histograms": {name: histogram.to_wire() for name, histogram in self.histograms.items()},
            "timeline": self.timeline.to_wire(),
            "workers": {name: astuple(worker) for name, worker in self.workers.items()},
            "receipts": [receipt.to_wire() for receipt in self.receipts],
        }

    @classmethod
    def from_wire(cls, data: dict[str, Any]) -> Tally:
        tally = cls()
        for name, count in zip(_COUNTS, data["counts"], strict=True):
            setattr(tally, name, count)
        tally.outcomes.update(data["outcomes"])
        tally.errors.update(data["errors"])
        tally.histograms = {name: Histogram.from_wire(flat) for name, flat in data["histograms"].items()}
        tally.timeline = Timeline.from_wire(data["timeline"])
        tally.workers = {name: Worker(*values) for name, values in data["workers"].items()}
        tally.receipts = [Receipt.from_wire(row) for row in data["receipts"]]
        return tally


__all__ = ["LAGS", "MEASURES", "TIMED", "Moments", "Tally"]
