"""Answers that wait: looked at when there is nothing else to do, at the latest in the end."""

from __future__ import annotations

import gevent  # type: ignore[import-untyped]
import pytest
from gevent.event import Event  # type: ignore[import-untyped]
from wiremark_loadtests.client import backlog
from wiremark_loadtests.client.backlog import Backlog


def test_work_is_done_in_order_when_the_process_has_nothing_else_to_do() -> None:
    done: list[int] = []
    last = Event()
    waiting = Backlog()
    for number in range(3):
        waiting.add(done.append, number)
    waiting.add(lambda _: last.set(), None)
    assert done == []
    assert last.wait(5)
    assert done == [0, 1, 2]
    waiting.add(done.append, 3)  # it begins anew
    waiting.add(lambda _: last.set(), last.clear())
    assert last.wait(5)
    assert done == [0, 1, 2, 3]


def test_what_waits_is_done_at_the_end() -> None:
    done: list[int] = []
    waiting = Backlog()
    for number in range(5):
        waiting.add(done.append, number)
    waiting.finish()
    assert (done, len(waiting)) == ([0, 1, 2, 3, 4], 0)
    gevent.idle()


def test_no_more_waits_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "_LEAST", 2)
    done: list[int] = []
    waiting = Backlog(lambda: 3)
    for number in range(3):
        waiting.add(done.append, number)
    assert done == []
    waiting.add(done.append, 3)
    assert done
    assert len(waiting) <= 3
    waiting.finish()


def test_work_that_raises_is_counted_and_does_not_stop_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> None:
        raise ValueError("a defect")

    done: list[int] = []
    waiting = Backlog()
    waiting.add(fail, None)
    waiting.add(done.append, 1)
    waiting.finish()
    assert (done, waiting.lost) == ([1], 1)
    assert "a defect" in caplog.text
