"""The gateway under chaos: a real process, or several, killed without warning and running again."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wiremark_schemas import credentials
from wiremark_schemas.credentials import Credentials

from wiremark_loadtests.services import free_port

CONTRACT = "openai"
BASE = "/v1"
_LISTENING = "listening on "


class Server:
    """`wiremark serve` on a port of its own; `kill` is a kill -9, after which it serves again."""

    def __init__(
        self, folder: Path, place: str, limits_url: str | None, processes: int, profile: str
    ) -> None:
        self.port = free_port()
        self.place = place
        self._folder = folder
        self._several = processes > 1
        self._command = [
            *(sys.executable, "-m", "wiremark_server", "serve"),
            *("--contract", CONTRACT, "--port", str(self.port), "--db", place),
            *("--processes", str(processes), "--profile", profile, "--seed", "1"),
            *(("--limits-url", limits_url) if limits_url else ()),
        ]
        self._starts = 0
        self._process: subprocess.Popen[str]
        self.keys: Credentials = self._start()

    def _start(self) -> Credentials:
        """Every start makes new keys; those of earlier starts stay valid."""
        self._starts += 1
        keys = self._folder / f"keys-{self._starts}.yaml"
        command = [*self._command, "--credentials-file", str(keys)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        for line in self._process.stdout:
            if line.startswith(_LISTENING):
                return credentials.load(keys)
        raise RuntimeError(f"the server ended at once, with code {self._process.wait()}")

    def kill(self, rng: random.Random) -> None:
        """Blocks until the server serves again; of several processes one dies, and the others serve on."""
        if self._several:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
            os.kill(int(rng.choice(children.read_text().split())), signal.SIGKILL)
            return
        self._process.kill()
        self._process.wait()
        self._close()
        self._start()

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(60)
        self._close()
        return code

    def _close(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()

    def verify(self) -> tuple[int, str]:
        """What `wiremark ledger verify` says, and its exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "wiremark_server", "ledger", "verify", "--db", self.place],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def get(self, path: str, key: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", BASE + path, headers={"authorization": f"Bearer {key}"})
            response = connection.getresponse()
            document = json.loads(response.read())
            if response.status != 200:
                raise RuntimeError(f"GET {path}: status {response.status}: {document}")
            return document
        finally:
            connection.close()

    def rows(self, key: str) -> Sequence[Mapping[str, Any]]:
        """Every usage row of a key."""
        rows: list[Mapping[str, Any]] = []
        after = ""
        while True:
            page = self.get(f"/usage?limit=1000{after}", key)
            rows += page["data"]
            if not page["has_more"]:
                return rows
            after = f"&after={page['next_after']}"
