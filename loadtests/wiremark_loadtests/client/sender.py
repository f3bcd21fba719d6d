"""Sends a user's requests over its connection and says what became of each. Free of Locust."""

from __future__ import annotations

import json
import logging
import random
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from wiremark_loadtests import clock
from wiremark_loadtests.bill.receipts import SUCCESSES, Outcome
from wiremark_loadtests.client import answer as answers
from wiremark_loadtests.client import tasks
from wiremark_loadtests.client.answer import Answer
from wiremark_loadtests.client.backlog import Backlog
from wiremark_loadtests.client.tasks import Ended
from wiremark_loadtests.client.telling import Exchange, Sent, Teller, reply
from wiremark_loadtests.client.transport import NOT_SENT, Connection, TransportError
from wiremark_loadtests.client.webhooks import Hooks
from wiremark_loadtests.client.wire import ResponseReader, get, post
from wiremark_loadtests.formats.images import task_of
from wiremark_loadtests.settings import Settings
from wiremark_loadtests.traffic.arrivals import Arrival
from wiremark_loadtests.traffic.plan import Plan, Planned
from wiremark_loadtests.traffic.scenario import Entry

log = logging.getLogger("wiremark")

SILENCE_SECONDS = 60.0  # a response without a byte for so long is given up
DEEP_SHARE = 1 / 16  # share of streams of which every chunk is decoded
_TRY_AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504})
_CUT = Answer(Outcome.CUT, "")
_KILLED = "cut when the run ended"


class Steps(NamedTuple):
    """What to call on the way of every request.

    begin: before it is sent
    over:  when its exchange is over
    done:  with what became of it, also when the greenlet was killed; with a backlog, some time after `over`
    """

    begin: Callable[[], None]
    over: Callable[[], None]
    done: Callable[[Sent], None]


