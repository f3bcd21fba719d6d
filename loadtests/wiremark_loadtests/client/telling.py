"""What is told of an exchange that ended: its receipt, its times, and what was wrong with it. Pure."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from wiremark_loadtests.bill.receipts import Receipt
from wiremark_loadtests.client import answer as answers
from wiremark_loadtests.client import quota as quotas
from wiremark_loadtests.client.answer import Answer
from wiremark_loadtests.client.tasks import Ended
from wiremark_loadtests.client.transport import NOT_SENT
from wiremark_loadtests.client.wire import ResponseReader
from wiremark_loadtests.formats import CHAT
from wiremark_loadtests.measure.tally import Moments
from wiremark_loadtests.settings import Settings
from wiremark_loadtests.traffic.plan import Planned

_UNTOLD = (None, None, None)
_NO_TASK = (None, None)


class Exchange(NamedTuple):
    """A request that was sent, or could not be, and the response as far as it came.

    due_ns:   None when it was due when it was sent
    over_ns:  when it was over, on the monotonic clock as the others; wall_ns is the same by the wall clock
    is_retry: whether the same request had been sent before
    """

    planned: Planned
    reader: ResponseReader
    due_ns: int | None
    sent_ns: int
    over_ns: int
    wall_ns: int
    is_retry: bool


class Sent(NamedTuple):
    """One request that ended.

    problem:     a sentence or an error class, "" when there was none
    retry_after: as the head told it
    lags_ns:     of the reads of a sampled share, how late they were; slow readers are late by intent
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


class Teller:
    """Tells of exchanges, by the header names of the endpoint's contract."""

    def __init__(self, settings: Settings) -> None:
        raw = settings.contract.raw
        self._id_header = raw["headers"]["request_id"] or "x-request-id"
        self._limit_headers = raw["headers"].get("rate_limit")
        self._cache_header = raw.get("cache", {}).get("status_header")

    def tell(
        self,
        over: Exchange,
        result: Answer,
        problem: str,
        *,
        deep: bool = False,
        ended: Ended | None = None,
    ) -> Sent:
        """`deep` adds how late its reads were; `ended` is of the task that it asked for."""
        planned, reader, due_ns, sent_ns, over_ns, wall_ns, is_retry = over
        arrivals = reader.arrivals
        ended_ns = arrivals[-1] if arrivals and ended is None else over_ns
        quota = quotas.told(reader, self._limit_headers)
        allowed, left, resets_ms = (quota.limit, quota.left, quota.resets_ms) if quota else _UNTOLD
        task, announced = ended if ended is not None else _NO_TASK
        # In the order of its fields: by their names it takes twice as long, for every request.
        receipt = Receipt(
            reader.header(self._id_header),
            planned.entry.role,
            planned.model,
            result.outcome,
            reader.status or None,
            result.tokens,
            self._told_cached(reader) if self._cache_header is not None else None,
            result.error not in NOT_SENT,
            (wall_ns - over_ns + sent_ns) // 1_000_000,
            wall_ns // 1_000_000,
            allowed,
            left,
            resets_ms,
            (len(planned.body), planned.max_tokens),
            task,
            announced,
            planned.claim,
        )
        first_ns = arrivals[0] if arrivals else None
        at = Moments(sent_ns if due_ns is None else due_ns, sent_ns, first_ns, ended_ns)
        return Sent(
            planned,
            receipt,
            result,
            at,
            problem,
            reader.header("retry-after"),
            sum(map(len, reader.pieces)),
            tuple(reader.lags_ns) if deep and planned.conduct.read_rate is None else (),
            reader.waited_ns,
            is_retry,
        )

    def _told_cached(self, reader: ResponseReader) -> bool | None:
        if not reader.status:
            return None
        return (reader.header(self._cache_header) or "").lower() == "hit"


def reply(reader: ResponseReader, *, streamed: bool) -> dict[str, Any]:
    """The assistant's message of a whole chat answer."""
    if streamed:
        _, payloads, _ = answers.data_events(reader.arrivals, reader.pieces)
        return CHAT.reply(payloads)
    message: dict[str, Any] = json.loads(reader.body)["choices"][0]["message"]
    return message
