"""The server as a process: what it prints, refuses, and does at the end."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from wiremark_schemas import contracts, credentials
from wiremark_server import commands

CHAT = {"model": "wiremark-large", "messages": [{"role": "user", "content": "Tell me about the sea."}]}


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    printed: tuple[str, ...]
    folder: Path

    @property
    def port(self) -> int:
        return int(self.printed[-1].rpartition(":")[2].partition("/")[0])

    @property
    def key(self) -> str:
        return credentials.load(self.folder / "keys.yaml")["default"]

    @property
    def db(self) -> Path:
        return self.folder / "ledger.sqlite"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def head(self, length: int | str, path: str = "/v1/chat/completions") -> bytes:
        framing = f"content-length: {length}" if isinstance(length, int) else f"transfer-encoding: {length}"
        return (
            f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.key}\r\n"
            f"content-type: application/json\r\n{framing}\r\n\r\n"
        ).encode()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


Start = Callable[..., Server]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers on free ports, `start("--profile", "fixed")`, and ends them with the test."""
    started: list[Server] = []

    def run(*options: str) -> Server:
        files = ["--db", str(tmp_path / "ledger.sqlite"), "--credentials-file", str(tmp_path / "keys.yaml")]
        process = subprocess.Popen(
            [sys.executable, "-m", "wiremark_server", "serve", "--port", "0", *files, *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        printed: list[str] = []
        for line in process.stdout:
            printed.append(line.rstrip("\n"))
            if line.startswith("listening on "):
                break
        started.append(Server(process, tuple(printed), tmp_path))
        return started[-1]

    yield run
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
        server.process.communicate(timeout=30)


def _read_all(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(65_536):
        received += part
    return received


def _read_until(connection: socket.socket, mark: bytes) -> bytes:
    received = b""
    while mark not in received:
        part = connection.recv(65_536)
        assert part, received
        received += part
    return received


def test_it_says_where_it_listens_and_keeps_keys_private(start: Start) -> None:
    server = start("--seed", "5", "--contract", "hermes-tokens")
    assert server.printed[:2] == (f"credentials {server.folder / 'keys.yaml'}", "seed 5")
    assert server.printed[2] == f"listening on http://127.0.0.1:{server.port}/api/v1"
    keys_file = server.folder / "keys.yaml"
    assert stat.S_IMODE(keys_file.stat().st_mode) == 0o600
    keys = credentials.load(keys_file)
    assert keys.roles == frozenset(credentials.ROLES)
    assert all(keys[role].startswith("hermes_pk_") for role in keys.roles)
    assert sorted(path.name for path in server.folder.iterdir() if "keys" in path.name) == ["keys.yaml"]
    assert server.stop() == 0


def test_several_contracts_are_served_below_their_names(start: Start) -> None:
    server = start("--contract", "hermes-tokens,c0mpute", "--contract", "aimlapi")
    origin = f"http://127.0.0.1:{server.port}"
    bases = {"hermes-tokens": "/api/v1", "c0mpute": "/api/v1", "aimlapi": "/v1"}
    keys: dict[str, str] = {}
    assert server.printed[-4:] == (
        *(f"serving {name} on {origin}/{name}{base}" for name, base in bases.items()),
        f"listening on {origin}",
    )
    for name, base in bases.items():
        key = credentials.load(server.folder / f"keys.{name}.yaml")["default"]
        first = contracts.load(name).models[0].id
        keys[name] = key
        # Below its name, and at its own base path where no contract before it has the same.
        for path in (f"/{name}{base}", *([base] if name != "c0mpute" else [])):
            with server.connect() as connection:
                connection.sendall(
                    f"GET {path}/models HTTP/1.0\r\nauthorization: Bearer {key}\r\n\r\n".encode()
                )
                head, _, body = _read_all(connection).partition(b"\r\n\r\n")
            assert b" 200 " in head
            assert json.loads(body)["data"][0]["id"] == first
        with server.connect() as connection:
            connection.sendall(f"GET /{name}{base}/openapi.json HTTP/1.0\r\n\r\n".encode())
            described = json.loads(_read_all(connection).partition(b"\r\n\r\n")[2])
        assert described["servers"] == [{"url": f"/{name}{base}"}]
    for name, base in bases.items():  # a key opens the contract that it was made for, and no other
        for owner, key in keys.items():
            with server.connect() as connection:
                asked = f"GET /{name}{base}/models HTTP/1.0\r\nauthorization: Bearer {key}\r\n\r\n"
                connection.sendall(asked.encode())
                status = b" 200 " if owner == name else b" 401 "
                assert status in _read_all(connection).partition(b"\r\n")[0]
    for path in ("/", "/nobody/v1/models"):
        with server.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            assert b" 404 " in _read_all(connection)
    assert server.stop() == 0


def test_a_provider_can_be_a_real_server(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    behind = start("--contract", "apipie")
    key = behind.key
    monkeypatch.setenv("WIREMARK_UPSTREAM_KEY_OPENROUTER", key)
    front = start(
        *("--contract", "apipie", "--upstream", f"openrouter=http://127.0.0.1:{behind.port}/v1"),
        *("--db", str(behind.folder / "front.sqlite")),
    )
    body = {"messages": CHAT["messages"], "model": "nous-hermes-llama2-13b", "max_tokens": 20}
    texts = []
    for more in ({}, {"stream": True}):
        payload = json.dumps(body | more).encode()
        with front.connect() as connection:
            connection.sendall(front.head(len(payload)).replace(b"HTTP/1.1", b"HTTP/1.0") + payload)
            head, _, answer = _read_all(connection).partition(b"\r\n\r\n")
        assert b" 200 " in head
        texts.append(answer.decode())
    assert json.loads(texts[0])["provider"] == "openrouter"
    assert "data: [DONE]\n\n" in texts[1]
    with behind.connect() as connection:
        connection.sendall(f"GET /v1/usage HTTP/1.0\r\nauthorization: Bearer {key}\r\n\r\n".encode())
        rows = json.loads(_read_all(connection).partition(b"\r\n\r\n")[2])["data"]
    assert [(row["model"], row["outcome"]) for row in rows] == [("nous-hermes-llama2-13b", "ok")] * 2
    assert front.stop() == 0
    answers = [rows[0]["completion_tokens"], rows[1]["completion_tokens"]]
    assert json.loads(texts[0])["usage"]["completion_tokens"] in answers


@pytest.mark.parametrize("text", ["openrouter", "=http://x", "openrouter=ftp://x/v1", "openrouter=http://"])
def test_an_upstream_is_a_name_and_a_url(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        commands.serve(["--upstream", text])
    assert "is not PROVIDER=URL" in capsys.readouterr().err


def test_an_upstream_behind_nobody_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--contract", "apipie", "--upstream", "elsewhere=http://127.0.0.1:1/v1")
    assert "no contract that is served has a provider 'elsewhere'" in _refusal(capsys, *options)


def test_sigterm_lets_the_answer_in_flight_finish(start: Start) -> None:
    server = start("--profile", "fixed")
    body = json.dumps(CHAT | {"stream": True, "max_tokens": 20}).encode()
    with server.connect() as connection:
        connection.sendall(server.head(len(body)) + body)
        received = _read_until(connection, b"data: {")
        server.process.send_signal(signal.SIGTERM)
        received += _read_all(connection)
    assert received.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert server.process.wait(30) == 0
    assert commands.ledger(["verify", "--db", str(server.db)]) == 0


def test_a_server_that_drains_says_so_and_refuses(start: Start) -> None:
    server = start("--profile", "fixed", "--drain", "20")
    assert _get(server, "/ready")[0] == 200
    body = json.dumps(CHAT | {"stream": True, "max_tokens": 100}).encode()
    with server.connect() as connection:
        connection.sendall(server.head(len(body)) + body)
        received = _read_until(connection, b"data: {")
        server.process.send_signal(signal.SIGTERM)
        while _get(server, "/ready")[0] == 200:
            pass
        status, told = _get(server, "/ready")
        assert (status, json.loads(told)) == (503, {"status": "draining"})
        assert _get(server, "/health")[0] == 200
        with server.connect() as late:
            late.sendall(server.head(len(body)) + body)
            refused = _read_all(late)
        assert refused.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in refused
        received += _read_all(connection)
    assert received.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert server.process.wait(30) == 0
    assert commands.ledger(["verify", "--db", str(server.db)]) == 0


def test_draining_has_an_end(start: Start) -> None:
    server = start("--profile", "fixed", "--drain", "0.2")
    body = json.dumps(CHAT | {"stream": True, "max_tokens": 4000}).encode()
    with server.connect() as connection:
        connection.sendall(server.head(len(body)) + body)
        _read_until(connection, b"data: {")
        assert server.stop() == 0
    assert commands.ledger(["verify", "--db", str(server.db)]) == 0


def test_a_cold_server_is_not_ready_and_lets_requests_wait(start: Start) -> None:
    server = start("--warm-up", "1", "--workers", "2")
    status, told = _get(server, "/ready")
    assert (status, json.loads(told)) == (503, {"status": "warming up"})
    body = json.dumps(CHAT).encode()
    with server.connect() as connection:
        connection.sendall(server.head(len(body)) + body)
        assert _read_until(connection, b"}}").startswith(b"HTTP/1.1 200")
    assert _get(server, "/ready")[0] == 200
    status, text = _get(server, "/metrics")
    families = {family.name: family for family in text_string_to_metric_families(text.decode())}
    engines = {sample.labels["engine"] for sample in families["vllm:num_requests_running"].samples}
    assert (status, engines) == (200, {"0", "1"})
    answered = families["vllm:request_success"].samples
    assert sum(sample.value for sample in answered) == 1


def test_models_have_speeds_of_their_own(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    server = start("--contract", "c0mpute", "--profile", "instant", "--profile", "c0mpute-pro=8b-h100")
    text = _get(server, "/metrics")[1].decode()
    running = 'vllm:num_requests_running{engine="%d",model_name="%s",profile="%s"} 0.0'
    assert running % (0, "c0mpute-max", "instant") in text
    assert running % (1, "c0mpute-pro", "8b-h100") in text
    assert running % (0, "c0mpute-pro", "instant") not in text
    assert server.stop() == 0
    assert "no contract that is served has a model 'c1'" in _refusal(capsys, "--profile", "c1=fixed")
    for wrong in ("slow", "m=slow", "=fixed", ""):
        with pytest.raises(SystemExit):
            commands.serve(["--profile", wrong])
        assert "names no profile" in capsys.readouterr().err


def _get(server: Server, path: str) -> tuple[int, bytes]:
    """Status and body of a path below the origin."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_a_client_that_leaves_a_paced_stream_pays_for_what_was_produced(start: Start) -> None:
    server = start("--profile", "fixed")
    body = json.dumps(CHAT | {"stream": True}).encode()
    with server.connect() as connection:
        connection.sendall(server.head(len(body)) + body)
        _read_until(connection, b'"content":"')
    deadline = time.monotonic() + 20
    row = {"state": "held"}
    while row["state"] == "held" and time.monotonic() < deadline:
        with server.connect() as connection:
            request = f"GET /v1/usage HTTP/1.0\r\nauthorization: Bearer {server.key}\r\n\r\n"
            connection.sendall(request.encode())
            row = json.loads(_read_all(connection).partition(b"\r\n\r\n")[2])["data"][0]
    assert (row["state"], row["outcome"]) == ("settled", "cut")
    assert int(row["completion_tokens"]) > 0


@pytest.mark.parametrize("framing", ["content-length", "chunked"])
def test_a_client_sending_too_much_still_sees_the_413(start: Start, framing: str) -> None:
    server = start("--contract", "hermes-tokens")
    size, part = 8 * 1024 * 1024, b"x" * 65_536
    with server.connect() as connection:
        connection.sendall(
            server.head(size if framing == "content-length" else "chunked", "/api/v1/chat/completions")
        )
        for _ in range(size // len(part)):
            connection.sendall(part if framing == "content-length" else b"10000\r\n" + part + b"\r\n")
        if framing == "chunked":
            connection.sendall(b"0\r\n\r\n")
        received = _read_all(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in head
    assert json.loads(body)["error"]["code"] == "request_too_large"


def test_an_early_refusal_keeps_a_small_connection_usable(start: Start) -> None:
    server = start()
    with server.connect() as connection:
        for _ in range(2):
            connection.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n"
                b"content-type: application/json\r\n\r\n{}"
            )
            assert _read_until(connection, b'"code":null}}').startswith(b"HTTP/1.1 401 ")


def test_keys_of_an_earlier_start_stay_valid_on_the_same_ledger(start: Start) -> None:
    first = start()
    old = first.key
    assert first.stop() == 0
    second = start()
    assert second.key != old
    for key in (old, second.key):
        with second.connect() as connection:
            connection.sendall(f"GET /v1/models HTTP/1.0\r\nauthorization: Bearer {key}\r\n\r\n".encode())
            assert b" 200 " in _read_all(connection).partition(b"\r\n")[0]


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def _refusal(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The one line that a failing start prints."""
    assert commands.serve(list(options)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("wiremark serve: ")
    return line


def test_a_busy_port_is_refused_before_anything_is_written(
    busy_port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("--db", str(tmp_path / "l.sqlite"), "--credentials-file", str(tmp_path / "k.yaml"))
    assert f"127.0.0.1:{busy_port}" in _refusal(capsys, "--port", str(busy_port), *files)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        ("openai,openai", "asked for twice"),
        (",", "no contract is named"),
        ("opnai", "did you mean 'openai'"),
        ("generic", "lists no models"),
        ("missing.yaml", "missing.yaml"),
    ],
)
def test_a_contract_that_cannot_be_served_is_refused(
    contract: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("--db", str(tmp_path / "l.sqlite"), "--credentials-file", str(tmp_path / "k.yaml"))
    assert said in _refusal(capsys, "--port", "0", "--contract", contract, *files)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_ledger_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    foreign = tmp_path / "notes.txt"
    foreign.write_text("not a ledger, and not to be overwritten\n")
    files = ("--db", str(foreign), "--credentials-file", str(tmp_path / "k.yaml"))
    assert "notes.txt" in _refusal(capsys, "--port", "0", *files)
    assert os.listdir(tmp_path) == ["notes.txt"]  # noqa: PTH208
    assert foreign.read_text() == "not a ledger, and not to be overwritten\n"


def test_an_unwritable_credentials_path_is_refused_before_the_ledger_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("--db", str(tmp_path / "l.sqlite"), "--credentials-file", str(tmp_path / "no" / "k.yaml"))
    assert "credentials file" in _refusal(capsys, "--port", "0", *files)
    assert list(tmp_path.iterdir()) == []


def test_verify_refuses_what_is_no_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.ledger(["verify", "--db", str(tmp_path / "none.sqlite")]) == 2
    assert capsys.readouterr().err.startswith("wiremark ledger verify: ")


def _streamed(server: Server) -> bytes:
    body = json.dumps({**CHAT, "max_tokens": 4, "stream": True}).encode()
    with server.connect() as connection:
        connection.sendall(server.head(len(body)) + body)
        return _read_until(connection, b"0\r\n\r\n")


def test_a_fault_shows_on_every_request(start: Start) -> None:
    server = start("--fault", "chat.stream.done-missing")
    assert all(b"[DONE]" not in _streamed(server) for _ in range(2))
    assert server.stop() == 0


def test_a_fault_is_switched_on_for_one_request(start: Start) -> None:
    server = start("--control-port", "0")
    control = next(line for line in server.printed if line.startswith("control on ")).split()[-1]
    rule = json.dumps({"faults": ["chat.stream.done-missing"], "key": server.key, "requests": 1}).encode()
    request = urllib.request.Request(f"{control}/rules", rule, method="POST")
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 201
    assert [b"[DONE]" in _streamed(server) for _ in range(2)] == [False, True]
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fault", "chat.stream.done-mising"], "the nearest are chat.stream.done-missing"),
        (["--fault", "chat.stream.done-missing, CHAT.stream.cutt"], "the nearest are chat.stream.cut"),
        (["--variant", "wire.sse.comment"], "the nearest are wire.sse.comments"),
        (
            ["--fault", "messages.stream.done"],
            "never shows under 'openai': serve it with --contract anthropic",
        ),
    ],
)
def test_an_unknown_fault_or_variant_is_refused_with_what_helps(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert commands.serve(["--port", "0", *options]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("names", ["", " ", ",", " , "])
@pytest.mark.parametrize("flag", ["--fault", "--variant"])
def test_an_empty_list_of_faults_is_no_list(
    flag: str, names: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A variable that is empty by mistake must not serve a server that does everything right."""
    with pytest.raises(SystemExit) as left:
        commands.serve([flag, names])
    assert left.value.code == 2
    assert f"{flag} names none" in capsys.readouterr().err
