"""The reference server as the subject of `wiremark selftest`, found by entry point."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import shutil
import tempfile
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract

from wiremark_server import app, keys
from wiremark_server.clock import Clock, SystemClock
from wiremark_server.edge.message import Receive, Scope, Send
from wiremark_server.embedded import EmbeddedServer
from wiremark_server.engine import pace
from wiremark_server.engine.simulated import SimulatedEngine
from wiremark_server.faults import catalogue
from wiremark_server.faults.contracts import find
from wiremark_server.faults.gate import Gate
from wiremark_server.faults.misbehaviour import Misbehaviour
from wiremark_server.ledger.store import Ledger
from wiremark_server.startup import listen

_SECONDS = 120.0  # until one step of opening or closing must be over, however busy the machine is
Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
Run = Callable[[Coroutine[Any, Any, Any]], Any]
Start = Callable[[Coroutine[Any, Any, None]], "concurrent.futures.Future[None]"]


@dataclass(frozen=True, slots=True)
class Instance:
    """A gateway in this process.

    application: ASGI
    run:         waits for a coroutine on the gateway's own event loop
    base_url:    where it listens; "" when it does not
    keys:        one per role
    crashes:     what broke in it that no fault means to break, as it happens
    """

    contract: str
    application: Application
    run: Run
    base_url: str
    keys: Mapping[str, str]
    crashes: Sequence[str]


class ReferenceSubject:
    """Opens gateways with the faults and variants that are asked for.

    Every one has a ledger of its own: a copy of one that was provisioned once, for that takes longer
    than a trial.
    """

    def __init__(self) -> None:
        self._clock: Clock = SystemClock()
        self._contract = functools.cache(contracts.load)  # of what `find` makes of a name
        self._templates: dict[str, tuple[Path, Mapping[str, str]]] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Remove what was prepared."""
        self._templates.clear()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def catalogue(self) -> dict[str, Any]:
        return catalogue.document()

    @contextlib.contextmanager
    def open(
        self,
        contract: str,
        faults: Sequence[str],
        variants: Sequence[str],
        rate: float,
        seed: int,
        *,
        socket: bool,
    ) -> Iterator[Instance]:
        """A fresh gateway over a fresh ledger. Raises UnknownNameError."""
        chosen = catalogue.chosen(faults, variants, rate, seed) or Misbehaviour()
        found = find(contract)
        served = self._contract(found)
        template, secrets = self._template(served)
        engine = SimulatedEngine(pace.profile("instant"), seed, self._clock)
        crashes: list[str] = []
        with (
            tempfile.TemporaryDirectory(dir=template.parent) as folder,
            _loop(in_thread=socket) as (run, start),
        ):
            ledger = run(_opened(Path(shutil.copy(template, folder)), self._clock))
            try:
                gate = run(_built(served, self._clock, ledger, engine, seed, chosen, crashes))
                with _listening(gate, served, start) if socket else contextlib.nullcontext("") as url:
                    yield Instance(found, gate, run, url, secrets, crashes)
                run(gate.close())
            finally:
                run(engine.close())
                run(ledger.close())

    def _template(self, contract: Contract) -> tuple[Path, Mapping[str, str]]:
        if contract.name not in self._templates:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="wiremark-")
            path = Path(self._folder.name) / f"{contract.name}.sqlite"
            with asyncio.Runner() as runner:
                self._templates[contract.name] = (path, runner.run(_provisioned(path, contract, self._clock)))
        return self._templates[contract.name]


async def _provisioned(path: Path, contract: Contract, clock: Clock) -> Mapping[str, str]:
    ledger = Ledger.open(path, clock, durable=False)
    try:
        return await keys.provision_roles(keys.KeyStore(ledger), ledger, contract, seed=0)
    finally:
        await ledger.close()


async def _opened(path: Path, clock: Clock) -> Ledger:
    return Ledger.open(path, clock, durable=False)


async def _built(
    contract: Contract,
    clock: Clock,
    ledger: Ledger,
    engine: SimulatedEngine,
    seed: int,
    chosen: Misbehaviour,
    crashes: list[str],
) -> Gate:
    def crashed(error: Exception) -> None:
        at = traceback.extract_tb(error.__traceback__)[-1]
        crashes.append(f"{type(error).__name__} at {Path(at.filename).name}:{at.lineno}: {error}")

    store = keys.KeyStore(ledger)
    return app.build_misbehaving(
        contract, clock, ledger, store, engine, seed, "", chosen.choose, crashed=crashed
    )


@contextlib.contextmanager
def _loop(*, in_thread: bool) -> Iterator[tuple[Run, Start]]:
    """An event loop that runs when it is asked to, or all the time in a thread of its own.

    Gives what waits for a coroutine, and what starts one; only a loop in a thread goes on with it.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        loop = runner.get_loop()

        def start(coroutine: Coroutine[Any, Any, None]) -> concurrent.futures.Future[None]:
            return asyncio.run_coroutine_threadsafe(coroutine, loop)

        if not in_thread:
            yield runner.run, start
            return
        thread = threading.Thread(target=loop.run_forever, name="wiremark-subject")
        thread.start()
        try:
            yield lambda coroutine: start(coroutine).result(_SECONDS), start
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


@contextlib.contextmanager
def _listening(application: Application, contract: Contract, start: Start) -> Iterator[str]:
    """The application on a socket, for as long as it is needed; gives its base URL."""
    server = EmbeddedServer(application)
    with contextlib.closing(listen("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
        serving = start(server.serve(sockets=[bound]))
        if not server.begun.wait(_SECONDS):
            raise TimeoutError("the server under trial did not begin to listen")
        try:
            yield f"http://127.0.0.1:{port}{contract.base_path}"
        finally:
            server.should_exit = True
            serving.result(_SECONDS)
