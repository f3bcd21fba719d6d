"""Makes probes: each once, prerequisites first, several at a time, patient with busy servers.

What is retried is only what says nothing about the endpoint's behaviour: 429, 502 to 504 and 529, a
refused or reset connection, and only with the `default` key, for the other roles are there to be
refused, as some probes are. A request is made at most three times, and all waiting of a run
together is bounded, so that an endpoint which is down is reported soon; what remains is an infra
verdict.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol

from wiremark_conformance.exchange import Exchange, Request, TransportFailure
from wiremark_conformance.probes import PROBES, ProbeContext
from wiremark_conformance.target import Target

_BUSY = frozenset({429, 502, 503, 504, 529})
_PASSING = frozenset({"connect", "reset"})


class Sender(Protocol):
    """What of a client is needed here."""

    def send(self, probe: str, request: Request) -> Exchange: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a run waits for a busy endpoint.

    attempts: requests made for one probe at most
    pause:    seconds before the second attempt when no retry-after says otherwise; then doubled
    total:    seconds that all pauses of a run may add up to; a longer retry-after is not waited for
    stalled:  seconds that requests which timed out may add up to
    kept:     bytes of bodies that a run may add up to
    """

    attempts: int = 3
    pause: float = 0.5
    total: float = 10.0
    stalled: float = 300.0
    kept: int = 256 * 1024 * 1024


@dataclass
class Prober:
    """Sends probes and counts the HTTP requests that it took.

    workers: requests under way at the same time; few, for a small server is a fair subject too
    """

    sender: Sender
    patience: Patience = field(default_factory=Patience)
    workers: int = 4
    sleep: Callable[[float], None] = time.sleep
    requests: int = 0
    waited: float = 0.0
    stalled: float = 0.0
    kept: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def send(self, probe: str, request: Request) -> Exchange:
        """One request, counted; not made any more when the endpoint has used up all patience."""
        with self._lock:
            given_up = self._given_up()
            self.requests += (given_up is None) * (2 if request.after is not None else 1)
        if given_up is not None:
            return Exchange(probe, request, failure=given_up)
        exchange = self.sender.send(probe, request)
        with self._lock:
            self.kept += sum(len(part.data) for part in exchange.parts)
            if exchange.failure is not None and exchange.failure.kind == "timeout":
                self.stalled += exchange.elapsed_ns / 1e9
        return exchange

    def _given_up(self) -> TransportFailure | None:
        """Why no further request is made, so that a hostile endpoint cannot take a day or all memory."""
        if self.stalled > self.patience.stalled:
            return TransportFailure(
                "timeout", f"not asked any more: requests had timed out for {self.stalled:.0f} s altogether"
            )
        if self.kept > self.patience.kept:
            return TransportFailure(
                "too-large", f"not asked any more: the answers had {self.kept:,} bytes altogether"
            )
        return None

    def _after_pause(
        self, send: Callable[[str, Request], Exchange], probe: str, request: Request
    ) -> Exchange:
        if PROBES[probe].pause:
            self.sleep(PROBES[probe].pause)
        return send(probe, request)

    def send_patiently(self, probe: str, request: Request) -> Exchange:
        """One request, made again while the endpoint is busy and patience lasts."""
        exchange = self.send(probe, request)
        for attempt in range(1, self.patience.attempts):
            if not _busy(exchange):
                break
            pause = _retry_after(exchange)
            if not self._may_wait(self.patience.pause * 2 ** (attempt - 1) if pause is None else pause):
                break
            exchange = self.send(probe, request)
        return exchange

    def _may_wait(self, pause: float) -> bool:
        with self._lock:
            if self.waited + pause > self.patience.total:
                return False
            self.waited += pause
        self.sleep(pause)
        return True

    def run(
        self,
        names: Sequence[str],
        target: Target,
        known: Mapping[str, Exchange],
        progress: Callable[[int], None] = lambda _: None,
    ) -> Mapping[str, Exchange]:
        """The exchanges of the probes `names` (needs first), with those `known` taken as made.

        What a probe needs and is not among `names` is not waited for.

        A probe that cannot be built for this target is left out, and one that was granted within another;
        judging tells why. `progress` is told how many probes are settled, each time that more are.
        """
        exchanges = {name: known[name] for name in names if name in known}
        waiting = [name for name in names if name not in exchanges]
        running: dict[Future[Exchange], str] = {}
        settled, asked = set(exchanges), set(names)
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="wiremark-probe")
        try:
            while waiting or running:
                for name in [n for n in waiting if settled.issuperset(asked.intersection(PROBES[n].needs))]:
                    waiting.remove(name)
                    probe = PROBES[name]
                    request = None
                    if not probe.granted(exchanges):
                        request = probe.build(ProbeContext(target, dict(exchanges)))
                    if request is None:
                        settled.add(name)
                        continue
                    patient = probe.patient and probe.role == "default"
                    send = self.send_patiently if patient else self.send
                    running[pool.submit(self._after_pause, send, name, request)] = name
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    name = running.pop(future)
                    exchanges[name] = future.result()
                    settled.add(name)
                progress(len(settled))
        finally:
            pool.shutdown(wait=not running, cancel_futures=True)
        return {name: exchanges[name] for name in PROBES if name in exchanges}


def _busy(exchange: Exchange) -> bool:
    if exchange.failure is not None:
        return exchange.failure.kind in _PASSING
    return exchange.status in _BUSY


def _retry_after(exchange: Exchange) -> float | None:
    """Seconds that the server asks for; None when it says nothing, or names a date."""
    value = (exchange.header("retry-after") or "").strip()
    return float(value) if value.isascii() and value.isdigit() else None
