"""An endpoint whose certificate changes while it is judged: bounded, told as what it is, and no key leaks."""

from __future__ import annotations

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wiremark_conformance.client import Client, Endpoint, Limits
from wiremark_conformance.exchange import Request
from wiremark_conformance.judge import Evidence, judge, probes_for
from wiremark_conformance.prober import Patience, Prober
from wiremark_conformance.requirement import load_register
from wiremark_conformance.target import Target
from wiremark_reports.record import Verdict
from wiremark_schemas import contracts
from wiremark_schemas.credentials import Credentials

KEY = "sk-changing-secret-0123456789"
LIMITS = Limits(first_byte=2.0, idle=2.0, total=4.0, linger=0.01)
BODY = b'{"object": "list", "data": []}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
Context = ssl.SSLContext


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[Path, Context], ...]:
    """Two certificates for localhost, each its own authority."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is not installed, so no certificate can be made")
    folder = tmp_path_factory.mktemp("tls")
    made = []
    for name in ("first", "second"):
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run(
            [openssl, *options.split(), *subject, *files], check=True, capture_output=True, timeout=30
        )
        context = Context(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        made.append((certificate, context))
    return tuple(made)


class Changing:
    """Answers every request; shows the first certificate to some connections, then the second one."""

    def __init__(self, first: Context, second: Context, changes_after: int) -> None:
        self.contexts = iter([first] * changes_after)
        self.second = second
        self.heads: list[bytes] = []
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint.parse(f"https://localhost:{self.listener.getsockname()[1]}/v1")

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.connections += 1
                sock.settimeout(5)
                with sock, contextlib.suppress(OSError):  # as the judge's refusal of a certificate is
                    self._serve(next(self.contexts, self.second).wrap_socket(sock, server_side=True))

    def _serve(self, sock: ssl.SSLSocket) -> None:
        with sock:
            head = b""
            while b"\r\n\r\n" not in head and (more := sock.recv(65536)):
                head += more
            self.heads.append(head)
            sock.sendall(ANSWER)

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


Serve = Callable[[int], Changing]


@pytest.fixture
def changing(certificates: tuple[tuple[Path, Context], ...]) -> Iterator[Serve]:
    servers: list[Changing] = []

    def serve(changes_after: int) -> Changing:
        servers.append(Changing(certificates[0][1], certificates[1][1], changes_after))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()


def test_a_change_to_a_certificate_that_is_not_accepted_ends_with_that_verdict(
    changing: Serve, certificates: tuple[tuple[Path, Context], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates[0][0]))
    server = changing(2)
    endpoint = server.endpoint
    contract = contracts.load("generic")
    target = Target(contract, "m", "/v1", Credentials({"default": KEY}), endpoint.url, endpoint.host_header)
    chosen = [r.id for r in load_register() if r.id.startswith(("models.", "chat.accepted", "chat.id"))]
    prober = Prober(Client(endpoint, LIMITS), Patience(pause=0.0, total=0.1), workers=1, sleep=lambda _: None)
    evidence = Evidence(target, prober.run(probes_for(chosen), target, {}))
    judged = {j.requirement.id: j for j in judge(load_register(), evidence)}
    assert judged["models.list.accepted"].verdict is Verdict.PASS
    accepted = judged["chat.accepted"]
    assert accepted.verdict is Verdict.INFRA
    assert "the certificate has changed: an earlier one was accepted" in accepted.message
    assert not [j for j in judged.values() if j.verdict is Verdict.HARNESS_ERROR]
    assert len(server.heads) == 2  # nothing, and so no key, is sent to whom the new one belongs
    assert server.connections < 50


def test_a_change_between_accepted_certificates_is_a_note(
    changing: Serve,
    certificates: tuple[tuple[Path, Context], ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(path.read_bytes() for path, _ in certificates))
    monkeypatch.setenv("SSL_CERT_FILE", str(both))
    server = changing(2)
    client = Client(server.endpoint, LIMITS)
    told = [client.send("p", Request("GET", "/v1/models", ())) for _ in range(3)]
    assert [exchange.status for exchange in told] == [200, 200, 200]
    assert [exchange.notes for exchange in told] == [
        (),
        (),
        ("the certificate is another one than at first",),
    ]
