"""Nothing that was said is on disk: after a suite run, a kill, with several processes and PostgreSQL."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from wiremark_loadtests import services
from wiremark_schemas import credentials

from tests.system.test_privacy import holding

MARK = "Quagmire-Zephyr-7319"
SAY = f"Say exactly: {MARK} is what I said"
PICTURE = base64.b64encode(f"picture of {MARK} ".encode() * 8).decode()
# Keys of requests and answers whose values are what people and models say.
WORDS = {
    *("content", "text", "input", "prompt", "instructions", "system", "arguments", "reasoning_content"),
    *("delta", "thinking", "partial_json", "description", "suffix", "refusal"),
}


def words(document: Any, key: str = "") -> Iterator[str]:
    """Every longer text below one of the keys of WORDS."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from words(value, name if name in WORDS or key in WORDS else "")
    elif isinstance(document, list):
        for value in document:
            yield from words(value, key)
    elif isinstance(document, str) and key and len(document) >= 16 and " " in document.strip():
        yield document


def documents(body: bytes) -> Iterator[Any]:
    """A body as JSON, or the JSON of its events."""
    whole = body.decode("utf-8", "replace")
    for text in [whole, *re.findall(r"^data: (.*)$", whole, re.MULTILINE)]:
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            continue


@pytest.mark.slow
@pytest.mark.parametrize("contract", ["c0mpute", "banana2"])
def test_no_word_of_a_suite_run_is_in_a_file(judged: Any, contract: str) -> None:
    evidence = judged(contract).evidence
    said = {
        text
        for exchange in evidence.exchanges.values()
        for body in (exchange.request.body, b"".join(part.data for part in exchange.parts))
        for document in documents(body)
        for text in words(document)
    }
    assert len(said) > 40
    folder = judged.served[-1].folder
    files = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {"ledger.sqlite", "ledger.sqlite-wal"} <= set(files)
    forms = [json.dumps(text)[1:-1].encode() for text in said] + [
        text.encode("utf-8", "surrogatepass") for text in said
    ]
    assert [(name, form) for name, held in files.items() for form in forms if form in held] == []


@dataclass
class Running:
    """A server that writes everything below `folder`."""

    folder: Path
    options: tuple[str, ...]
    process: subprocess.Popen[bytes] = field(init=False)
    origin: str = field(init=False)
    answers: list[str] = field(default_factory=list)

    def start(self) -> None:
        (self.folder / "tmp").mkdir(exist_ok=True)
        self.output = self.folder / f"stdout-{len(list(self.folder.iterdir()))}"
        with self.output.open("wb") as stdout, self.output.with_suffix(".err").open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-m", "wiremark_server", "serve", "--port", "0", *self.options],
                cwd=self.folder,
                env={**os.environ, "TMPDIR": str(self.folder / "tmp")},
                stdout=stdout,
                stderr=stderr,
            )
        while (found := re.search(r"listening on (\S+?//[^/\s]+)", self.output.read_text())) is None:
            assert self.process.poll() is None, self.output.with_suffix(".err").read_text()
        self.origin = found[1]

    def key(self, contract: str) -> str:
        name = f"keys.{contract}.yaml" if (self.folder / f"keys.{contract}.yaml").exists() else "keys.yaml"
        return credentials.load(self.folder / name)["default"]

    def post(self, contract: str, path: str, document: Mapping[str, Any], **headers: str) -> int:
        key = self.key(contract)
        given = {
            "authorization": f"Bearer {key}",
            "x-api-key": key,
            "x-goog-api-key": key,
            "content-type": "application/json",
            "anthropic-version": "2023-06-01",
            **headers,
        }
        request = urllib.request.Request(self.origin + path, json.dumps(document).encode(), given)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.answers.append(answer.read().decode())
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def stop(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait(30)

    def secrets(self) -> list[str]:
        """The mark, the picture, and the longest texts of the answers."""
        told = {
            text
            for answer in self.answers
            for document in documents(answer.encode())
            for text in words(document)
        }
        return [MARK, MARK.replace("-", "_"), PICTURE[:40], *sorted(told, key=len)[-8:]]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    server = Running(tmp_path, ())
    yield server
    if server.process.poll() is None:
        server.stop(signal.SIGKILL)


TOOLS = [{"type": "function", "function": {"name": "look", "description": f"about {MARK}", "parameters": {}}}]
ASK = [{"role": "user", "content": SAY}]
TEXT = {"type": "text", "text": SAY}
SEE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
# Contract, path below the origin, body, headers: every way of saying something, and of having it kept.
SAID: list[tuple[str, str, dict[str, Any], dict[str, str]]] = [
    *[
        (contract, f"/{contract}{path}", {"model": model, "messages": ASK, **more}, headers)
        for contract, path, model in (
            ("hermes-tokens", "/api/v1/chat/completions", "deepseek-v4-flash"),
            ("c0mpute", "/api/v1/chat/completions", "c0mpute-max"),
        )
        for more, headers in (
            ({}, {}),
            ({}, {}),  # from the cache, where there is one
            ({"stream": True}, {}),
            ({"tools": TOOLS}, {}),
            ({}, {"idempotency-key": "once"}),
            ({}, {"idempotency-key": "once"}),
            ({"temperature": MARK}, {}),
        )
    ],
    ("openai", "/openai/v1/completions", {"model": "wiremark-large", "prompt": SAY, "echo": True}, {}),
    ("openai", "/openai/v1/embeddings", {"model": "wiremark/embedding", "input": SAY}, {}),
    ("openai", "/openai/v1/responses", {"model": "wiremark-large", "input": SAY, "store": True}, {}),
    ("openai", "/openai/v1/responses", {"model": "wiremark-large", "input": SAY, "background": True}, {}),
    (
        "openai",
        "/openai/v1/chat/completions",
        {
            "model": "wiremark-large",
            "messages": [{"role": "user", "content": [{"type": "text", "text": SAY}, SEE]}],
        },
        {},
    ),
    (
        "anthropic",
        "/anthropic/v1/messages",
        {"model": "wiremark-large", "max_tokens": 50, "system": SAY, "messages": ASK},
        {},
    ),
    (
        "gemini",
        "/gemini/v1beta/models/wiremark-large:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": SAY}]}]},
        {},
    ),
    (
        "banana2",
        "/banana2/llm-api/v1/images/generations",
        {"model": "gpt-image-2", "prompt": SAY, "image_urls": [f"data:image/png;base64,{PICTURE}"]},
        {},
    ),
]


