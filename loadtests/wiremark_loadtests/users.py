"""The Locust users of a load run.

Importing this module imports Locust, which patches the process through gevent: only `entry/locustfile.py`
and the process that Locust owns may do so.
"""

from __future__ import annotations

import itertools

import gevent  # type: ignore[import-untyped]
from locust import User, task
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_STOPPING

from wiremark_loadtests.bill.receipts import Outcome
from wiremark_loadtests.client.sender import Sender, Steps
from wiremark_loadtests.client.telling import Sent
from wiremark_loadtests.listeners import generator_of

LONGEST_PAUSE = 5.0  # seconds; a retry-after longer than this is cut to it
# Seconds, by failures in a row: a dead server is not hammered.
_PAUSES_AFTER_FAILURE = (0.05, 0.1, 0.2, 0.5, 1.0)

_user_numbers = itertools.count()


class ChatUser(User):
    """Sends the scenario's requests one after the other over one connection of its own."""

    def on_start(self) -> None:
        generator = generator_of(self.environment)
        if generator is None:  # the input was bad; it has been told
            gevent.spawn(self.environment.runner.stop)
            raise StopUser
        self._generator, self._tally = generator, generator.tally
        number = f"{getattr(self.environment.runner, 'worker_index', 0)}.{next(_user_numbers)}"
        steps = Steps(generator.entered, generator.left, self._done)
        self._sender = Sender(generator.settings, number, steps, generator.hooks, generator.backlog)
        self._pause = 0.0
        self._failures = 0
        self._sender.connect()

    def on_stop(self) -> None:
        self._sender.close()

    def wait_time(self) -> float:
        """No think time, but in a closed loop a pause after a refusal or a failure."""
        return self._pause

    @task
    def chat(self) -> None:
        """Send one request after the other, until the run ends or a pause is due.

        Locust kills users that wait between tasks, also one that has just stopped waiting and sent its
        next request. So a user that does not pause does not wait.
        """
        dispatcher = self._generator.dispatcher
        self._generator.wait()
        while True:
            if dispatcher is None:
                self._sender.send(None, None)
            elif (due := dispatcher.next()) is not None:
                self._sender.send(due.at_ns, due.arrival)
                self._pause = 0.0  # the next one is due when it is due
            if self._pause or self._state == LOCUST_STATE_STOPPING:
                return

    def _done(self, sent: Sent) -> None:
        """Keep what became of a request; the next one may be under way."""
        self._tally.add(
            sent.receipt, sent.answer, sent.at, self._generator.settings.slo, self._generator.start_ns
        )
        self._tally.retries += sent.is_retry
        self._tally.histograms["wake_lag"].record_all(sent.lags_ns)
        self._tally.histograms["loop_lag"].record(sent.waited_ns)
        self._pause = self._pause_after(sent)
        bad = sent.problem and sent.answer.error
        self.environment.events.request.fire(
            request_type="POST",
            name=sent.planned.entry.name,
            response_time=(sent.at.ended - sent.at.due) / 1e6,
            response_length=sent.length,
            exception=RuntimeError(sent.problem) if bad else None,
            context={},
        )

    def _pause_after(self, sent: Sent) -> float:
        outcome = sent.receipt.outcome
        if outcome is Outcome.OK or (outcome is Outcome.CUT and not sent.answer.error):
            self._failures = 0
            return 0.0
        if not sent.planned.entry.patient:
            return 0.0
        wanted = sent.retry_after or ""
        if wanted.isdecimal():
            return min(float(wanted), LONGEST_PAUSE)
        self._failures += 1
        return _PAUSES_AFTER_FAILURE[min(self._failures, len(_PAUSES_AFTER_FAILURE)) - 1]
