"""Generations of every format: run the engine, charge for what it produced, send the answer.

Money follows four rules. A failure before anything was sent gives the hold back. Otherwise what was produced
is charged, whether or not the client stayed to read it. The charge is durable before the last byte is sent. A
stream starts only once the engine has produced something, so that a failure before that has its own status.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

from wiremark_server.clock import Clock
from wiremark_server.dialects.format import Format, Reply, Streamed
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Delta, Finish, Usage
from wiremark_server.edge.message import ClientGoneError, Response, Stream
from wiremark_server.engine.protocol import EngineFailure, EngineRefusal, EngineRun, EngineUnavailable
from wiremark_server.policy import chain
from wiremark_server.policy.cache import Kept, Replay
from wiremark_server.policy.call import Call
from wiremark_server.policy.cohort import others

_CLIENT_GONE = 499  # no status reaches a client that has left, but the ledger's row wants one


def operation(name: str) -> Callable[[Call], Awaitable[Response | Stream]]:
    """The operation that creates answers in the format of that name."""

    async def create(call: Call) -> Response | Stream:
        call.format = call.services.formats[name]
        await chain.run(chain.GENERATION, call)
        work = await Work.start(call, call.format)
        try:
            return await (work.stream() if call.asked.stream else work.whole())
        except BaseException:
            await work.abandon()
            raise

    return create


class Work:
    """One answer being made and paid: `finish` or `abandon` ends it, whichever comes first.

    encoder: of the stream, once there is one
    """

    __slots__ = (
        *("_call", "_clock", "_counted", "_cut", "_deltas", "_first", "_format", "_meter", "_newest"),
        *("_reply", "_run", "_sent", "_stepped", "_watch", "encoder"),
    )

    def __init__(self, call: Call, form: Format, run: EngineRun) -> None:
        self._call = call
        self._format = form
        self._run = run
        self._clock = call.services.clock
        self._meter = call.services.meter.model(call.model.id)
        self._first: float | None = None  # seconds from the request to the first token
        self._stepped = 0.0
        self._newest: Sequence[Delta] = ()
        self._sent = False
        self._cut = False
        self._counted = False
        self.encoder: Streamed | None = None
        self._deltas: list[Delta] = []
        self._watch: asyncio.Handle | asyncio.Task[None] | None = None
        self._reply = Reply(
            request_id=call.answer_id,
            created=call.created,
            model=call.model.id,
            fingerprint=call.services.fingerprint,
            asked=call.asked,
            usage=lambda: run.usage,
            provider=lambda: _provider(call),
            charged=call.bill.amount,
            elapsed_ms=_stopwatch(call.services.clock),
        )

    @classmethod
    async def start(cls, call: Call, form: Format) -> Work:
        """Put the request to the engine, or replay its kept answer; gives the hold back on ProblemError."""
        try:
            run: EngineRun = (
                Replay(call.kept)
                if call.kept is not None
                else (call.route or call.services.engine).run(call.asked.generation, call.prompt_tokens)
            )
        except EngineRefusal as refusal:
            await call.bill.release(400, "refused")
            raise problem.invalid_request(str(refusal)) from refusal
        except EngineUnavailable:
            await call.bill.release(503, "failed")
            raise problem.no_worker(call.model.id) from None
        except BaseException:
            await call.bill.release(500, "failed")
            raise
        return cls(call, form, run)

    async def whole(self) -> Response:
        answer = self._format.whole(self._reply)
        try:
            await self._prepare()
            async for deltas in self._run:
                answer.add(deltas)
                self._take(deltas)
        except EngineFailure as failure:
            raise self._failed(failure) from None
        body = answer.encode(await self._finish())
        await others()
        return Response(200, body)

    async def stream(self) -> Stream:
        """Waits for the first frame: problems until then are raised here, and get a status."""
        frames = self.frames(self.begin())
        return Stream(await anext(frames), frames, self._call.asked.framing)

    @property
    def usage(self) -> Usage:
        """Tokens so far."""
        return self._run.usage

    def begin(self) -> Streamed:
        """What encodes the answer as a stream."""
        self.encoder = self._format.stream(self._reply)
        return self.encoder

    async def frames(self, encoder: Streamed) -> AsyncGenerator[bytes, None]:
        """The whole stream; paid when the last frame comes, and abandoned when it breaks."""
        try:
            await self._prepare()
            async for deltas in self._run:
                self._take(deltas)
                self._sent = True
                yield encoder.encode(deltas)
            usage = await self._finish()
        except EngineFailure as failure:
            await self.abandon()
            raise self._failed(failure) from None
        except BaseException:
            await self.abandon()
            raise
        yield encoder.end(usage)

    def _failed(self, failure: EngineFailure) -> problem.ProblemError:
        model = self._call.model.id
        unavailable = isinstance(failure, EngineUnavailable)
        return problem.no_worker(model) if unavailable else problem.worker_failed(model)

    async def _finish(self) -> Usage:
        """Charge the complete answer. Raises ClientGoneError when it was cut: `abandon` charges that."""
        if self._cut:
            raise ClientGoneError
        self._stop_watching()
        call, usage = self._call, self._run.usage
        await call.bill.settle(usage, "ok")
        if call.services.cache is not None and call.cache_key is not None and call.kept is None:
            call.services.cache.put(call.cache_key, Kept(tuple(self._deltas), usage, _provider(call)))
        self._count(_reason(self._newest), usage)
        return usage

    async def abandon(self) -> None:
        """Stop the engine. Charge what it produced for a client that left or was sent a part of it."""
        self._stop_watching()
        await self._run.cancel()
        bill, usage = self._call.bill, self._run.usage
        self._count("abort" if self._cut else "error", usage)
        if self._cut:
            await bill.settle(usage, "cut", 200 if self._sent else _CLIENT_GONE)
        elif self._sent:
            await bill.settle(usage, "failed")
        else:
            await bill.release(500, "failed")

    def _take(self, deltas: Sequence[Delta]) -> None:
        """What one step of the engine, or the cache, has produced."""
        call = self._call
        if call.kept is not None:
            return
        if call.cache_key is not None:
            self._deltas.extend(deltas)
        now, self._newest = self._clock.monotonic(), deltas
        if self._first is None:
            self._first = now - call.started
            self._meter.began(self._first)
        else:
            self._meter.next_token.observe(now - self._stepped)
        self._stepped = now

    def _count(self, reason: str, usage: Usage) -> None:
        """The end of the work, once; what was kept is no work of the engine."""
        call = self._call
        if self._counted:
            return
        self._counted = True
        if call.cache_key is not None:
            self._meter.looked_up(found=call.kept is not None)
        if call.kept is None:
            took = self._clock.monotonic() - call.started
            self._meter.ended(reason, usage, took, self._first)

    async def _prepare(self) -> None:
        """Watch the client, unless the answer is complete before anything else has its turn, as many are."""
        await others()
        self._watch = asyncio.get_running_loop().call_soon(self._begin_to_watch)

    def _begin_to_watch(self) -> None:
        self._watch = asyncio.ensure_future(self._watch_client())

    def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()

    async def _watch_client(self) -> None:
        await self._call.client_gone()
        self._cut = True
        await self._run.cancel()


def _stopwatch(clock: Clock) -> Callable[[], int]:
    """Milliseconds since now, when the request is understood."""
    started = clock.monotonic()
    return lambda: int((clock.monotonic() - started) * 1000)


def _provider(call: Call) -> str | None:
    """Who has answered; an answer that was kept is still that of whoever gave it."""
    if call.kept is not None:
        return call.kept.provider
    chosen = call.route.chosen if call.route is not None else None
    return chosen.offer.provider if chosen is not None else None


def _reason(newest: Sequence[Delta]) -> str:
    """As vLLM calls it, which knows of no other ends of an answer that is whole."""
    for delta in reversed(newest):  # the ends of all choices that end with this step are near its end
        if type(delta) is Finish and delta.reason == "length":
            return "length"
    return "stop"
