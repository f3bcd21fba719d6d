"""The reference server as the subject of `wiremark selftest`, found by entry point."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import threading
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
from wiremark_server.faults.misbehaviour import Misbehaviour
from wiremark_server.ledger.store import Ledger
from wiremark_server.startup import listen

_SECONDS = 120.0  # until a trial over a socket must be over, however busy the machine is
Application = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
Run = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass(frozen=True, slots=True)
class Instance:
    """A gateway in this process.

    application: ASGI
    run:         waits for a coroutine on the gateway's own event loop
    base_url:    where it listens; "" when it does not
    keys:        one per role
    """

    contract: str
    application: Application
    run: Run
    base_url: str
    keys: Mapping[str, str]


class ReferenceSubject:
    """Opens gateways with the faults and variants that are asked for.

    Every one has a ledger of its own: a copy of one that was provisioned once, for that takes longer
    than a trial.
    """

    def __init__(self) -> None:
        self._clock: Clock = SystemClock()
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
        chosen = catalogue.chosen(faults, variants, rate, seed)
        served = contracts.load(contract)
        template, secrets = self._template(served)
        engine = SimulatedEngine(pace.profile("instant"), seed, self._clock)
        with (
            tempfile.TemporaryDirectory(dir=template.parent) as folder,
            _loop(in_thread=socket) as run,
        ):
            ledger = run(_opened(Path(shutil.copy(template, folder)), self._clock))
            try:
                application = run(_built(served, self._clock, ledger, engine, seed, chosen))
                with _listening(application, served, run) if socket else contextlib.nullcontext("") as url:
                    yield Instance(contract, application, run, url, secrets)
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
    ledger = Ledger.open(path, clock)
    try:
        return await keys.provision_roles(keys.KeyStore(ledger), ledger, contract, seed=0)
    finally:
        await ledger.close()


async def _opened(path: Path, clock: Clock) -> Ledger:
    return Ledger.open(path, clock)


async def _built(
    contract: Contract,
    clock: Clock,
    ledger: Ledger,
    engine: SimulatedEngine,
    seed: int,
    chosen: Misbehaviour | None,
) -> Application:
    store = keys.KeyStore(ledger)
    if chosen is None:
        return app.build(contract, clock, ledger, store, engine, seed)
    return app.build_misbehaving(contract, clock, ledger, store, engine, seed, "", chosen.choose)


@contextlib.contextmanager
def _loop(*, in_thread: bool) -> Iterator[Run]:
    """An event loop that runs when it is asked to, or all the time in a thread of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if not in_thread:
            yield runner.run
            return
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="wiremark-subject")
        thread.start()
        try:
            yield lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result(_SECONDS)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


@contextlib.contextmanager
def _listening(application: Application, contract: Contract, run: Run) -> Iterator[str]:
    """The application on a socket for a while; gives its base URL."""
    server = EmbeddedServer(application)
    with contextlib.closing(listen("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
        serving = threading.Thread(
            target=lambda: run(server.serve(sockets=[bound])), name="wiremark-listener", daemon=True
        )
        serving.start()
        if not server.begun.wait(_SECONDS):
            raise TimeoutError("the server under trial did not begin to listen")
        try:
            yield f"http://127.0.0.1:{port}{contract.base_path}"
        finally:
            server.should_exit = True
            serving.join(_SECONDS)
