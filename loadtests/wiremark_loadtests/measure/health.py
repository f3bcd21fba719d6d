"""Whether the generator itself was the bottleneck, and the numbers that say so. Pure.

Two lags are kept. The wake lag is how much later a read happened than the kernel had received it. The
loop lag is how much later than it could a timer went off, or a user went on when its answer had been read.
Neither moves the times of answers that the kernel stamped, as long as chunks are not so late read that
several are read together, which have one stamp. But a user that goes on late asks for less, and a generator
without the kernel's stamps takes its own lateness for the server's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from wiremark_loadtests.measure.recorder import Histogram

BUSY = 0.9  # share of a core; Python runs on one, and queues build up before it is full
_TOLERATED = 0.05  # of what is measured, for what the generator adds to it
_FLOOR_NS = 500_000  # lags below this are those of any scheduler
_TOGETHER = 0.5  # of the time between tokens: reads later than that soon find two of them


@dataclass(slots=True)
class Worker:
    """One generating process; times in seconds.

    behind_ms: how far its wall clock was behind the master's; what it told was put right
    """

    cpu: float = 0.0
    wall: float = 0.0
    requests: int = 0
    peak: int = 0
    lost: bool = False
    behind_ms: int = 0

    @property
    def busy(self) -> float:
        """Share of a core."""
        return self.cpu / self.wall if self.wall > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What the generator was to do, to be held against what it did.

    pauses: whether users had reason to pause, after refusals or failures
    """

    users: int
    is_open: bool
    kernel_stamps: bool
    pauses: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reasons` are sentences; without one the times of the run are the endpoint's."""

    reasons: tuple[str, ...]

    @property
    def valid(self) -> bool:
        return not self.reasons


def judge(
    asked: Asked, workers: Mapping[str, Worker], histograms: Mapping[str, Histogram], unsent: int
) -> Verdict:
    """Hold the generator to what it was asked; `unsent` arrivals found no free user."""
    reasons = [
        f"worker {name} used {worker.busy:.0%} of a core: use more processes"
        for name, worker in sorted(workers.items())
        if worker.busy >= BUSY
    ]
    reasons += _of_stamps(histograms) if asked.kernel_stamps else _of_own_clock(histograms)
    if asked.is_open:
        reasons += _of_open_loop(asked, histograms, unsent)
    else:
        reasons += _of_closed_loop(asked, workers, histograms)
    return Verdict(tuple(reasons))


def _of_stamps(histograms: Mapping[str, Histogram]) -> list[str]:
    """The kernel's: right, but one for all that is read together."""
    late = histograms["wake_lag"].quantile(0.99) or 0.0
    gap = histograms["inter_token"].mean  # what is read together has a gap of 0: the median may be that
    if gap < _FLOOR_NS or late <= max(_FLOOR_NS, _TOGETHER * gap):
        return []  # or tokens came all at once anyway
    reason = (
        f"chunks were read {late / 1e6:.1f} ms late (p99), and came every {gap / 1e6:.1f} ms: those that are "
        "read together share a stamp, and the times between them are lost"
    )
    return [reason]


def _of_own_clock(histograms: Mapping[str, Histogram]) -> list[str]:
    """All times include how late this process was."""
    lag = histograms["loop_lag"].quantile(0.99) or 0.0
    measured = {"time between tokens": "inter_token", "time of an answer": "service"}
    halves = {what: histograms[name].quantile(0.5) for what, name in measured.items()}
    return [
        f"without the kernel's stamps, waking {lag / 1e6:.1f} ms late (p99) reads as the endpoint's {what} "
        f"({half / 1e6:.1f} ms)"
        for what, half in halves.items()
        if half is not None and lag > max(_FLOOR_NS, _TOLERATED * half)
    ]


def _of_open_loop(asked: Asked, histograms: Mapping[str, Histogram], unsent: int) -> list[str]:
    waited = histograms["queueing"].quantile(0.99) or 0.0
    whole = histograms["service"].quantile(0.5) or 0.0
    reasons = []
    if unsent:
        reasons.append(
            f"{unsent} requests were planned and never sent: all {asked.users} users were busy, or the run "
            "ended before they were due"
        )
    elif waited > max(_FLOOR_NS, _TOLERATED * whole):
        reasons.append(
            f"requests were sent {waited / 1e6:.1f} ms after they were due (p99): all {asked.users} users "
            "were busy, or the generator was; the times from the due moment include it"
        )
    return reasons


def _of_closed_loop(
    asked: Asked, workers: Mapping[str, Worker], histograms: Mapping[str, Histogram]
) -> list[str]:
    reasons = []
    waited, whole = histograms["loop_lag"].mean, histograms["service"].mean
    if whole and waited > _FLOOR_NS and waited > _TOLERATED * (waited + whole):
        reasons.append(
            f"users went on {waited / 1e6:.1f} ms late after answers of {whole / 1e6:.1f} ms (means): the "
            f"endpoint was asked for {waited / (waited + whole):.0%} less than it was to be"
        )
    peak = sum(worker.peak for worker in workers.values())
    requests = sum(worker.requests for worker in workers.values())
    if not asked.pauses and requests >= asked.users and peak < 0.99 * asked.users:
        reasons.append(f"at most {peak} of the {asked.users} users asked for had a request under way")
    return reasons


def to_json(workers: Mapping[str, Worker]) -> list[dict[str, Any]]:
    return [
        {"name": name, **asdict(worker), "cpu_share": round(worker.busy, 4)}
        for name, worker in sorted(workers.items())
    ]