class Sender:
    """The client of one user; `number` is what makes its prompts its own.

    backlog: where whole answers wait to be looked at while the user goes on; without one it does not
    """

    def __init__(
        self,
        settings: Settings,
        number: str,
        steps: Steps,
        hooks: Hooks | None = None,
        backlog: Backlog | None = None,
    ) -> None:
        self._settings = settings
        self._steps = steps
        self._hooks = hooks
        self._backlog = backlog
        self._plan = Plan(
            settings.scenario,
            settings.models,
            settings.seed,
            number,
            run=f"{secrets.token_hex(6)}-",
            origin=None if hooks is None else hooks.origin,
        )
        self._random = random.Random(f"{settings.seed}/{number}/deep")  # noqa: S311  not for secrets
        endpoint = settings.endpoint
        self._connection = Connection(
            endpoint.host, endpoint.port, tls=endpoint.scheme == "https", silence=SILENCE_SECONDS
        )
        self._keys = {
            role: "".join(f"{name}: {value}\r\n" for name, value in settings.authorization_of(role))
            for role in settings.scenario.roles
        }
        self._targets = {
            entry.name: settings.target_of(entry, settings.models[entry.format])
            for entry in settings.scenario.mix
        }
        self._teller = Teller(settings)

    def connect(self) -> None:
        """Open the connection ahead of the first request."""
        try:
            self._connection.connect()
        except TransportError as error:
            log.debug("connecting ahead failed, the first request will try again: %s", error)

    def close(self) -> None:
        self._connection.close()

    def send(self, due_ns: int | None, arrival: Arrival | None) -> None:
        """Send the next request, and again as often as its entry wants; `due_ns` None is now."""
        planned = self._plan.next(arrival)
        for attempt in range(planned.entry.retry.attempts):
            self._steps.begin()
            if not self._attempt(planned, due_ns if not attempt else None, is_retry=attempt > 0):
                return

    def _attempt(self, planned: Planned, due_ns: int | None, *, is_retry: bool) -> bool:
        """Send it once; whether it should be sent again."""
        entry, reader = planned.entry, ResponseReader()
        headers = self._keys[entry.role] + planned.headers
        host = self._settings.endpoint.host_header
        request = post(self._targets[entry.name], host, headers, planned.body)
        began_ns = time.monotonic_ns()
        # What it is when the time to drain is over and the greenlet is killed.
        result: Answer | None = _CUT
        problem = _KILLED
        try:
            if entry.reconnect:
                self._connection.close()
            self._connection.connect()
            self._connection.exchange(request, reader, planned.conduct)
            result = None
        except TransportError as error:
            result, problem = _failed(error), str(error)
        finally:
            times = (due_ns, reader.sent_ns or began_ns, is_retry)
            if entry.format == "images":
                result = self._task(planned, reader, times, result, problem)
            else:
                self._steps.over()
                result = self._judge_or_wait(_over(planned, reader, *times), result, problem)
        if result is None:
            return False
        return result.outcome is Outcome.CUT or (
            result.outcome is not Outcome.OK and (not reader.status or reader.status in _TRY_AGAIN)
        )

    def _judge_or_wait(self, over: Exchange, result: Answer | None, problem: str) -> Answer | None:
        """What the answer is worth; None when nobody has to wait until it is known."""
        entry, reader = over.planned.entry, over.reader
        if result is not None:
            self._plan.hear(None)
            self._steps.done(self._teller.tell(over, result, problem))
        elif (
            self._backlog is not None
            and reader.status in SUCCESSES
            and entry.turns == entry.retry.attempts == 1
        ):
            self._backlog.add(self._judge, over)
        else:
            result = self._judge(over)
            goes_on = result.outcome is Outcome.OK and self._plan.listens
            self._plan.hear(reply(reader, streamed=entry.stream) if goes_on else None)
        return result

    def _judge(self, over: Exchange) -> Answer:
        """Look at a response that is complete, and tell."""
        entry = over.planned.entry
        deep = entry.turns > 1 or self._random.random() < DEEP_SHARE  # what is said on has to be whole
        try:
            result = answers.read(over.reader, streamed=entry.stream, deep=deep, form=entry.form)
        except Exception:  # a shape that no reader foresaw: it is told of, and does not cost the receipt
            log.exception("an answer could not be looked at")
            result = Answer(Outcome.FAILED, "broken-answer:unreadable")
        self._steps.done(self._teller.tell(over, result, result.error, deep=deep))
        return result

    def _task(
        self,
        planned: Planned,
        reader: ResponseReader,
        times: tuple[int | None, int, bool],
        result: Answer | None,
        problem: str,
    ) -> Answer:
        """Of a request for a task, what became of the task; waits for it to end."""
        entry, ended, found = planned.entry, None, result or _CUT
        try:
            if result is None:
                found = answers.read(reader, streamed=False, form=entry.form)
                problem = found.error
                if found.outcome is Outcome.OK:
                    ended = Ended(tasks.PENDING)
                    ended = self._follow(entry, task_of(json.loads(reader.body)))
        finally:
            if ended is not None:
                found, problem = _of_task(entry, found, ended)
            elif self._hooks is not None and entry.webhook and found.error not in NOT_SENT:
                self._hooks.lost()
            self._steps.over()
            self._steps.done(self._teller.tell(_over(planned, reader, *times), found, problem, ended=ended))
        return found

    def _follow(self, entry: Entry, task: str) -> Ended:
        """Wait for what becomes of a task."""

        def ask(task: str) -> ResponseReader:
            target = self._settings.target("tasks.get").replace("{task}", quote(task, safe=""))
            answer = ResponseReader()
            self._connection.connect()
            self._connection.exchange(
                get(target, self._settings.endpoint.host_header, self._keys[entry.role]), answer
            )
            return answer

        return tasks.follow(task, entry.role, self._hooks if entry.webhook else None, ask)


def _over(
    planned: Planned, reader: ResponseReader, due_ns: int | None, sent_ns: int, is_retry: bool
) -> Exchange:
    return Exchange(planned, reader, due_ns, sent_ns, time.monotonic_ns(), clock.wall_ns(), is_retry)


def _of_task(entry: Entry, result: Answer, ended: Ended) -> tuple[Answer, str]:
    """A request for a task, by how its task ended; one that was to fail is no trouble when it does."""
    expected = {tasks.COMPLETED, tasks.FAILED} if entry.fails else {tasks.COMPLETED}
    wrong = "" if ended.status in expected else f"task-{ended.status}"
    outcome = Outcome.OK if ended.status == tasks.COMPLETED else Outcome.FAILED
    return result._replace(outcome=outcome, error=wrong), wrong


def _failed(error: TransportError) -> Answer:
    """What a request was that got no whole response.

    A silence that we gave up is cut by us; the server may rightly charge what it had made.
    """
    if error.kind == "hung-up":
        return _CUT
    return Answer(Outcome.CUT if error.kind == "timeout" else Outcome.FAILED, error.kind)
