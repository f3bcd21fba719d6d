"""What a running server does when its disk is full, its database is away, or its clock jumps."""

from __future__ import annotations

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from wiremark_schemas import credentials, registry
from wiremark_server.ledger.verify import verify

DAY = 86_400.0
IDLE = 10_000 if os.environ.get("WIREMARK_LONG") else 500
CHAT = {"model": "wiremark-large", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 20}


class Client:
    """Asks a server process."""

    def __init__(self, port: int, key: str, pid: int) -> None:
        self.port, self.key, self.pid = port, key, pid

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        try:
            connection.request(method, f"/v1{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def chat(self, **more: Any) -> tuple[int, Any]:
        return self.ask("POST", "/chat/completions", CHAT | more)


@contextmanager
def serving(place: str, folder: Path) -> Iterator[Client]:
    keys = folder / "keys.yaml"
    command = [sys.executable, "-m", "wiremark_server", "serve", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--db", place, "--credentials-file", str(keys)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = next(line for line in process.stdout if line.startswith("listening on "))
    port = int(line.rpartition(":")[2].partition("/")[0])
    try:
        yield Client(port, credentials.load(keys)["default"], process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def refused(answer: tuple[int, Any]) -> bool:
    """Whether a request was refused for our trouble: 503, in the envelope."""
    status, document = answer
    return status == 503 and registry.validator("openai/error").is_valid(document)


def broken(place: str) -> list[str]:
    return [str(result) for result in verify(place) if not result.ok]


def test_a_full_disk_refuses_before_any_work_and_loses_nothing(tmp_path: Path) -> None:
    """No file of the server may grow any more, which is what a full disk is to it."""
    place = tmp_path / "ledger.sqlite"
    with serving(str(place), tmp_path) as client:
        receipts = [client.chat()[1]["usage"] for _ in range(3)]
        before = client.ask("GET", "/balance")[1]
        largest = max(path.stat().st_size for path in tmp_path.iterdir())
        resource.prlimit(client.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        answers = [client.chat() for _ in range(40)]  # the log has some room left, and no more
        assert refused(answers[-1])
        assert refused(client.chat(stream=True))
        assert client.ask("GET", "/models")[0] == 200
        taken = [document["usage"] for status, document in answers if status == 200]
        assert all(status == 200 or refused((status, document)) for status, document in answers)
        resource.prlimit(client.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        status, again = client.chat()
        assert status == 200
        rows = client.ask("GET", "/usage?limit=100")[1]["data"]
        served = [*receipts, *taken, again["usage"]]
        assert sorted(row["completion_tokens"] for row in rows if row["amount_microusd"]) == sorted(
            usage["completion_tokens"] for usage in served
        )
        after = client.ask("GET", "/balance")[1]
        spent = sum(row["amount_microusd"] for row in rows[: len(taken) + 1])
        assert before["balance_microusd"] - after["balance_microusd"] == spent
        assert after["held_microusd"] == 0
    assert broken(str(place)) == []


def test_idle_connections_and_floods_are_in_nobodys_way(tmp_path: Path) -> None:
    """500 of them here; 10,000 with WIREMARK_LONG=1."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + 200:
        pytest.skip(f"only {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, IDLE + 200), hard))
    try:
        with serving(str(tmp_path / "ledger.sqlite"), tmp_path) as client, ExitStack() as idle:
            for _ in range(IDLE):
                idle.enter_context(socket.create_connection(("127.0.0.1", client.port), timeout=60))
            for _ in range(5):
                assert client.chat()[0] == 200
            with socket.create_connection(("127.0.0.1", client.port), timeout=60) as flood:
                with suppress(OSError):  # it is not read to the end
                    flood.sendall(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 50_000)
                assert b" 431 " in flood.recv(100)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Relay:
    """A way to the database that can be blocked."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._open = True
        self._pairs: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                if not self._open:
                    here.close()
                    continue
                there = socket.create_connection(self._there)
                self._pairs += [here, there]
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=_carry, args=(one, other), daemon=True).start()

    def block(self) -> None:
        self._open = False
        for one in self._pairs:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._pairs.clear()

    def unblock(self) -> None:
        self._open = True

    def close(self) -> None:
        self.block()
        self._listener.close()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65_536):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)


def test_a_database_that_goes_and_comes_back(postgres_place: str, tmp_path: Path) -> None:
    found = urlsplit(postgres_place)
    relay = Relay(found.hostname or "127.0.0.1", found.port or 5432)
    try:
        place = postgres_place.replace(f":{found.port}", f":{relay.port}", 1)
        with serving(place, tmp_path) as client:
            assert client.chat()[0] == 200
            relay.block()
            for more in ({}, {"stream": True}):
                assert refused(client.chat(**more))
            assert client.ask("GET", "/models")[0] == 200
            relay.unblock()
            while refused(answer := client.chat()):
                pass
            assert answer[0] == 200
            rows = client.ask("GET", "/usage")[1]["data"]
            assert len([row for row in rows if row["amount_microusd"]]) == 2
            assert client.ask("GET", "/balance")[1]["held_microusd"] == 0
    finally:
        relay.close()
    assert broken(postgres_place) == []


@pytest.mark.parametrize("jump", [-400 * DAY, -DAY, -1.0, DAY, 400 * DAY])
def test_a_clock_that_jumps(in_process: Callable[..., Any], jump: float, tmp_path: Path) -> None:
    gateway = in_process("hermes-tokens")
    assert gateway.chat().status == 200
    for number, seconds in enumerate((jump, -jump)):  # there, and back again
        gateway.clock.jump(seconds)
        for role, status in (("default", 200), ("exhausted", 402), ("throttled", 429)):
            answer = gateway.chat(role, messages=[{"role": "user", "content": f"Count to {number + 2}."}])
            assert answer.status == status, answer.body
            if status == 429:
                assert 1 <= int(answer.headers["retry-after"]) <= 60
        gateway.run(gateway.ledger.sweep())
    held = gateway.get("/balance").json["held_microusd"]
    assert held == 0
    assert broken(str(next(tmp_path.rglob("ledger.sqlite")))) == []
