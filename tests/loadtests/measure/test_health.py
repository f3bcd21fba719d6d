"""The run says by itself when its generator was the bottleneck."""

from __future__ import annotations

import pytest
from wiremark_loadtests.measure import health
from wiremark_loadtests.measure.health import Asked, Worker
from wiremark_loadtests.measure.recorder import Histogram

MS = 1_000_000
WELL = {"loop_lag": 0.4, "service": 1000.0, "inter_token": 20.0, "queueing": 0.1}
CLOSED = Asked(users=64, is_open=False, kernel_stamps=True)
OPEN = Asked(users=64, is_open=True, kernel_stamps=True)
USER_STAMPS = Asked(users=64, is_open=False, kernel_stamps=False)
CALM = Worker(cpu=3, wall=10, requests=640, peak=64)

CASES: dict[str, tuple[Asked, Worker, dict[str, float], int, str]] = {
    "all well": (CLOSED, CALM, {}, 0, ""),
    "all well in an open loop": (OPEN, CALM, {}, 0, ""),
    "a full core": (CLOSED, Worker(9.5, 10, 640, 64), {}, 0, "worker w used 95% of a core"),
    "late wakes": (CLOSED, CALM, {"loop_lag": 60}, 0, "woke 60."),
    "late wakes beside long answers": (CLOSED, CALM, {"loop_lag": 40}, 0, ""),
    "late wakes without the kernel's stamps": (USER_STAMPS, CALM, {"loop_lag": 3}, 0, "without the kernel"),
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
