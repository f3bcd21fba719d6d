"""The run says by itself when its generator was the bottleneck."""

from __future__ import annotations

import pytest
from wiremark_loadtests.measure import health
from wiremark_loadtests.measure.health import Asked, Worker
from wiremark_loadtests.measure.recorder import Histogram

MS = 1_000_000
WELL = {"loop_lag": 0.4, "wake_lag": 2, "service": 1000.0, "inter_token": 20.0, "queueing": 0.1}
CLOSED = Asked(users=64, is_open=False, kernel_stamps=True)
OPEN = Asked(users=64, is_open=True, kernel_stamps=True)
USER_STAMPS = Asked(users=64, is_open=False, kernel_stamps=False)
CALM = Worker(cpu=3, wall=10, requests=640, peak=64)

CASES: dict[str, tuple[Asked, Worker, dict[str, float], int, str]] = {
    "all well": (CLOSED, CALM, {}, 0, ""),
    "all well in an open loop": (OPEN, CALM, {}, 0, ""),
    "a full core": (CLOSED, Worker(9.5, 10, 640, 64), {}, 0, "worker w used 95% of a core"),
    "late users": (CLOSED, CALM, {"loop_lag": 60}, 0, "asked for 6% less"),
    "late users in an open loop ask for no less": (OPEN, CALM, {"loop_lag": 60}, 0, ""),
    "late users beside long answers": (CLOSED, CALM, {"loop_lag": 40}, 0, ""),
    "late reads, one chunk each": (CLOSED, CALM, {"wake_lag": 9}, 0, ""),
    "late reads of several chunks": (CLOSED, CALM, {"wake_lag": 11}, 0, "share a stamp"),
    "late reads of what came at once": (CLOSED, CALM, {"wake_lag": 11, "inter_token": 0.2}, 0, ""),
    "late wakes without the kernel's stamps": (USER_STAMPS, CALM, {"loop_lag": 3}, 0, "time between tokens"),
    "late wakes beside short answers": (USER_STAMPS, CALM, {"service": 20, "loop_lag": 0.9}, 0, ""),
    "late wakes beside shorter ones": (
        USER_STAMPS,
        CALM,
        {"service": 10, "loop_lag": 0.9},
        0,
        "of an answer",
    ),
    "users missing": (CLOSED, Worker(3, 10, 640, 40), {}, 0, "at most 40 of the 64 users"),
    "too few requests to tell": (CLOSED, Worker(3, 10, 40, 40), {}, 0, ""),
    "late sends": (OPEN, CALM, {"queueing": 80}, 0, "ms after they were due"),
    "requests never sent": (OPEN, CALM, {}, 5, "5 requests were planned and never sent"),
    "a fast endpoint": (CLOSED, CALM, {"service": 1, "loop_lag": 0.4}, 0, ""),
}


def _histograms(changes: dict[str, float]) -> dict[str, Histogram]:
    found = {}
    for name, value in (WELL | changes).items():
        found[name] = Histogram()
        found[name].record(int(value * MS))
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_bottleneck_is_named(case: str) -> None:
    asked, worker, changes, unsent, reason = CASES[case]
    verdict = health.judge(asked, {"w": worker}, _histograms(changes), unsent)
    assert verdict.valid == (not reason)
    assert reason in " ".join(verdict.reasons)


def test_users_that_had_reason_to_pause_are_not_missed() -> None:
    asked = Asked(users=64, is_open=False, kernel_stamps=True, pauses=True)
    assert health.judge(asked, {"w": Worker(3, 10, 640, 40)}, _histograms({}), 0).valid


def test_nothing_measured_says_nothing() -> None:
    empty = {name: Histogram() for name in WELL}
    assert health.judge(CLOSED, {}, empty, 0).valid


def test_answers_that_end_together_leave_the_load_as_it_was() -> None:
    """A thousand streams of 1.5 s, all ended within one moment: the last user goes on 100 ms late."""
    histograms = _histograms({"service": 1500})
    histograms["loop_lag"] = Histogram()
    histograms["loop_lag"].record_all([moment * MS // 10 for moment in range(1000)])
    assert health.judge(CLOSED, {"w": CALM}, histograms, 0).valid


def test_a_generator_that_took_its_time_after_every_answer_says_so() -> None:
    histograms = _histograms({"service": 1500})
    histograms["loop_lag"] = Histogram()
    histograms["loop_lag"].record_all([moment * MS // 4 for moment in range(1000)])
    assert "asked for 8% less" in " ".join(health.judge(CLOSED, {"w": CALM}, histograms, 0).reasons)


def test_chunks_that_were_read_together_do_not_hide_it() -> None:
    """Three of four gaps are lost, and so is the median; the mean is not."""
    histograms = _histograms({"wake_lag": 70})
    histograms["inter_token"] = Histogram()
    histograms["inter_token"].record_all([0, 0, 0, 80 * MS] * 10)
    assert "came every 20.0 ms" in " ".join(health.judge(CLOSED, {"w": CALM}, histograms, 0).reasons)
