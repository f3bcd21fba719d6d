"""Install, start, judge and stop the servers of `recipes`, which nobody here wrote.

    python tests/real/servers.py judge NAME…      run the suite on them, keep the reports in reports/real/
    python tests/real/servers.py list

`installing` says where they live. All listen on loopback.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from installing import CHECKOUT, HOME, NotAvailableError
from recipes import HERE, SERVERS, SURFACES, Place, Server

REPORTS = CHECKOUT / "reports" / "real"
START_SECONDS = 120
JUDGE_SECONDS = 600


@dataclass(frozen=True)
class Running:
    """A started server. root: its address without a path; upstream: that of the engine behind it, if any."""

    server: Server
    root: str
    upstream: str = ""

    @property
    def base_url(self) -> str:
        return self.root + self.server.base_path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


@contextlib.contextmanager
def running(server: Server) -> Iterator[Running]:
    """Start a server, and the engine behind it; both are stopped at the end.

    Raises NotAvailableError with the reason when it cannot be installed or does not come up.
    """
    with contextlib.ExitStack() as stack:
        upstream = ""
        if server.behind:
            upstream = stack.enter_context(running(SERVERS[server.behind])).root
        place = Place(server.recipe.install(), free_port(), upstream)
        server.prepare(place)
        log = place.folder / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                server.command(place),
                cwd=place.folder,
                env={**os.environ, **server.environment(place)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        stack.callback(_stop, process)
        root = f"http://127.0.0.1:{place.port}"
        deadline = time.monotonic() + START_SECONDS
        while not _answers(root + server.ready):
            if process.poll() is not None or time.monotonic() > deadline:
                tail = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise NotAvailableError(f"{server.name} did not come up: {' '.join(tail)}")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        yield Running(server, root, upstream)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, wanted)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            continue
        return


def report_name(server: Server, surface: str) -> str:
    """Under which name a run is kept; that of chat is the server's own."""
    return server.home if surface == "chat" else f"{server.home}-{surface}"


def contract(started: Running, surface: str) -> dict[str, Any]:
    """What the surface is held to, with the headers that this server needs."""
    document: dict[str, Any] = yaml.safe_load(
        (HERE / "contracts" / f"{surface}.yaml").read_text(encoding="utf-8")
    )
    headers = started.server.headers(surface, started.upstream)
    if headers:
        document["auth"] = {**document.get("auth", {}), "headers": dict(headers)}
    return document


def judge(started: Running, out: Path, surface: str = "chat") -> int:
    """Run the suite as anybody would; the exit code is that of `wiremark check`."""
    server, asked = started.server, SURFACES[surface]
    out.mkdir(parents=True, exist_ok=True)
    held_to = out / "contract.yaml"
    held_to.write_text(yaml.safe_dump(contract(started, surface), allow_unicode=True), encoding="utf-8")
    base_url = started.base_url if asked.base is None else started.root + asked.base
    command = [
        *(sys.executable, "-m", "wiremark_conformance.cli", "check"),
        *("--base-url", base_url, "--contract", str(held_to), "--out", str(out)),
        *("--concurrency", "1"),  # in one order, for what one request leaves behind in a server
    ]
    model = server.models.get(surface, server.model)
    command += ["--model", model] if model else []
    command += ["-m", asked.select] if asked.select else []
    environment = {**os.environ, "WIREMARK_API_KEY": server.api_key}
    return subprocess.run(command, env=environment, check=False, timeout=JUDGE_SECONDS).returncode


def keep(report: Path, target: Path) -> None:
    """Copy a report without the evidence of passes and the rows of what is not promised: a tenth of it."""
    document = json.loads(report.read_text(encoding="utf-8"))
    document["results"] = [row for row in document["results"] if row["verdict"] != "undeclared"]
    for row in document["results"]:
        if row["verdict"] == "pass":
            row["evidence"] = []
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(words: list[str]) -> int:
    if words[:1] == ["list"]:
        for server in SERVERS.values():
            print(f"{server.name:18} {server.kind}")
        return 0
    if words[:1] != ["judge"]:
        print(__doc__)
        return 2
    for name in words[1:] or SERVERS:
        server = SERVERS[name]
        with running(server) as started:
            for surface in server.surfaces:
                out = HOME / "reports" / report_name(server, surface)
                judge(started, out, surface)
                keep(out / "report.json", REPORTS / f"{out.name}.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
