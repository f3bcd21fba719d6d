"""The judge over a gateway in this process: the same probes and checks, ASGI messages for a socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from wiremark_conformance.exchange import Exchange, Part, Request
from wiremark_conformance.judge import Evidence, Judgement, judge, judge_one, probes_for
from wiremark_conformance.prober import Prober
from wiremark_conformance.requirement import load_register
from wiremark_conformance.target import Target
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract
from wiremark_schemas.credentials import Credentials
from wiremark_server import app, keys
from wiremark_server.clock import SystemClock
from wiremark_server.engine import pace
from wiremark_server.engine.simulated import SimulatedEngine
from wiremark_server.faults import catalogue
from wiremark_server.ledger.store import Ledger

Message = MutableMapping[str, Any]
SEED = 7


@dataclass
class Served:
    """A gateway on an event loop of its own, reached as a client would be, from any thread.

    folder: where it writes
    faults: what it does wrong
    """

    contract: Contract
    folder: Path
    faults: Sequence[str] = ()
    secrets: Mapping[str, str] = field(init=False)
    gateway: Any = field(init=False)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.secrets = provision(self.contract, self.folder / "ledger.sqlite")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.run(self._open())

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _open(self) -> None:
        clock = SystemClock()
        self.ledger = Ledger.open(self.folder / "ledger.sqlite", clock)
        store = keys.KeyStore(self.ledger)
        self.engine = SimulatedEngine(pace.profile("instant"), SEED, clock)
        parts = (self.contract, clock, self.ledger, store, self.engine, SEED)
        wrong = catalogue.chosen(self.faults, ())
        self.gateway = app.build_misbehaving(*parts, "", wrong.choose) if wrong else app.build(*parts)

    async def _close(self) -> None:
        await self.gateway.drained()
        await self.gateway.services.studio.close()
        await self.engine.close()
        await self.ledger.close()

    def close(self) -> None:
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def send(self, probe: str, request: Request) -> Exchange:
        exchange: Exchange = self.run(self._send(probe, request))
        return exchange

    async def _send(self, probe: str, request: Request) -> Exchange:
        path, _, query = request.target.partition("?")
        scope: Message = {
            "type": "http",
            "method": request.method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in request.headers],
        }
        parts: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            if parts:
                return parts.pop(0)
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            sent.append(message)

        async with asyncio.timeout(30):
            await self.gateway(scope, receive, send)
            await self.gateway.services.studio.settled(0.5)  # nobody pauses here
        start, *bodies = sent
        if request.method == "HEAD":  # an HTTP server sends no body then
            bodies = []
        return Exchange(
            probe,
            request,
            status=start["status"],
            headers=tuple((name.decode(), value.decode()) for name, value in start["headers"]),
            parts=tuple(Part(0, body["body"]) for body in bodies),
            framing="length",
        )


_TEMPLATES: dict[tuple[str, ...], tuple[bytes, Mapping[str, str]]] = {}


def provision(contract: Contract, place: Path) -> Mapping[str, str]:
    """Make a ledger with a key for each role; a copy where one was made with the same keys before."""
    wanted = (contract.name, contract.raw["auth"]["key_prefix"], *(model.id for model in contract.models))
    if wanted not in _TEMPLATES:
        made = asyncio.run(_provisioned(contract, place))
        _TEMPLATES[wanted] = (place.read_bytes(), made)
    content, secrets = _TEMPLATES[wanted]
    place.write_bytes(content)
    return secrets


async def _provisioned(contract: Contract, place: Path) -> Mapping[str, str]:
    ledger = Ledger.open(place, SystemClock())
    try:
        return await keys.provision_roles(keys.KeyStore(ledger), ledger, contract, SEED)
    finally:
        await ledger.close()


@dataclass(frozen=True)
class Judged:
    """The verdicts on one gateway."""

    evidence: Evidence

    def __getitem__(self, requirement_id: str) -> Judgement:
        return judge_one(requirement_id, self.evidence)

    @property
    def findings(self) -> list[str]:
        """Every verdict that is neither a pass nor about something never promised."""
        return [
            f"{found.requirement.id}: {found.verdict.value}: {found.message}"
            for found in judge(load_register(), self.evidence)
            if found.verdict.value not in {"pass", "undeclared"}
        ]


@dataclass
class Judge:
    """Serves one contract and holds it to another, or to the same."""

    folder: Path
    served: list[Served] = field(default_factory=list)

    def serve(self, contract: Contract | str, faults: Sequence[str] = ()) -> Served:
        folder = self.folder / str(len(self.served))
        folder.mkdir()
        found = contracts.load(contract) if isinstance(contract, str) else contract
        self.served.append(Served(found, folder, faults))
        return self.served[-1]

    @staticmethod
    def target(gateway: Served, contract: Contract | None = None) -> Target:
        """The gateway as the judge is given it, held to its own contract or to another."""
        contract = contract or gateway.contract
        return Target(
            contract=contract,
            model=contract.models[0].id,
            base_path=contract.base_path,
            credentials=Credentials(dict(gateway.secrets)),
            base_url=f"http://in-process{contract.base_path}",
            host_header="in-process",
        )

    def __call__(
        self,
        served: Contract | str,
        held_to: Contract | str | None = None,
        only: Sequence[str] = (),
        faults: Sequence[str] = (),
    ) -> Judged:
        """only: requirements whose probes are enough; all of them when empty."""
        gateway = self.serve(served, faults)
        promised = gateway.contract if held_to is None else held_to
        contract = contracts.load(promised) if isinstance(promised, str) else promised
        target = self.target(gateway, contract)
        wanted = only or [requirement.id for requirement in load_register()]
        # No pauses: nothing that is busy here gets better by waiting.
        prober = Prober(gateway, workers=1, sleep=lambda _: None)
        return Judged(Evidence(target, prober.run(probes_for(wanted), target, {})))


@pytest.fixture
def judged(tmp_path: Path) -> Iterator[Judge]:
    judge = Judge(tmp_path)
    yield judge
    for gateway in judge.served:
        gateway.close()


@pytest.fixture
def altered() -> Callable[[str, Mapping[str, Any]], Contract]:
    """A bundled contract with parts replaced: `altered("c0mpute", {"/models/0/available": False})`."""

    def alter(name: str, changes: Mapping[str, Any]) -> Contract:
        raw = dict(contracts.load(name).raw)
        for pointer, value in changes.items():
            raw = _replaced(raw, pointer.split("/")[1:], value)
        return Contract(name, raw)

    return alter


def _replaced(document: Any, path: Sequence[str], value: Any) -> Any:
    """A copy with one value replaced; the value None takes a key out, `*` means every entry of a list."""
    if not path:
        return value
    step, *rest = path
    if isinstance(document, list):
        return [
            _replaced(entry, rest, value) if step in {"*", str(position)} else entry
            for position, entry in enumerate(document)
        ]
    copy = dict(document)
    if rest:
        copy[step] = _replaced(copy.get(step, {}), rest, value)
    elif value is None:
        copy.pop(step, None)
    else:
        copy[step] = value
    return copy
