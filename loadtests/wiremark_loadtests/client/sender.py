"""Sends a user's requests over its connection and says what became of each. Free of Locust."""

from __future__ import annotations

import json
import logging
import random
import secrets
import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

from wiremark_loadtests import clock
from wiremark_loadtests.bill.receipts import Outcome, Receipt
from wiremark_loadtests.client import answer as answers
from wiremark_loadtests.client import quota as quotas
from wiremark_loadtests.client import tasks
from wiremark_loadtests.client.answer import Answer
from wiremark_loadtests.client.tasks import Ended
from wiremark_loadtests.client.transport import NOT_SENT, Connection, TransportError
from wiremark_loadtests.client.webhooks import Hooks
from wiremark_loadtests.client.wire import ResponseReader, get, post
from wiremark_loadtests.formats import CHAT
from wiremark_loadtests.formats.images import task_of
from wiremark_loadtests.measure.tally import Moments
from wiremark_loadtests.settings import Settings
from wiremark_loadtests.traffic.arrivals import Arrival
from wiremark_loadtests.traffic.plan import Plan, Planned
from wiremark_loadtests.traffic.scenario import Entry

log = logging.getLogger("wiremark")

SILENCE_SECONDS = 60.0  # a response without a byte for so long is given up
DEEP_SHARE = 1 / 16  # share of streams of which every chunk is decoded
_TRY_AGAIN = frozenset({408, 409, 429, 500, 502, 503, 504})


class Sent(NamedTuple):
    """One request that ended.

    problem:     a sentence or an error class, "" when there was none
    retry_after: as the head told it
    lags_ns:     of the reads of a sampled share, how late they were
    waited_ns:   how late the user went on when the answer had been read
    is_retry:    whether the same request had been sent before
    """

    planned: Planned
    receipt: Receipt
    answer: Answer
    at: Moments
    problem: str
    retry_after: str | None
    length: int
    lags_ns: tuple[int, ...] = ()
    waited_ns: int = 0
    is_retry: bool = False


