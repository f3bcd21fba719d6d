"""Makes what tasks ask for, one asyncio task each; every step is durable before the next one begins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import Protocol

import msgspec

from wiremark_server.clock import Clock
from wiremark_server.domain.problem import ProblemError
from wiremark_server.keys import KeyStore, UnknownKey
from wiremark_server.ledger.records import LedgerUnavailable, Resolution
from wiremark_server.media import outbound
from wiremark_server.media.guard import Guard
from wiremark_server.media.outbound import Outbound
from wiremark_server.media.task import Task
from wiremark_server.policy.fetching import ImageFetcher

RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Pauses before a webhook is sent again; when they are used up it is given up."""
_LEDGER_SECONDS = 1.0
_OK = range(200, 300)
_GONE = 410  # the receiver wants no more

Sleep = Callable[[float], Awaitable[None]]


class Shelf(Protocol):
    """What is needed of `ledger.store.Ledger`; described there."""

    async def refund(self, request_id: str, status: int, outcome: str) -> Resolution | None: ...

    async def put_task(self, task_id: str, key_id: str, document: str, *, done: bool) -> None: ...

    async def task(self, task_id: str, key_id: str = "") -> str | None: ...

    async def adopt_tasks(self) -> list[tuple[str, str, str]]: ...


class Studio:
    """Submitted tasks run until they are done; `resume` goes on with those of a process that has ended.

    A webhook is delivered at least once: with the same id when it is sent again.
    """

    def __init__(
        self,
        ledger: Shelf,
        keys: KeyStore,
        clock: Clock,
        guard: Guard,
        *,
        seconds: float = 0.0,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """seconds: that an image takes"""
        self.guard = guard
        self._ledger = ledger
        self._keys = keys
        self._clock = clock
        self._outbound = Outbound(guard)
        self._fetcher = ImageFetcher(lambda address: guard.open(ip_address(address)), guard.lookup)
        self._seconds = seconds
        self._sleep = sleep
        self._running: dict[str, asyncio.Task[None]] = {}

    async def submit(self, task: Task, pay: Callable[[], Awaitable[None]]) -> None:
        """Store a task, have it paid, and begin with it: so nobody pays for a task that is lost."""
        await self._ledger.put_task(task.id, task.key_id, task.text, done=True)
        await pay()
        await self._save(task)
        self._begin(task)

    async def find(self, task_id: str, key_id: str = "") -> Task | None:
        """The task with this id, of that key if one is named."""
        text = await self._ledger.task(task_id, key_id)
        return None if text is None else Task.from_text(text)

    async def resume(self) -> int:
        """Go on with the tasks that processes which have ended left; the number of them."""
        found = await self._ledger.adopt_tasks()
        for _, _, text in found:
            self._begin(Task.from_text(text))
        return len(found)

    def _begin(self, task: Task) -> None:
        if task.id not in self._running:
            running = self._running[task.id] = asyncio.create_task(self._run(task))
            running.add_done_callback(lambda _: self._running.pop(task.id, None))

    async def settled(self, seconds: float | None = None) -> None:
        """Return when nothing is being made or delivered, or after so many seconds."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=seconds)

    async def close(self) -> None:
        """Stop; what is left to do is done by the next process."""
        running: Sequence[asyncio.Task[None]] = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, task: Task) -> None:
        if not task.made:
            await self._make(task)
        if task.notice == "due":
            await self._notify(task)

    async def _make(self, task: Task) -> None:
        task.status = "processing"
        await self._save(task)
        await self._sleep(self._seconds)
        for position, url in enumerate(task.references):
            try:
                await self._fetcher.check(url, f"image_urls[{position}]")
            except ProblemError as error:
                task.error = error.problem.message
                break
        if task.error is not None:
            await self._until_stored(lambda: self._ledger.refund(task.request_id, 502, "failed"))
        task.status = "completed" if task.error is None else "failed"
        await self._save(task)

    async def _notify(self, task: Task) -> None:
        """Signed with what only the key's owner and this server can derive."""
        try:
            secret = outbound.secret(self._keys.digest(task.key_id))
        except UnknownKey:
            task.notice = "given up"
            await self._save(task)
            return
        body = msgspec.json.encode({"type": f"task.{task.status}", "data": task.shown()})
        while task.notice == "due":
            signed = outbound.signature(secret, task.id, int(self._clock.now()), body)
            headers = {"content-type": "application/json", "user-agent": "wiremark", **signed}
            status = await self._outbound.post(task.webhook_url or "", headers, body)
            task.attempts += 1
            if status is not None and status in _OK:
                task.notice = "delivered"
            elif status == _GONE or task.attempts > len(RETRY_SECONDS):
                task.notice = "given up"
            await self._save(task)
            if task.notice == "due":
                await self._sleep(RETRY_SECONDS[task.attempts - 1])

    async def _save(self, task: Task) -> None:
        text = task.text
        await self._until_stored(lambda: self._ledger.put_task(task.id, task.key_id, text, done=task.done))

    async def _until_stored(self, write: Callable[[], Awaitable[object]]) -> None:
        """A store that is away comes back: the task waits for it."""
        while True:
            try:
                await write()
            except LedgerUnavailable:
                await self._sleep(_LEDGER_SECONDS)
            else:
                return
