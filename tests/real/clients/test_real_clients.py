"""The contracts, served to clients that nobody here wrote: what each hands to its user is asserted."""

from __future__ import annotations

import base64
import contextlib
import functools
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from clients import asserting, table
from installing import CHECKOUT, NotAvailableError
from wiremark_schemas import contracts, credentials

ENDPOINTS, CLIENTS = table.endpoints(), table.clients()
SERVED = sorted({endpoint.contract for endpoint in ENDPOINTS.values()})
Task = Callable[[str, Sequence[str]], dict[str, Any]]
Told = Callable[[str], Mapping[str, Any]]
ROWS = yaml.safe_load((CHECKOUT / "tests" / "system" / "rows.yaml").read_text(encoding="utf-8"))["rows"]
# Promises of the five systems that clients hold: what breaks them, and who notices.
NOTICED: list[tuple[str, Mapping[str, Any]]] = [
    (name, broken) for name, row in ROWS.items() for broken in row["broken"] if "client" in broken
]


def _png() -> str:
    """An image of one white pixel, in base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\xff\xff\xff")
    whole = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
    return base64.b64encode(whole).decode()


@contextlib.contextmanager
def serving(names: Iterable[str], folder: Path, *more: str) -> Iterator[Task]:
    """Contracts in one server, mounted; gives what a client is to do at an endpoint."""
    keys_file = folder / "keys.yaml"
    command = ["serve", "--contract", ",".join(names), "--port", "0", "--credentials-file", str(keys_file)]
    process = subprocess.Popen(
        [sys.executable, "-m", "wiremark_server", *command, *more], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    origin = next(line.split()[-1] for line in process.stdout if line.startswith("listening on "))

    def task(endpoint: str, does: Sequence[str]) -> dict[str, Any]:
        at = ENDPOINTS[endpoint]
        keys = credentials.load(keys_file.with_name(f"keys.{at.contract}.yaml"))
        return {
            "base_url": f"{origin}/{at.contract}{at.path}",
            "keys": {role: keys[role] for role in keys.roles},
            "format": at.format,
            "model": at.model,
            "does": does,
            "image": _png(),
            **asserting.ASKED,
        }

    try:
        yield task
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Task]:
    with serving(SERVED, tmp_path_factory.mktemp("clients")) as task:
        yield task


@pytest.fixture(scope="module")
def told(tasks: Task) -> Told:
    """What a client handed over, by endpoint; each client is started once."""

    @functools.cache
    def of(client: str) -> Mapping[str, Any]:
        found = CLIENTS[client]
        return found.use({endpoint: tasks(endpoint, does) for endpoint, does in found.runs.items()})

    return of


@pytest.mark.real
@pytest.mark.timeout(table.RUN_SECONDS)
@pytest.mark.parametrize(
    ("client", "endpoint"),
    [(client.name, endpoint) for client in CLIENTS.values() for endpoint in client.runs],
)
def test_its_user_gets_what_was_served(told: Told, client: str, endpoint: str) -> None:
    try:
        got = told(client)[endpoint]
    except NotAvailableError as reason:
        pytest.skip(str(reason))
    at = ENDPOINTS[endpoint]
    assert set(got) == set(CLIENTS[client].runs[endpoint])
    found = asserting.findings(CLIENTS[client], at, contracts.load(at.contract), got)
    assert not found, "\n".join(found)


@pytest.fixture(scope="module")
def misserved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Task]:
    """The same in a server that breaks every row which clients hold."""
    faults = sorted({broken["fault"] for _, broken in NOTICED})
    contracts_of = sorted({ENDPOINTS[broken["endpoint"]].contract for _, broken in NOTICED})
    options = [word for fault in faults for word in ("--fault", fault)]
    with serving(contracts_of, tmp_path_factory.mktemp("misserved"), *options) as task:
        yield task


@pytest.mark.real
@pytest.mark.timeout(table.RUN_SECONDS)
@pytest.mark.parametrize(
    ("row", "broken"), NOTICED, ids=[f"{row}-{broken['client']}" for row, broken in NOTICED]
)
def test_a_client_notices_what_breaks_its_row(misserved: Task, row: str, broken: Mapping[str, Any]) -> None:
    client, at = CLIENTS[broken["client"]], broken["endpoint"]
    try:
        told = client.use({at: misserved(at, broken["does"])})[at]
    except NotAvailableError as reason:
        pytest.skip(str(reason))
    endpoint = ENDPOINTS[at]
    assert asserting.findings(client, endpoint, contracts.load(endpoint.contract), told), row


def test_the_page_shows_the_table() -> None:
    assert table.page() in (CHECKOUT / "README.md").read_text(encoding="utf-8")
