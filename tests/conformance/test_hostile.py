"""Endpoints that mean harm: each run ends soon, in little memory, with a verdict that names what happened."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from wiremark_conformance.client import Client, Endpoint, Limits
from wiremark_conformance.exchange import Request
from wiremark_conformance.http1 import ReadLimits
from wiremark_conformance.judge import Evidence, Judgement, judge, probes_for
from wiremark_conformance.prober import Patience, Prober
from wiremark_conformance.requirement import load_register
from wiremark_conformance.target import Target
from wiremark_reports.record import Verdict
from wiremark_schemas import contracts
from wiremark_schemas.credentials import Credentials

SECONDS = 40.0  # of one run: far more than it takes, far less than forever
MEMORY = 96 * 1024 * 1024  # bytes at most, for bodies of a gigabyte
KEY = "sk-hostile-secret-0123456789"
CONTRACT = contracts.load("generic")
# The limits of a test: a hundredth of the real ones.
LIMITS = Limits(first_byte=0.3, idle=0.3, total=0.6, linger=0.01, read=ReadLimits(body=256 * 1024))
PATIENCE = Patience(pause=0.0, total=0.1, stalled=3.0, kept=8 * 1024 * 1024)
SELECTED = ("models.", "chat.stream", "chat.accepted", "chat.id", "chat.tools.forced", "errors.", "http.")
ENDLESS = 1 << 30

Behaviour = Callable[[socket.socket, bytes], None]


def _head(kind: str, *more: str, status: str = "200 OK") -> bytes:
    return "\r\n".join((f"HTTP/1.1 {status}", f"content-type: {kind}", *more, "", "")).encode()


def _whole(body: bytes, *more: str, kind: str = "application/json", status: str = "200 OK") -> Behaviour:
    head = _head(kind, f"content-length: {len(body)}", *more, status=status)
    return lambda sock, _: sock.sendall(head + body)


def _forever(sock: socket.socket, piece: bytes) -> None:
    for _ in range(ENDLESS // len(piece)):
        sock.sendall(piece)


def _endless_stream(sock: socket.socket, _: bytes) -> None:
    sock.sendall(_head("text/event-stream"))
    _forever(sock, b'data: {"choices": [{"index": 0, "delta": {"content": "more "}}]}\n\n' * 100)


def _endless_line(sock: socket.socket, _: bytes) -> None:
    sock.sendall(_head("text/event-stream") + b"data: ")
    _forever(sock, b"x" * 65536)


def _endless_head(sock: socket.socket, _: bytes) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    _forever(sock, b"x-more: of it\r\n" * 1000)


def _stall(sock: socket.socket, _: bytes) -> None:
    sock.sendall(_head("text/event-stream") + b"data: {")
    sock.recv(1)  # until the judge goes


def _silence(sock: socket.socket, _: bytes) -> None:
    sock.recv(1)


def _drip(sock: socket.socket, _: bytes) -> None:
    """A byte at a time, each within the time for one."""
    sock.sendall(_head("application/json"))
    pause = threading.Event()
    while not pause.wait(0.05):
        sock.sendall(b" ")


def _hang_up(_: socket.socket, __: bytes) -> None:
    return


def _deep(levels: int) -> bytes:
    return b'{"id": ' + b"[" * levels + b"]" * levels + b"}"


def _deep_answer(levels: int) -> bytes:
    """An answer as it should be, but for one field."""
    junk = b"[" * levels + b"]" * levels
    message = b'{"role": "assistant", "content": "Hi.", "annotations": ' + junk + b"}"
    choice = b'{"index": 0, "finish_reason": "stop", "message": ' + message + b"}"
    return (
        b'{"id": "a", "object": "chat.completion", "created": 1, "model": "m", "choices": [' + choice + b"]}"
    )


_GZIP = "content-encoding: gzip"
_BOMB = gzip.compress(b'{"data": "' + b" " * (64 * 1024 * 1024) + b'"}', 9)

# Behaviour, requirement whose verdict tells, verdicts that are right, words of its message.
HOSTILE: dict[str, tuple[Behaviour, str, set[Verdict], str]] = {
    "an endless stream": (_endless_stream, "chat.stream.complete", {Verdict.FAIL}, "longer than"),
    "a line of a gigabyte": (_endless_line, "chat.stream.complete", {Verdict.FAIL, Verdict.NOT_TESTABLE}, ""),
    "an endless head": (_endless_head, "chat.accepted", {Verdict.FAIL}, "head"),
    "a stream that stalls": (_stall, "chat.stream.accepted", {Verdict.INFRA}, "fell silent"),
    "silence": (_silence, "chat.accepted", {Verdict.INFRA}, "sent nothing for"),
    "a byte now and then": (_drip, "chat.accepted", {Verdict.INFRA}, "had not finished its answer"),
    "hanging up": (_hang_up, "chat.accepted", {Verdict.FAIL, Verdict.INFRA}, ""),
    "a gzip bomb": (
        _whole(_BOMB, _GZIP),
        "http.json-body",
        {Verdict.FAIL},
        "decodes to more than",
    ),
    "gzip that is none": (
        _whole(b"{}", "content-encoding: gzip"),
        "http.json-body",
        {Verdict.FAIL},
        "not gzip",
    ),
    "a redirect to itself": (
        _whole(b"", "location: /v1/chat/completions", status="302 Found"),
        "http.no-redirect",
        {Verdict.FAIL},
        "redirected by 302",
    ),
    "too long a content-length": (
        lambda sock, _: sock.sendall(_head("application/json", "content-length: 100") + b"{}"),
        "http.complete",
        {Verdict.FAIL},
        "before all 100 bytes",
    ),
    "too short a content-length": (
        lambda sock, _: sock.sendall(_head("application/json", "content-length: 1") + b"{}"),
        "http.json-body",
        {Verdict.FAIL},
        "not JSON",
    ),
    "invalid UTF-8": (_whole(b'{"id": "\xff\xfe"}'), "http.json-body", {Verdict.FAIL}, "utf-8"),
    "JSON nested 100,000 deep": (
        _whole(_deep(100_000)),
        "http.json-body",
        {Verdict.FAIL},
        "nested too deeply",
    ),
    "NaN": (_whole(b'{"id": NaN}'), "http.json-body", {Verdict.FAIL}, "NaN is not JSON"),
    "names that stand twice": (
        _whole(b'{"id": "a", "id": "b"}'),
        "http.unique-names",
        {Verdict.WARN},
        'the name "id" stands twice',
    ),
}


class Hostile:
    """Serves one behaviour to everybody, each connection in a thread of its own."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.heads: list[bytes] = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(5)
        with sock, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(65536)
            self.heads.append(head)
            self.behaviour(sock, head)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


