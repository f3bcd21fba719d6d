"""Databases for the length of a proof or a benchmark: PostgreSQL and Redis, in a temporary folder.

They are started from what is installed; when nothing is, `Missing` says so, and tests skip with that.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

_START_SECONDS = 60
_READY = b"eady to accept connections"
_UNPRIVILEGED = ("postgres", "nobody")
"""PostgreSQL refuses to run as root; then it runs as the first of these that exists."""


class Missing(Exception):  # noqa: N818 - named for what happened
    """The server's program is not installed; the message says which."""


class Service:
    """A server that can be stopped and started again on what it has kept."""

    def __init__(self, url: str, command: Sequence[str], user: str | None, folder: Path) -> None:
        self.url = url
        self._command = command
        self._user = user
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it is ready; that it can be connected to comes earlier. Raises Missing."""
        log = self._folder / "log"
        with log.open("wb") as output:
            self._process = process = subprocess.Popen(
                self._command, user=self._user, cwd=self._folder, stdout=output, stderr=output
            )
        deadline = time.monotonic() + _START_SECONDS
        while _READY not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                raise Missing(f"{self._command[0]} does not start: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Safe to call twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def postgres(*settings: str) -> Iterator[str]:
    """A fresh, empty PostgreSQL; yields its address.

    settings: such as `fsync=off`, which spares tests the disk; durable without any
    """
    with postgres_service(*settings) as service:
        yield service.url


@contextlib.contextmanager
def postgres_service(*settings: str) -> Iterator[Service]:
    """The same as a service that is running."""
    initdb, server = _postgres_program("initdb"), _postgres_program("postgres")
    port = free_port()
    with _folder(user := _user()) as folder:
        data = folder / "data"
        _run(
            [initdb, "-D", str(data), "-U", "wiremark", "--auth=trust", "--encoding=UTF8", "--locale=C"],
            user,
            folder,
        )
        place = ("listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}")
        options = (word for option in (*place, *settings) for word in ("-c", option))
        url = f"postgresql://wiremark@127.0.0.1:{port}/postgres"
        with _running(Service(url, [server, "-D", str(data), *options], user, folder)) as service:
            yield service


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """A fresh Redis or Valkey that keeps nothing on disk; yields its address."""
    server = shutil.which("redis-server") or shutil.which("valkey-server")
    if server is None:
        raise Missing("neither redis-server nor valkey-server is installed")
    port = free_port()
    with _folder(None) as folder:
        options = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder))
        url = f"redis://127.0.0.1:{port}/0"
        with _running(Service(url, [server, "--port", str(port), *options], None, folder)):
            yield url


def free_port() -> int:
    """A port on loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _postgres_program(name: str) -> str:
    found = shutil.which(name) or max(
        (str(path) for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), default=None
    )
    if found is None:
        raise Missing(f"PostgreSQL is not installed: there is no {name}")
    return found


def _user() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in _UNPRIVILEGED:
        if name in known:
            return name
    raise Missing("PostgreSQL does not run as root, and there is no other user to run it as")


@contextlib.contextmanager
def _folder(owner: str | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wiremark-") as name:
        if owner is not None:
            shutil.chown(name, owner)
        yield Path(name)


def _run(command: Sequence[str], user: str | None, folder: Path) -> None:
    done = subprocess.run(command, user=user, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"{command[0]} failed: {done.stderr.strip()}")


@contextlib.contextmanager
def _running(service: Service) -> Iterator[Service]:
    try:
        service.start()
        yield service
    finally:
        service.stop()
