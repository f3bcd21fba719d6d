"""Webhooks of a served `banana2`, on sockets: signed, sent again, nowhere inside, and once whatever dies.

Two processes: the server, killed without warning, and this one, which receives.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.server
import json
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from wiremark_schemas import credentials
from wiremark_server.ledger.verify import verify

SECONDS = 60  # after which what must come has not come
CHARGE = 12_000  # µUSD for an image
_SERVE = (sys.executable, "-m", "wiremark_server", "serve", "--contract", "banana2", "--port", "0")
OPEN = ("--allow-webhooks", "127.0.0.0/8")


@dataclass(frozen=True)
class Delivery:
    """One request to the receiver."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def task(self) -> str:
        return str(json.loads(self.body)["data"]["task_id"])

    def signed_with(self, key: str) -> bool:
        """As its owner checks it, who has nothing but the API key."""
        secret = hmac.digest(hashlib.sha256(key.encode()).digest(), b"wiremark webhook", "sha256")
        named = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode()
        expected = base64.b64encode(hmac.digest(secret, named + self.body, "sha256")).decode()
        return hmac.compare_digest(self.headers["webhook-signature"], f"v1,{expected}")


class Receiver:
    """Keeps what comes, and answers with the next of `statuses`; with 200 when there is none."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.got: queue.Queue[Delivery] = queue.Queue()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                self.send_response(status)
                self.send_header("content-length", "0")
                if status == 307:
                    self.send_header("location", "/elsewhere")
                self.end_headers()
                receiver.got.put(Delivery(self.path, headers, body))

            def log_message(self, *_: Any) -> None:
                """Nothing is said."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def next(self) -> Delivery:
        return self.got.get(timeout=SECONDS)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Server:
    """`wiremark serve --contract banana2` over one ledger, started and killed as often as one likes."""

    def __init__(self, folder: Path) -> None:
        self.db = folder / "ledger.sqlite"
        self._keys = folder / "keys.yaml"
        self._process: subprocess.Popen[str] | None = None
        self.key = ""

    def start(self, *options: str) -> None:
        files = ("--db", str(self.db), "--credentials-file", str(self._keys))
        self._process = subprocess.Popen(
            [*_SERVE, *files, *options],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = next(line for line in self._process.stdout if line.startswith("listening on "))
        self.base = line.removeprefix("listening on ").strip()
        self.key = self.key or credentials.load(self._keys)["default"]  # keys of an earlier start stay good

    def kill(self) -> None:
        """As a power cut would; nothing is said goodbye to."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate(timeout=SECONDS)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(
            self.base + path,
            None if body is None else json.dumps(body).encode(),
            {"authorization": f"Bearer {self.key}", "content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def image(self, **more: Any) -> str:
        """Ask for one; the id of its task."""
        status, told = self.ask(
            "/v1/images/generations", {"model": "gpt-image-2", "prompt": "A cat.", **more}
        )
        assert status == 202, told
        return str(told["task_id"])

    def charges(self) -> list[int]:
        return [row["amount_microusd"] for row in self.ask("/v1/usage")[1]["data"]]

    def until(self, task: str, good: Callable[[dict[str, Any]], bool]) -> None:
        """Wait for what the ledger's file says of a task."""
        with sqlite3.connect(f"file:{self.db}?mode=ro", uri=True) as connection:
            while True:
                found = connection.execute("SELECT document FROM task WHERE id = ?", (task,)).fetchone()
                if found is not None and good(json.loads(found[0])):
                    return


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server(tmp_path)
    yield found
    found.close()
    assert [str(result) for result in verify(found.db) if not result.ok] == []


def test_a_webhook_that_was_refused_comes_again_after_a_kill_and_then_never_more(
    server: Server, receiver: Receiver
) -> None:
    receiver.statuses = [500]
    server.start(*OPEN)
    task = server.image(webhook_url=receiver.url)
    first = receiver.next()
    server.kill()  # it was told no, and had meant to try again
    server.start(*OPEN)
    second = receiver.next()
    assert (first.task, second.task) == (task, task)
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == task
    assert first.body == second.body
    assert json.loads(second.body)["type"] == "task.completed"
    assert first.signed_with(server.key)
    assert second.signed_with(server.key)
    assert not second.signed_with(server.key + "x")
    server.until(task, lambda told: told["notice"] == "delivered")
    server.kill()
    server.start(*OPEN)
    other = server.image(webhook_url=receiver.url)
    assert receiver.next().task == other  # what was delivered is not delivered again
    assert receiver.got.empty()
    assert server.charges() == [CHARGE, CHARGE]


def test_a_kill_while_the_image_is_made_costs_neither_the_image_nor_its_webhook(
    server: Server, receiver: Receiver
) -> None:
    server.start(*OPEN, "--profile", "fixed")  # an image takes its time there
    task = server.image(webhook_url=receiver.url)
    server.until(task, lambda told: told["status"] in ("pending", "processing"))
    server.kill()
    assert receiver.got.empty()
    server.start(*OPEN)
    delivered = receiver.next()
    assert (delivered.task, delivered.signed_with(server.key)) == (task, True)
    assert server.ask(f"/v1/tasks/{task}")[1]["status"] == "completed"
    assert server.charges() == [CHARGE]


def test_a_failed_task_is_told_and_refunded_once_though_killed_between(
    server: Server, receiver: Receiver
) -> None:
    receiver.statuses = [503]
    server.start(*OPEN)
    nobody = "http://127.0.0.1:9/none.png"
    task = server.image(webhook_url=receiver.url, image_urls=[nobody])
    assert json.loads(receiver.next().body)["type"] == "task.failed"
    server.kill()
    server.start(*OPEN)
    again = receiver.next()
    assert (again.task, json.loads(again.body)["type"]) == (task, "task.failed")
    assert server.charges() == [0]
    assert server.ask("/v1/balance")[1]["held_microusd"] == 0


def test_nobody_is_sent_inside_or_on_by_a_redirect(server: Server, receiver: Receiver) -> None:
    receiver.statuses = [307]
    server.start(*OPEN)
    server.image(webhook_url=receiver.url)
    assert [receiver.next().path, receiver.next().path] == ["/hook", "/hook"]  # again, and not elsewhere
    server.kill()
    server.start()  # as it comes: no network inside is open
    body = {"model": "gpt-image-2", "prompt": "A cat.", "webhook_url": receiver.url}
    status, told = server.ask("/v1/images/generations", body)
    assert (status, told["error"]["param"]) == (400, "webhook_url")
    assert receiver.got.empty()
    assert server.charges() == [CHARGE]