Serve = Callable[[Behaviour], Hostile]


@pytest.fixture
def hostile() -> Iterator[Serve]:
    servers: list[Hostile] = []

    def serve(behaviour: Behaviour) -> Hostile:
        servers.append(Hostile(behaviour))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def _run(server: Hostile) -> tuple[dict[str, Judgement], Prober]:
    endpoint = Endpoint.parse(f"http://127.0.0.1:{server.port}/v1")
    keys = Credentials({"default": KEY})
    target = Target(CONTRACT, "m", "/v1", keys, endpoint.url, endpoint.host_header)
    chosen = [r.id for r in load_register() if r.id.startswith(SELECTED)]
    prober = Prober(Client(endpoint, LIMITS), PATIENCE, workers=8, sleep=lambda _: None)
    evidence = Evidence(target, prober.run(probes_for(chosen), target, {}))
    return {judged.requirement.id: judged for judged in judge(load_register(), evidence)}, prober


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_endpoint_gets_a_verdict_soon_and_in_little_memory(hostile: Serve, name: str) -> None:
    behaviour, requirement, expected, words = HOSTILE[name]
    server = hostile(behaviour)
    tracemalloc.start()
    began = time.monotonic()
    try:
        judged, _ = _run(server)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - began < SECONDS
    assert peak < MEMORY
    assert [j for j in judged.values() if j.verdict is Verdict.HARNESS_ERROR] == []
    found = judged[requirement]
    assert found.verdict in expected, found.message
    assert words in found.message


@pytest.mark.parametrize("levels", [100, 400, 900, 990, 5000])
def test_an_answer_with_a_deep_field_breaks_no_check(hostile: Serve, levels: int) -> None:
    judged, _ = _run(hostile(_whole(_deep_answer(levels))))
    assert {i: j.message for i, j in judged.items() if j.verdict is Verdict.HARNESS_ERROR} == {}


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Same", "308 Same"])
def test_no_redirect_takes_a_key_to_another_host(hostile: Serve, status: str) -> None:
    other = hostile(_whole(b"{}"))
    judged, _ = _run(hostile(_whole(b"", f"location: http://127.0.0.1:{other.port}/v1/x", status=status)))
    assert other.heads == []
    assert judged["chat.accepted"].verdict is Verdict.FAIL
    assert f"answered {status[:3]}" in judged["chat.accepted"].message


def test_an_endpoint_that_stalls_on_everything_is_given_up(hostile: Serve) -> None:
    server = hostile(_silence)
    judged, prober = _run(server)
    assert prober.stalled > PATIENCE.stalled
    assert len(server.heads) == prober.requests < 40
    assert any("not asked any more" in j.message for j in judged.values())


def test_an_endpoint_that_fills_the_memory_is_given_up(hostile: Serve) -> None:
    big = json.dumps({"id": "x" * 200_000}).encode()
    judged, prober = _run(hostile(_whole(big)))
    client = Client(Endpoint.parse("http://127.0.0.1:9/v1"), LIMITS)
    full = Prober(client, Patience(kept=100), kept=101)
    exchange = full.send("p", Request("GET", "/v1/models", ()))
    assert exchange.failure is not None
    assert "101 bytes altogether" in exchange.failure.message
    assert full.requests == 0
    assert prober.kept > len(big)
    assert judged["http.json-body"].verdict is Verdict.PASS
