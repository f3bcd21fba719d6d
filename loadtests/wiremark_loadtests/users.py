"""The Locust users of a load run.

Importing this module imports Locust, which patches the process through gevent: only `entry/locustfile.py`
and the process that Locust owns may do so.
"""

from __future__ import annotations

import itertools
import logging
import random
import time

import gevent  # type: ignore[import-untyped]
from gevent import GreenletExit
from locust import User, task
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_STOPPING

from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.client import answer as answers
from wiremark_loadtests.client import quota as quotas
from wiremark_loadtests.client.answer import Answer
from wiremark_loadtests.client.transport import NOT_SENT, Connection, TransportError
from wiremark_loadtests.client.wire import ResponseReader, post
from wiremark_loadtests.listeners import generator_of
from wiremark_loadtests.measure.tally import Moments
from wiremark_loadtests.traffic.scenario import Plan, Planned

log = logging.getLogger("wiremark")

SILENCE_SECONDS = 60.0  # a response without a byte for so long is given up
DEEP_SHARE = 1 / 16  # share of streams of which every chunk is decoded
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
        self._generator, settings = generator, generator.settings
        self._settings, self._tally = settings, generator.tally
        number = f"{getattr(self.environment.runner, 'worker_index', 0)}.{next(_user_numbers)}"
        self._plan = Plan(settings.scenario, settings.model, settings.seed, number)
        self._random = random.Random(f"{settings.seed}/{number}/deep")  # noqa: S311  not for secrets
        endpoint = settings.endpoint
        self._connection = Connection(
            endpoint.host, endpoint.port, tls=endpoint.scheme == "https", silence=SILENCE_SECONDS
        )
        self._headers = {
            role: "".join(f"{name}: {value}\r\n" for name, value in settings.authorization_of(role))
            for role in settings.scenario.roles
        }
        self._target = settings.target("chat.create")
        self._id_header = settings.contract.raw["headers"]["request_id"] or "x-request-id"
        self._limit_headers = settings.contract.raw["headers"].get("rate_limit")
        self._cache_header = settings.contract.raw.get("cache", {}).get("status_header")
        self._pause = 0.0
        self._failures = 0
        try:
            self._connection.connect()
        except TransportError as error:
            log.debug("connecting ahead failed, the first request will try again: %s", error)

    def on_stop(self) -> None:
        self._connection.close()

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
        while True:
            if dispatcher is None:
                self._one(time.monotonic_ns(), self._plan.next())
            elif (due := dispatcher.next()) is not None:
                self._one(due.at_ns, self._plan.next(due.arrival))
                self._pause = 0.0  # the next one is due when it is due
            if self._pause or self._state == LOCUST_STATE_STOPPING:
                return

    def _one(self, due_ns: int, planned: Planned) -> None:
        reader = ResponseReader()
        headers = self._headers[planned.entry.role]
        request = post(self._target, self._settings.endpoint.host_header, headers, planned.body)
        self._generator.entered()
        sent_ns = time.monotonic_ns()
        try:
            self._connection.connect()
            sent_ns = time.monotonic_ns()
            self._connection.exchange(request, reader)
        except TransportError as error:
            # A silence that we gave up is cut by us; the server may rightly charge what it had made.
            outcome = Outcome.CUT if error.kind == "timeout" else Outcome.FAILED
            self._done(planned, reader, Answer(outcome, error.kind), (due_ns, sent_ns), str(error))
        except GreenletExit:  # the time to drain is over
            self._done(planned, reader, Answer(Outcome.CUT, ""), (due_ns, sent_ns), "cut when the run ended")
            raise
        else:
            deep = self._random.random() < DEEP_SHARE
            result = answers.read(reader, streamed=planned.entry.stream, deep=deep)
            if deep:
                self._tally.histograms["wake_lag"].record_all(reader.lags_ns)
            self._done(planned, reader, result, (due_ns, sent_ns), result.error)
        finally:
            self._generator.left()

    def _done(
        self,
        planned: Planned,
        reader: ResponseReader,
        result: Answer,
        asked: tuple[int, int],
        problem: str,
    ) -> None:
        """Keep what became of a request; `asked` is when it was due and when it was sent."""
        due_ns, sent_ns = asked
        if self._generator.dispatcher is None:
            due_ns = sent_ns
        parts = reader.parts
        at = Moments(
            due_ns,
            sent_ns,
            parts[0][0] if parts else None,
            parts[-1][0] if parts else time.monotonic_ns(),
        )
        now_ns, quota = time.time_ns(), quotas.told(reader, self._limit_headers)
        receipt = Receipt(
            request_id=reader.header(self._id_header),
            role=planned.entry.role,
            model=self._settings.model,
            outcome=result.outcome,
            status=reader.status or None,
            tokens=result.tokens,
            cached=self._told_cached(reader),
            sent=result.error not in NOT_SENT,
            sent_ms=(now_ns - time.monotonic_ns() + sent_ns) // 1_000_000,
            at_ms=now_ns // 1_000_000,
            allowed=quota.limit if quota else None,
            left=quota.left if quota else None,
            resets_ms=quota.resets_ms if quota else None,
            ceiling=(len(planned.body), planned.max_tokens),
        )
        self._tally.add(receipt, result, at, self._settings.slo, self._generator.start_ns)
        self._pause = self._pause_after(result.outcome, reader)
        self.environment.events.request.fire(
            request_type="POST",
            name=planned.entry.name,
            response_time=(at.ended - at.due) / 1e6,
            response_length=sum(len(data) for _, data in parts),
            exception=RuntimeError(problem) if result.outcome is not Outcome.OK else None,
            context={},
        )

    def _told_cached(self, reader: ResponseReader) -> bool | None:
        if self._cache_header is None or not reader.status:
            return None
        return (reader.header(self._cache_header) or "").lower() == "hit"

    def _pause_after(self, outcome: Outcome, reader: ResponseReader) -> float:
        if outcome is Outcome.OK:
            self._failures = 0
            return 0.0
        wanted = reader.header("retry-after") or ""
        if wanted.isdecimal():
            return min(float(wanted), LONGEST_PAUSE)
        self._failures += 1
        return _PAUSES_AFTER_FAILURE[min(self._failures, len(_PAUSES_AFTER_FAILURE)) - 1]