def test_whatever_was_asked_and_however_it_ends_no_file_has_it(running: Running) -> None:
    served = "hermes-tokens,c0mpute,openai,anthropic,gemini,banana2"
    running.options = ("--contract", served, "--credentials-file", "keys.yaml", "--db", "ledger.sqlite")
    running.start()
    statuses = [running.post(contract, path, body, **headers) for contract, path, body, headers in SAID]
    assert {status for status in statuses if status not in (200, 202)} <= {400}, statuses
    assert statuses.count(400) <= 4, statuses
    assert sum(MARK in answer for answer in running.answers) > 10
    assert holding(running.folder, *running.secrets()) == []
    running.stop(signal.SIGKILL)
    assert holding(running.folder, *running.secrets()) == []
    running.start()  # goes on with tasks and returns holds
    assert running.post(*SAID[0][:3]) == 200
    running.stop(signal.SIGTERM)
    assert running.process.returncode == 0
    assert holding(running.folder, *running.secrets()) == []


@pytest.mark.slow
def test_neither_has_the_database_of_several_processes(running: Running) -> None:
    psycopg = pytest.importorskip("psycopg")
    try:
        with services.postgres("fsync=off") as place, services.redis() as counters:
            running.options = (
                *("--contract", "hermes-tokens,c0mpute,banana2", "--credentials-file", "keys.yaml"),
                *("--db", place, "--limits-url", counters, "--processes", "3"),
            )
            running.start()
            asked = [entry for entry in SAID if entry[0] in ("hermes-tokens", "c0mpute", "banana2")]
            statuses = [
                running.post(contract, path, body, **headers) for contract, path, body, headers in asked
            ]
            assert statuses.count(200) >= 12
            with psycopg.connect(place, autocommit=True) as connection:
                connection.execute("CHECKPOINT")
                (data,) = connection.execute("SHOW data_directory").fetchone() or ("",)
                (rows,) = connection.execute("SELECT count(*) FROM usage").fetchone() or (0,)
            assert rows >= len(asked) - 4
            running.stop(signal.SIGTERM)
            assert holding(running.folder, *running.secrets()) == []
            assert holding(Path(data), MARK, running.secrets()[-1]) == []  # what was committed, too
    except services.Missing as missing:
        pytest.skip(str(missing))
