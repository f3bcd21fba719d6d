"""Arrivals reach users at their moments, and none is lost."""

from __future__ import annotations

import time

from wiremark_loadtests.traffic.arrivals import Arrival
from wiremark_loadtests.traffic.dispatch import Dispatcher


def test_arrivals_come_when_they_are_due() -> None:
    dispatcher = Dispatcher(iter([Arrival(0.0), Arrival(0.02)]))
    dispatcher.start()
    dispatcher.start()  # begins once
    found = [dispatcher.next(), dispatcher.next()]
    assert [due.arrival.at for due in found if due] == [0.0, 0.02]
    assert all(due.at_ns <= time.monotonic_ns() for due in found if due)
    assert dispatcher.stop() == 0


def test_what_was_never_sent_is_counted() -> None:
    dispatcher = Dispatcher(iter([Arrival(0.0), Arrival(0.0), Arrival(60.0), Arrival(70.0)]))
    dispatcher.start()
    assert dispatcher.next() is not None
    assert dispatcher.stop() == 3
    assert Dispatcher(iter([Arrival(1.0)])).stop() == 1
