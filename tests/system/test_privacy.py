"""What was said to the server is in no file that it wrote, while it runs and after."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wiremark_schemas import credentials

MARK = "Quagmire-Zephyr-7319"
TOOL = {
    "type": "function",
    "function": {
        "name": f"look_{MARK.replace('-', '_')}",
        "description": f"about {MARK}",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}
ASK = [{"role": "user", "content": f"Say exactly: {MARK} is what I said"}]
# Good requests, refused ones and broken ones, each with the mark in it.
BODIES: list[bytes | dict[str, Any]] = [
    {"model": "c0mpute-max", "messages": ASK},
    {"model": "c0mpute-max", "messages": ASK, "stream": True},
    {"model": "c0mpute-max-think", "messages": ASK},
    {"model": "c0mpute-max", "messages": ASK, "tools": [TOOL], "tool_choice": "required"},
    {"model": f"c0mpute-{MARK}", "messages": ASK},
    {"model": "c0mpute-idle", "messages": ASK},
    {"model": "c0mpute-max", "messages": ASK, "temperature": MARK},
    {"model": "c0mpute-max", "messages": [{"role": "user", "content": f"{MARK} " * 200_000}]},
    b'{"model": "c0mpute-max", "messages": [{"content": "' + MARK.encode(),
]


def holding(folder: Path, *texts: str) -> list[str]:
    """The files below a folder in which one of the texts stands, as UTF-8 or as UTF-16."""
    wanted = [text.encode(encoding) for text in texts for encoding in ("utf-8", "utf-16-le", "utf-16-be")]
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and any(text in path.read_bytes() for text in wanted)
    ]


def post(base_url: str, key: str, body: bytes) -> tuple[int, str]:
    request = urllib.request.Request(
        f"{base_url}/chat/completions",
        body,
        {"authorization": f"Bearer {key}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, str]]:
    """A server whose working folder, temporary folder, ledger, keys and output all are in `tmp_path`."""
    (tmp_path / "tmp").mkdir()
    command = ["serve", "--contract", "c0mpute", "--port", "0", "--credentials-file", "keys.yaml"]
    with (tmp_path / "stdout").open("wb") as stdout, (tmp_path / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "wiremark_server", *command, "--db", "ledger.sqlite"],
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(tmp_path / "tmp")},
            stdout=stdout,
            stderr=stderr,
        )
        try:
            yield process, _base_url(process, tmp_path / "stdout"), "default"
        finally:
            process.kill()
            process.wait(10)


def _base_url(process: subprocess.Popen[bytes], output: Path) -> str:
    while process.poll() is None:
        for line in output.read_text().splitlines():
            if line.startswith("listening on "):
                return line.split()[-1]
    pytest.fail((output.parent / "stderr").read_text())


def test_no_file_holds_what_was_said(
    server: tuple[subprocess.Popen[bytes], str, str], tmp_path: Path
) -> None:
    process, base_url, role = server
    key = credentials.load(tmp_path / "keys.yaml")[role]
    answers = [
        post(base_url, key, body if isinstance(body, bytes) else json.dumps(body).encode()) for body in BODIES
    ]
    assert [status for status, _ in answers] == [200, 200, 200, 200, 404, 503, 400, 400, 400]
    assert MARK in json.loads(answers[0][1])["choices"][0]["message"]["content"]
    thought = json.loads(answers[2][1])["choices"][0]["message"]["reasoning_content"]
    assert len(thought) > 20
    secrets = (MARK, MARK.replace("-", "_"), thought)
    assert holding(tmp_path, *secrets) == []
    assert (tmp_path / "ledger.sqlite").exists()
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert holding(tmp_path, *secrets) == []


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a").write_bytes(b"\0" + MARK.encode() + b"\0")
    (tmp_path / "b").write_bytes(f"x{MARK}".encode("utf-16-le"))
    (tmp_path / "c").write_text("nothing")
    assert holding(tmp_path, MARK) == ["b", "deep/a"]