class Sender:
    """The client of one user; `number` is what makes its prompts its own."""

    def __init__(self, settings: Settings, number: str, hooks: Hooks | None = None) -> None:
        self._settings = settings
        self._hooks = hooks
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
        headers = settings.contract.raw["headers"]
        self._id_header = headers["request_id"] or "x-request-id"
        self._limit_headers = headers.get("rate_limit")
        self._cache_header = settings.contract.raw.get("cache", {}).get("status_header")

    def connect(self) -> None:
        """Open the connection ahead of the first request."""
        try:
            self._connection.connect()
        except TransportError as error:
            log.debug("connecting ahead failed, the first request will try again: %s", error)

    def close(self) -> None:
        self._connection.close()

    def send(
        self,
        due_ns: int | None,
        arrival: Arrival | None,
        begin: Callable[[], None],
        done: Callable[[Sent], None],
    ) -> None:
        """Send the next request, and again as often as its entry wants; `due_ns` None is now.

        `begin` is called before each attempt and `done` after it, also when the greenlet is killed.
        """
        planned = self._plan.next(arrival)
        for attempt in range(planned.entry.retry.attempts):
            begin()
            tell = done if not attempt else lambda sent: done(sent._replace(is_retry=True))
            outcome, status = self._attempt(planned, due_ns if not attempt else None, tell)
            again = outcome is Outcome.CUT or (
                outcome is not Outcome.OK and (status is None or status in _TRY_AGAIN)
            )
            if not again:
                return

    def _attempt(
        self, planned: Planned, due_ns: int | None, done: Callable[[Sent], None]
    ) -> tuple[Outcome, int | None]:
        entry, settings = planned.entry, self._settings
        reader = ResponseReader()
        headers = self._keys[entry.role] + planned.headers
        request = post(self._targets[entry.name], settings.endpoint.host_header, headers, planned.body)
        sent_ns = time.monotonic_ns()
        # What it is when the time to drain is over and the greenlet is killed.
        result, problem = Answer(Outcome.CUT, ""), "cut when the run ended"
        deep, ended = False, None
        try:
            if entry.reconnect:
                self._connection.close()
            self._connection.connect()
            sent_ns = time.monotonic_ns()
            self._connection.exchange(request, reader, planned.conduct)
        except TransportError as error:
            result, problem = _failed(error), str(error)
        else:
            deep = self._random.random() < DEEP_SHARE
            result = answers.read(reader, streamed=entry.stream, deep=deep, form=entry.form)
            problem = result.error
            if entry.format == "images" and result.outcome is Outcome.OK:
                ended = Ended(tasks.PENDING)
                ended = self._follow(entry, task_of(json.loads(reader.body)))
        finally:
            if entry.format == "images":
                result, problem = self._ended(entry, result, problem, ended)
            if result.outcome is not Outcome.OK or not self._plan.listens:
                self._plan.hear(None)
            else:
                self._plan.hear(_reply(reader, streamed=entry.stream))
            done(self._told(planned, reader, result, (due_ns, sent_ns), problem, deep, ended))
        return result.outcome, reader.status or None

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

    def _ended(self, entry: Entry, result: Answer, problem: str, ended: Ended | None) -> tuple[Answer, str]:
        """A request for a task, by how its task ended; one that was to fail is no trouble when it does."""
        if ended is None:
            if self._hooks is not None and entry.webhook and result.error not in NOT_SENT:
                self._hooks.lost()
            return result, problem
        wrong = (
            ""
            if ended.status == tasks.COMPLETED or (entry.fails and ended.status == tasks.FAILED)
            else (f"task-{ended.status}")
        )
        outcome = Outcome.OK if ended.status == tasks.COMPLETED else Outcome.FAILED
        return result._replace(outcome=outcome, error=wrong), wrong

    def _told(
        self,
        planned: Planned,
        reader: ResponseReader,
        result: Answer,
        asked: tuple[int | None, int],
        problem: str,
        deep: bool,
        ended: Ended | None,
    ) -> Sent:
        due_ns, sent_ns = asked
        parts = reader.parts
        now_ns = clock.wall_ns()
        ended_ns = parts[-1][0] if parts and ended is None else time.monotonic_ns()
        quota = quotas.told(reader, self._limit_headers)
        receipt = Receipt(
            request_id=reader.header(self._id_header),
            role=planned.entry.role,
            model=planned.model,
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
            task=ended.status if ended is not None else None,
            announced=ended.announced if ended is not None else None,
            claim=planned.claim,
        )
        at = Moments(sent_ns if due_ns is None else due_ns, sent_ns, parts[0][0] if parts else None, ended_ns)
        return Sent(
            planned,
            receipt,
            result,
            at,
            problem,
            reader.header("retry-after"),
            sum(len(data) for _, data in parts),
            tuple(reader.lags_ns) if deep else (),
            reader.waited_ns,
        )

    def _told_cached(self, reader: ResponseReader) -> bool | None:
        if self._cache_header is None or not reader.status:
            return None
        return (reader.header(self._cache_header) or "").lower() == "hit"


def _failed(error: TransportError) -> Answer:
    """What a request was that got no whole response.

    A silence that we gave up is cut by us; the server may rightly charge what it had made.
    """
    if error.kind == "hung-up":
        return Answer(Outcome.CUT, "")
    return Answer(Outcome.CUT if error.kind == "timeout" else Outcome.FAILED, error.kind)


def _reply(reader: ResponseReader, *, streamed: bool) -> dict[str, Any]:
    """The assistant's message of a whole chat answer."""
    if streamed:
        _, payloads, _ = answers.data_events(reader.parts)
        return CHAT.reply(payloads)
    message: dict[str, Any] = json.loads(reader.body)["choices"][0]["message"]
    return message
