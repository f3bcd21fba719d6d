"""Continuous batching, pure: which sequences the next step computes, and how long that step takes.

The rules are those of vLLM's scheduler as far as time can tell. Running requests go first, oldest first,
one token for each of their sequences; prompts are computed in chunks from what is left of the step's token
budget; waiting requests are admitted first come, first served, while sequences, tokens and blocks allow.
When a running request needs a block and there is none, the youngest is thrown out and starts again later:
its prompt and what it has said so far are computed once more, what it has delivered stays delivered.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import chain

from wiremark_server.engine.kv import BlockCache
from wiremark_server.engine.pace import Batched
from wiremark_server.engine.run import PacedRun


class Request:
    """A run on its way through the batch. `hashes`: one per full block of its prompt."""

    __slots__ = (
        "admitted",
        "arrived",
        "computed",
        "first",
        "gone",
        "hashes",
        "private",
        "run",
        "seen",
        "shared",
    )

    def __init__(self, run: PacedRun, hashes: tuple[int, ...] = (), arrived: float = 0.0) -> None:
        self.run = run
        self.arrived = arrived
        self.admitted = self.first = -1.0  # when it began to be computed, and when it said its first token
        self.hashes = hashes
        self.computed = 0  # tokens whose KV entries exist
        self.shared: list[int] = []
        self.private = 0
        self.seen = False  # admitted before, so that `cached` is already told
        self.gone = False

    @property
    def needed(self) -> int:
        """Tokens to compute before the next one can be said."""
        return self.run.prompt + self.run.produced * self.run.width


@dataclass(frozen=True, slots=True)
class Step:
    """chunks: prompt tokens computed per request; decodes: requests that get one token a sequence."""

    chunks: tuple[tuple[Request, int], ...]
    decodes: tuple[Request, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class BatchStats:
    """A snapshot for metrics. Requests now running and waiting; KV use 0 to 1; the rest since the start."""

    running: int
    waiting: int
    kv_usage: float
    preemptions: int
    prompt_tokens: int
    cached_tokens: int


class Batch:
    """The scheduler's state. `plan` decides a step, `finish` applies it; `drop` may come between."""

    def __init__(self, profile: Batched) -> None:
        self._profile = profile
        self._counted: dict[str, list[int]] = {}  # by model: the last three of the statistics
        self._kv = BlockCache(profile.kv_blocks)
        self._reserve = int(profile.kv_blocks * profile.watermark)
        self._waiting: deque[Request] = deque()
        self._running: list[Request] = []
        self._preemptions = 0
        self._prompt_tokens = 0
        self._cached_tokens = 0

    def blocks(self, prompt: int, produced: int, width: int) -> int:
        """Blocks of a request: full prompt blocks once, the rest once for each of its sequences."""
        full, tail = divmod(prompt, self._profile.block_tokens)
        return full + width * -(-(tail + produced) // self._profile.block_tokens)

    def add(self, request: Request) -> None:
        self._waiting.append(request)

    def drop(self, request: Request) -> None:
        """Forget a cancelled request at once; a step that was planned with it passes it over."""
        request.gone = True
        if request in self._running:
            self._running.remove(request)
            self._free(request)
        elif request in self._waiting:
            self._waiting.remove(request)

    def known(self, hashes: tuple[int, ...]) -> int:
        """Leading blocks of a prompt that need not be computed again."""
        return self._kv.match(hashes)

    @property
    def stats(self) -> BatchStats:
        used = self._kv.total - self._kv.available
        return BatchStats(
            running=len(self._running),
            waiting=len(self._waiting),
            kv_usage=used / self._kv.total,
            preemptions=self._preemptions,
            prompt_tokens=self._prompt_tokens,
            cached_tokens=self._cached_tokens,
        )

    def stats_of(self, model: str) -> BatchStats:
        """Of one model; the cache is shared by all, so its use is that of all."""
        preemptions, prompt_tokens, cached_tokens = self._counted.get(model, (0, 0, 0))
        return BatchStats(
            running=sum(request.run.model == model for request in self._running),
            waiting=sum(request.run.model == model for request in self._waiting),
            kv_usage=1 - self._kv.available / self._kv.total,
            preemptions=preemptions,
            prompt_tokens=prompt_tokens,
            cached_tokens=cached_tokens,
        )

    def _count(self, run: PacedRun, preemptions: int, prompt: int, cached: int) -> None:
        self._preemptions += preemptions
        self._prompt_tokens += prompt
        self._cached_tokens += cached
        counted = self._counted.setdefault(run.model, [0, 0, 0])
        for at, more in enumerate((preemptions, prompt, cached)):
            counted[at] += more

    def plan(self) -> Step | None:
        """The next step, or None when there is nothing to do."""
        budget = self._profile.max_batched_tokens
        preemptions = self._preemptions
        chunks: list[tuple[Request, int]] = []
        decodes: list[Request] = []
        position = 0
        while position < len(self._running):  # the youngest may leave while we look
            request = self._running[position]
            position += 1
            missing = request.needed - request.computed
            if missing > request.run.width or not request.run.produced:
                chunk = min(missing, budget)
                if chunk:
                    chunks.append((request, chunk))
                    budget -= chunk
            elif budget >= request.run.width and self._make_room(request):
                decodes.append(request)
                budget -= request.run.width
        if self._preemptions == preemptions:
            self._admit(chunks, budget)
        if not chunks and not decodes:
            return None
        return Step(tuple(chunks), tuple(decodes), self._seconds(chunks, decodes))

    def finish(self, step: Step) -> None:
        """The step's time has passed: every request whose prompt is computed says one token."""
        for request, chunk in step.chunks:
            if not request.gone:
                request.computed += chunk
                self._publish(request)
                if request.computed == request.needed:
                    self._say(request)
        for request in step.decodes:
            if not request.gone:
                request.computed = request.needed
                self._say(request)

    def end(self) -> None:
        """Every run ends where it is."""
        for request in chain(self._running, self._waiting):
            request.gone = True
            request.run.end()
        self._running.clear()
        self._waiting.clear()

    # ----------------------------------------------------------------------------------------------------

    def _seconds(self, chunks: list[tuple[Request, int]], decodes: list[Request]) -> float:
        profile = self._profile
        seconds = profile.step
        seconds += profile.per_prefill_token * sum(chunk for _, chunk in chunks)
        seconds += profile.per_sequence * sum(request.run.width for request in decodes)
        if profile.per_kv_token:
            seconds += profile.per_kv_token * sum(request.computed for request in decodes)
        return seconds

    def _say(self, request: Request) -> None:
        if request.run.advance():
            self._running.remove(request)
            self._free(request)

    def _make_room(self, request: Request) -> bool:
        """Blocks for the token to come, at the cost of the youngest; False when that is itself."""
        run = request.run
        more = self.blocks(run.prompt, run.produced, run.width) - len(request.shared) - request.private
        if more <= 0:
            return True
        while not self._kv.take((), more):
            victim = self._running.pop()
            self._free(victim)
            self._waiting.appendleft(victim)
            self._count(victim.run, 1, 0, 0)
            if victim is request:
                return False
        request.private += more
        return True

    def _admit(self, chunks: list[tuple[Request, int]], budget: int) -> None:
        seats = self._profile.max_num_seqs - sum(request.run.width for request in self._running)
        while self._waiting and budget:
            request = self._waiting[0]
            run = request.run
            if run.width > seats or not self._seat(request):
                return
            self._waiting.popleft()
            self._running.append(request)
            seats -= run.width
            chunk = min(request.needed - request.computed, budget)
            chunks.append((request, chunk))
            budget -= chunk

    def _seat(self, request: Request) -> bool:
        """Give a waiting request its blocks, those of a known prefix without computing them again."""
        run, size = request.run, self._profile.block_tokens
        # The last prompt token is always computed: without it there is nothing to say next.
        known = request.hashes[: self._kv.match(request.hashes[: (run.prompt - 1) // size])]
        private = self.blocks(run.prompt, run.produced, run.width) - len(known)
        reserve = self._reserve if self._running else 0
        if not self._kv.take(known, private, reserve):
            return False
        request.shared, request.private = list(known), private
        request.computed = len(known) * size
        if not request.seen:
            request.seen = True
            run.cached = request.computed
            self._count(run, 0, run.prompt, request.computed)
        return True

    def _publish(self, request: Request) -> None:
        """Share the prompt blocks that are computed by now."""
        done = min(request.computed // self._profile.block_tokens, len(request.hashes))
        while len(request.shared) < done and self._kv.publish(request.hashes[len(request.shared)]):
            request.shared.append(request.hashes[len(request.shared)])
            request.private -= 1

    def _free(self, request: Request) -> None:
        self._kv.release(request.shared, request.private)
        request.shared, request.private, request.computed = [], 0, 0
