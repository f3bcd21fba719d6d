"""A gateway in this process, talked to in ASGI messages, and one in a process of its own."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from wiremark_loadtests import services
from wiremark_schemas import contracts
from wiremark_server import app, keys
from wiremark_server.clock import ManualClock
from wiremark_server.engine import pace
from wiremark_server.engine.protocol import Engine
from wiremark_server.engine.simulated import SimulatedEngine
from wiremark_server.ledger.store import Ledger

Message = MutableMapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What an application sent: frames are the body messages, as many as it made."""

    status: int
    headers: Mapping[str, str]
    frames: Sequence[bytes]

    @property
    def body(self) -> bytes:
        return b"".join(self.frames)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]

    @property
    def chunks(self) -> list[Any]:
        """The JSON of every event before the terminator."""
        events = self.body.decode().split("\n\n")
        assert events.pop() == ""
        return [json.loads(event.removeprefix("data: ")) for event in events if event != "data: [DONE]"]


class InProcess:
    """A gateway over a ledger in a temporary folder; time stands still unless `clock` is moved."""

    def __init__(self, folder: Path, contract: contracts.Contract, engine: Engine | None) -> None:
        self.contract = contract
        self.clock = ManualClock()
        self._runner = asyncio.Runner()
        self._runner.run(
            self._open(folder, engine or SimulatedEngine(pace.profile("instant"), 7, self.clock))
        )

    async def _open(self, folder: Path, engine: Engine) -> None:
        self.ledger = Ledger.open(folder / "ledger.sqlite", self.clock)
        self.keys = store = keys.KeyStore(self.ledger)
        self.secrets = await keys.provision_roles(store, self.ledger, self.contract, 7)
        self.engine = engine
        self.app = app.build(self.contract, self.clock, self.ledger, store, engine, 7)
        self.workers = self.app.services.workers
        self.studio = self.app.services.studio

    def close(self) -> None:
        self._runner.run(self._close())
        self._runner.close()

    async def _close(self) -> None:
        await self.studio.close()
        await self.engine.close()
        await self.ledger.close()

    def run(self, work: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await work

        return self._runner.run(wait())

    def get(self, path: str, role: str | None = "default", **more: Any) -> Answer:
        return self.request("GET", path, role=role, **more)

    def chat(
        self, role: str | None = "default", headers: Mapping[str, str] | None = None, **body: Any
    ) -> Answer:
        """A chat completion; `model` and `messages` have defaults."""
        defaults = {
            "model": self.contract.models[0].id,
            "messages": [{"role": "user", "content": "Say hello."}],
        }
        return self.post(
            "/chat/completions", json.dumps(defaults | body).encode(), role=role, headers=headers
        )

    def post(self, path: str, *parts: bytes, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        given = {"content-type": "application/json"} | dict(headers or {})
        return self.request("POST", path, *parts, headers=given, **more)

    def request(
        self,
        method: str,
        path: str,
        *parts: bytes,
        role: str | None = "default",
        headers: Mapping[str, str] | None = None,
        leave_after: int | None = None,
        base: str | None = None,
    ) -> Answer:
        """One exchange.

        path:        below the base path, or below `base`; raw, with `?` and the query
        parts:       the body as it arrives, chunked when there is no content-length among the headers
        leave_after: the client goes away once that many body messages have been sent to it
        """
        given = dict(headers or {})
        if role is not None:
            given.setdefault("authorization", f"Bearer {self.secrets[role]}")
        if parts and "content-length" not in given:
            given["transfer-encoding"] = "chunked"
        scope = _scope(method, (self.contract.base_path if base is None else base) + path, given)
        answer: Answer = self._runner.run(_exchange(self.app, scope, parts or (b"",), leave_after))
        return answer

    def posts(self, count: int, path: str, body: bytes, headers: Mapping[str, str]) -> list[Answer]:
        """The same request several times at once."""
        given = {"authorization": f"Bearer {self.secrets['default']}", "content-type": "application/json"}
        scope = _scope("POST", self.contract.base_path + path, given | dict(headers))

        async def together() -> list[Answer]:
            return await asyncio.gather(
                *(_exchange(self.app, dict(scope), (body,), None) for _ in range(count))
            )

        answers: list[Answer] = self._runner.run(together())
        return answers

    def usage(self, role: str = "default") -> list[Any]:
        rows: list[Any] = self.get("/usage", role).json["data"]
        return rows


def _scope(method: str, path: str, headers: Mapping[str, str]) -> Message:
    raw, _, query = path.partition("?")
    return {
        "type": "http",
        "method": method,
        "path": raw,
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }


async def _exchange(
    application: Callable[..., Awaitable[None]],
    scope: Message,
    parts: Sequence[bytes],
    leave_after: int | None,
) -> Answer:
    waiting = list(parts)
    sent: list[Message] = []
    left = asyncio.Event()

    async def receive() -> Message:
        if waiting:
            part = waiting.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(waiting)}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if not left.is_set():
            sent.append(message)
        if leave_after is not None and len(sent) - 1 >= leave_after:
            left.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    if leave_after == 0:
        left.set()
    async with asyncio.timeout(20):
        await application(scope, receive, send)
    if not sent:
        return Answer(0, {}, ())
    start, *bodies = sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], headers, [body["body"] for body in bodies])


@pytest.fixture
def in_process(tmp_path: Path) -> Iterator[Callable[..., InProcess]]:
    """Makes gateways: `in_process("hermes-tokens")`, `in_process(engine=…)`."""
    opened: list[InProcess] = []

    def make(contract: str | contracts.Contract = "openai", engine: Engine | None = None) -> InProcess:
        folder = tmp_path / str(len(opened))
        folder.mkdir()
        found = contracts.load(contract) if isinstance(contract, str) else contract
        opened.append(InProcess(folder, found, engine))
        return opened[-1]

    yield make
    for gateway in opened:
        gateway.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A PostgreSQL of the test run's own, without flushes: these tests do not cut the power."""
    pytest.importorskip("psycopg")
    try:
        with services.postgres("fsync=off") as url:
            yield url
    except services.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def postgres_place(postgres_server: str) -> str:
    """The address of an empty schema."""
    import psycopg

    schema = f"s{next(_NUMBERS)}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA "{schema}"'.encode())
    return f"{postgres_server}?options=-csearch_path%3D{schema}"


_NUMBERS = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new ledger may be made: both stores keep the same rules."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.db")
    found: str = request.getfixturevalue("postgres_place")
    return found


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """A Redis of the test run's own."""
    pytest.importorskip("redis")
    try:
        with services.redis() as url:
            yield url
    except services.Missing as missing:
        pytest.skip(str(missing))
