"""Several server processes behind one port: one ledger, one set of limits, and deaths that nobody notices."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families
from wiremark_schemas import credentials
from wiremark_server import settings
from wiremark_server.ledger.verify import verify

ADMIN = "an-admin-key-of-some-length"
CHAT = {"model": "wiremark-large", "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 20}


@dataclass(frozen=True)
class Pack:
    process: subprocess.Popen[str]
    port: int
    key: str
    place: str

    def workers(self) -> Sequence[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in children.read_text().split()]

    def chat(self) -> tuple[int, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        connection.request("POST", "/v1/chat/completions", json.dumps(CHAT), headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}

    def admin(self, method: str, path: str) -> tuple[int, Any]:
        """Asks the admin API on a connection of its own: whichever process gets it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, f"/admin/v1{path}", headers={"authorization": f"Bearer {ADMIN}"})
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read())
        connection.close()
        return found

    def pages(self, count: int) -> list[int]:
        """Sign in to the dashboard once and look at its keys often, each time on a connection of its own."""
        form = {"content-type": "application/x-www-form-urlencoded"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", "/dashboard/sign-in", urlencode({"key": self.key}), form)
        cookie = (connection.getresponse().getheader("set-cookie") or "").partition(";")[0]
        statuses = []
        for _ in range(count):
            connection.close()
            connection.request("GET", "/dashboard/keys", headers={"cookie": cookie})
            answer = connection.getresponse()
            answer.read()
            statuses.append(answer.status)
        connection.close()
        return statuses

    def counted(self, name: str) -> float:
        """The sum of a metric, as one of the processes tells it."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        return sum(sample.value for one in families for sample in one.samples if sample.name == name)


@pytest.fixture
def pack(postgres_place: str, redis_server: str, tmp_path: Path) -> Iterator[Pack]:
    keys, admin = tmp_path / "keys.yaml", tmp_path / "admin.key"
    admin.write_text(ADMIN)
    command = [sys.executable, "-m", "wiremark_server", "serve", "--port", "0", "--processes", "3"]
    process = subprocess.Popen(
        [
            *(*command, "--db", postgres_place, "--limits-url", redis_server),
            *("--credentials-file", str(keys), "--admin-key-file", str(admin)),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    while not (said and said[-1].startswith("listening on ")):
        said.append(next(process.stdout))
    assert any("stored in the memory of the process" in line for line in said)
    line = said[-1]
    port = int(line.rpartition(":")[2].partition("/")[0])
    yield Pack(process, port, credentials.load(keys)["default"], postgres_place)
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    process.stdout.close()


def test_three_processes_are_one_gateway_and_outlive_a_death(pack: Pack) -> None:
    left = []
    for _ in range(12):
        status, headers = pack.chat()
        assert status == 200
        left.append(int(headers["x-ratelimit-remaining-requests"]))
    assert left == [*range(left[0], left[0] - 12, -1)]  # counted together, whoever answers
    assert pack.counted("wiremark_http_requests_total") == 12  # whichever process is asked
    assert pack.counted("wiremark_server_processes") == 3
    assert pack.pages(12) == [200] * 12  # a session of one is a session of all
    before = pack.workers()
    assert len(before) == 3
    os.kill(before[0], signal.SIGKILL)
    answered = 0
    while answered < 12:  # a connection that the dead one had accepted is lost, and nothing else
        try:
            answered += pack.chat()[0] == 200
        except (OSError, http.client.HTTPException):
            continue
    while len(after := pack.workers()) < 3:
        pass
    assert before[0] not in after
    assert [str(result) for result in verify(pack.place) if not result.ok] == []


def test_workers_of_every_process_are_one_list_to_the_operator(pack: Pack) -> None:
    def states() -> list[str]:
        return [row["state"] for row in pack.admin("GET", "/workers")[1]["data"]]

    assert states() == ["ready"] * 3
    for number in range(3):  # whichever process is asked, it is the worker's own that does it
        status, worker = pack.admin("POST", f"/workers/{number}/fail")
        assert (status, worker["number"], worker["process"], worker["state"]) == (
            200,
            number,
            number,
            "failed",
        )
        assert states() == ["failed"] * (number + 1) + ["ready"] * (2 - number)
    assert [pack.chat()[0] for _ in range(6)] == [503] * 6
    for number in range(3):
        status, worker = pack.admin("POST", f"/workers/{number}/restore")
        assert (status, worker["number"], worker["process"], worker["state"]) == (
            200,
            number,
            number,
            "ready",
        )
    assert [pack.chat()[0] for _ in range(6)] == [200] * 6
    assert pack.admin("POST", "/workers/3/fail")[0] == 404


def test_they_end_with_the_process_that_started_them(pack: Pack) -> None:
    workers = pack.workers()
    pack.process.kill()
    assert pack.process.wait(10) == -signal.SIGKILL
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        pass


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--processes 3", "--db postgresql://"),
        ("--processes 3 --db ledger.sqlite", "--db postgresql://"),
        ("--processes 3 --db postgresql://h/d", "--limits-url redis://"),
        ("--processes 0", "give one from 1 to 64"),
        ("--processes many", "give one from 1 to 64"),
    ],
)
def test_what_cannot_be_shared_is_refused(
    arguments: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        settings.parse(arguments.split())
    assert stop.value.code == 2
    assert sentence in capsys.readouterr().err
