"""A gateway on a socket: opened in an order that leaves nothing half-made, drained and closed at a signal."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import secrets
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from wiremark_schemas.contracts import Contract

from wiremark_server import app, beside, chores, keys, processes
from wiremark_server.clock import Clock, SystemClock
from wiremark_server.edge.front import Application, Front, Site
from wiremark_server.edge.handler import Gateway
from wiremark_server.edge.listener import Listener
from wiremark_server.edge.mounts import Mounts
from wiremark_server.engine.board import LOOK_SECONDS, Board, Everywhere
from wiremark_server.engine.fleet import Fleet, profiles
from wiremark_server.keys import KeyStore
from wiremark_server.ledger.store import Ledger, LedgerUnavailable
from wiremark_server.media.guard import Guard
from wiremark_server.media.studio import Studio
from wiremark_server.metrics import meter
from wiremark_server.metrics.meter import Meter
from wiremark_server.metrics.registry import Registry
from wiremark_server.policy.counters import Counters, CountersUnavailable, MemoryCounters, shared
from wiremark_server.routing.providers import Providers
from wiremark_server.routing.upstream import Upstream
from wiremark_server.settings import Remote, Settings
from wiremark_server.startup import (
    CredentialsFile,
    StartError,
    allow_connections,
    contracts_to_serve,
    listen,
)

if TYPE_CHECKING:
    from wiremark_server.faults.gate import Gate
    from wiremark_server.faults.rules import Rules

_SWEEP_SECONDS = 60
_PUBLISH_SECONDS = 1.0
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared with, not bound to


def run(settings: Settings, scratch: Path, say: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM.

    scratch: an empty folder for files that nobody asked to keep
    say:     receives the lines for the user, the `listening on` line last

    Raises StartError, contracts' BadFile or LedgerFileError when the server cannot start.
    """
    served = contracts_to_serve(settings)
    allow_connections()
    rules = _rules(settings, served)
    several = settings.processes > 1
    with (
        contextlib.closing(listen(settings.host, settings.port, several)) as bound,
        contextlib.ExitStack() as files,
    ):
        path = settings.credentials_file or scratch / "credentials.yaml"
        alone = len(served) == 1
        faces = [
            _Face(
                contract,
                files.enter_context(_credentials(path if alone else _beside(path, contract))),
                "" if alone else f"/{contract.name}",
            )
            for contract in served
        ]
        place = settings.db or str(scratch / "ledger.sqlite")
        control = None
        if settings.control_port is not None:
            control = files.enter_context(contextlib.closing(listen("127.0.0.1", settings.control_port)))
        crew = _crew(settings, served)
        board = Board(settings.processes, [profile for profile, _ in crew])
        registry = meter.registry_of(served, settings.processes, crew)
        sealing = secrets.token_bytes(32)
        _Served(settings, faces, rules, place, bound, control, say, registry, crew, board, sealing).run()


@dataclass(frozen=True, slots=True)
class _Face:
    """A contract to serve, where the keys for it go, and the path it is mounted at."""

    contract: Contract
    credentials: CredentialsFile
    mount: str

    @property
    def path(self) -> str:
        """Of the base URL."""
        return self.mount + self.contract.base_path


def _beside(path: Path, contract: Contract) -> Path:
    """`keys.NAME.yaml` beside `keys.yaml`."""
    return path.with_name(f"{path.stem}.{contract.name}{path.suffix}")


@contextlib.contextmanager
def _credentials(path: Path) -> Iterator[CredentialsFile]:
    file = CredentialsFile(path)
    try:
        yield file
    finally:
        file.discard()


@dataclass(frozen=True, slots=True)
class _Served:
    """What is served, and where, in one process or in several.

    sealing: secret of the dashboard's cookies
    """

    settings: Settings
    faces: Sequence[_Face]
    rules: Rules | None
    place: str
    bound: socket.socket
    control: socket.socket | None
    say: Callable[[str], None]
    registry: Registry
    crew: meter.Crew
    board: Board
    sealing: bytes

    def run(self) -> None:
        if self.settings.processes == 1:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve(self.bound, self._announce, 0, provision=True))
            return
        asyncio.run(self._prepare())
        processes.run(self.settings.processes, self._work, self._announce)

    async def _prepare(self) -> None:
        """What must happen once, before there are several."""
        clock = SystemClock()
        ledger = Ledger.open(self.place, clock)
        try:
            await self._provision(KeyStore(ledger), ledger)
            await (await _counters(self.settings, clock, ledger)).close()
        finally:
            await ledger.close()

    def _work(self, place: int, ready: Callable[[], None]) -> None:
        """One of several processes."""
        self.registry.enter(place)
        host, port = self.bound.getsockname()[:2]
        with (
            contextlib.closing(listen(host, port, shared=True)) as own,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(self._serve(own, ready, place, provision=False))

    async def _provision(self, store: KeyStore, ledger: Ledger) -> None:
        for face in self.faces:
            face.credentials.write(
                await keys.provision_roles(store, ledger, face.contract, self.settings.seed)
            )

    async def _serve(
        self, bound: socket.socket, ready: Callable[[], None], place: int, *, provision: bool
    ) -> None:
        settings, clock = self.settings, SystemClock()
        ledger = Ledger.open(self.place, clock)
        engine = Fleet(
            settings.profile,
            settings.profiles,
            settings.seed,
            clock,
            workers=settings.workers,
            warm_up=settings.warm_up,
        )
        counters: Counters | None = None
        providers = Providers(
            {name: _upstream(remote) for name, remote in settings.upstreams.items()},
            distant=settings.profile != "instant",
            guard=Guard(settings.webhook_networks),
        )
        try:
            store = KeyStore(ledger)
            if provision:
                await self._provision(store, ledger)
            counters = await _counters(settings, clock, ledger)
            gateways: dict[str, Gateway | Gate] = {}
            for face in self.faces:
                parts = (face.contract, clock, ledger, store, engine, settings.seed, face.mount)
                counting = Meter(self.registry, face.contract)
                gateways[face.mount] = (
                    app.build_misbehaving(*parts, self.rules.choose, counters, providers, counting)
                    if self.rules
                    else app.build(*parts, counters, providers, counting)
                )
            workers = Everywhere(self.board, place, engine)
            gateway = self._front(gateways, ledger, store, clock, engine, workers)
            self._watch(place, engine)
            self.registry.cells[self.registry.at("wiremark_server_processes")] = 1.0
            first, *_ = gateways.values()
            studio = first.services.studio  # all share one ledger, and what is left to do stands there
            await studio.resume()
            server = Listener(gateway, ready, settings.drain)
            _settle_memory()
            work = [chores.every(_SWEEP_SECONDS, "sweep", lambda: _sweep(ledger, studio))]
            if settings.processes > 1:  # the others see this one's gauges and workers
                work += [
                    chores.every(_PUBLISH_SECONDS, "gauges", self.registry.refresh),
                    chores.every(LOOK_SECONDS, "workers", workers.look),
                ]
            async with chores.going_on(*work), _controlled(self.rules, self.control):
                await server.serve(sockets=[bound])
            await gateway.drained()
            for served in gateways.values():
                await served.close()
        finally:
            await providers.close()
            await engine.close()
            if counters is not None:
                await counters.close()
            await ledger.close()

    def _front(
        self,
        gateways: Mapping[str, Gateway | Gate],
        ledger: Ledger,
        store: KeyStore,
        clock: Clock,
        engine: Fleet,
        workers: Everywhere,
    ) -> Front:
        contracts: Application = gateways.get("") or Mounts(gateways)
        served = [gateway.services for gateway in gateways.values()]
        sites: dict[bytes, Site] = {}
        front = Front(contracts, sites)

        def unready() -> str:
            return "draining" if front.draining else engine.state

        more = (unready, self.sealing, self.settings.admin_key, workers)
        sites |= beside.sites(ledger, store, clock, served, self.registry, *more)
        return front

    def _watch(self, place: int, engine: Fleet) -> None:
        """Count the workers of this process's engine; their numbers go on from process to process."""
        for worker, (profile, models) in zip(engine.all, self.crew, strict=True):
            name = str(place * len(engine.all) + worker.number)
            meter.watch_engine(self.registry, name, profile, models, worker.pacer)

    def _announce(self) -> None:
        host, port = self.bound.getsockname()[:2]
        origin = f"http://{_as_client_sees(host)}:{port}"
        for face in self.faces:
            self.say(f"credentials {face.credentials.path}")
        self.say(f"seed {self.settings.seed}")
        for face in self.faces:
            if face.mount:
                self.say(f"serving {face.contract.name} on {origin}{face.path}")
        forgetful = [face.contract.name for face in self.faces if _stores(face.contract)]
        if forgetful and self.settings.processes > 1:
            self.say(
                f"responses of {', '.join(forgetful)} are stored in the memory of the process that made them "
                "and not found by others; serve with one process whoever continues or reads them"
            )
        if self.control is not None:
            self.say(f"control on http://127.0.0.1:{self.control.getsockname()[1]}")
        self.say(f"listening on {origin}{self.faces[0].path if len(self.faces) == 1 else ''}")


def _stores(contract: Contract) -> bool:
    return bool(contract.raw.get("storage", {}).get("responses"))


def _crew(settings: Settings, served: Sequence[Contract]) -> meter.Crew:
    """The workers of a process, in their order: every model that writes is served by those of its profile."""
    models = dict.fromkeys(model.id for contract in served for model in contract.models if model.writes)
    by_profile = {
        profile: [model for model in models if settings.profiles.get(model, settings.profile) == profile]
        for profile in profiles(settings.profile, settings.profiles)
    }
    return [one for one in by_profile.items() for _ in range(settings.workers)]


def _rules(settings: Settings, served: Sequence[Contract]) -> Rules | None:
    """What the server does wrong, or differently. The catalogue is large, so only who asks waits for it."""
    if not (settings.faults or settings.variants) and settings.control_port is None:
        return None
    from wiremark_server.faults import catalogue
    from wiremark_server.faults.rules import Rules
    from wiremark_server.faults.together import NeverShowsError

    try:
        return Rules(
            catalogue.chosen(settings.faults, settings.variants, settings.variant_rate, settings.seed), served
        )
    except (catalogue.UnknownNameError, NeverShowsError) as error:
        raise StartError(str(error)) from None


def _controlled(
    rules: Rules | None, control: socket.socket | None
) -> contextlib.AbstractAsyncContextManager[None]:
    if rules is None or control is None:
        return contextlib.nullcontext()
    from wiremark_server.faults.control import control_port

    return control_port(rules, control)


async def _counters(settings: Settings, clock: Clock, ledger: Ledger) -> Counters:
    """Shared ones when an address is given, else in memory, the daily ones as the last process left them."""
    if settings.limits_url is not None:
        try:
            return await shared(settings.limits_url)
        except CountersUnavailable as error:
            raise StartError(f"--limits-url: {error}") from None
    counters = MemoryCounters(clock)
    for name, count, ends in await ledger.day_counts():
        counters.restore(name, count, ends - clock.now())
    return counters


def _settle_memory() -> None:
    """What has been made by now stays: the collector need not look at it again for every few requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _upstream(remote: Remote) -> Upstream:
    """The HTTP client takes as long to import as all the rest, so only who needs one waits for it."""
    from wiremark_server.routing.chat_upstream import ChatUpstream

    return ChatUpstream(remote.base_url, remote.key)


async def _sweep(ledger: Ledger, studio: Studio) -> None:
    """Give back holds past their deadline and take over lost tasks."""
    # A store that cannot commit now refuses requests too; the next sweep tries again.
    with contextlib.suppress(LedgerUnavailable):
        await ledger.sweep()
        await studio.resume()


def _as_client_sees(host: str) -> str:
    return _WILDCARDS.get(host) or (f"[{host}]" if ":" in host else host)
