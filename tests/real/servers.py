"""Servers that nobody here wrote: how each is installed, started and stopped.

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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from installing import CHECKOUT, HOME, NotAvailableError, Recipe

HERE = Path(__file__).resolve().parent
REPORTS = CHECKOUT / "reports" / "real"
# What is judged of a server, and how the suite is told: by the contract that promises least, or by one that
# leaves everything about messages open.
SURFACES: dict[str, tuple[str, ...]] = {
    "chat": (),
    "messages": ("--contract", str(HERE / "messages.yaml"), "-m", "messages or formats"),
}
START_SECONDS = 120


@dataclass(frozen=True)
class Place:
    """Where a started server lives: its folder, its port, and the engine that gateways forward to."""

    folder: Path
    port: int
    upstream: str = ""

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")


@dataclass(frozen=True)
class Server:
    """One recipe. `pip` or `npm` are the pinned packages; `ready` is a path that answers when it is up."""

    name: str
    kind: str
    command: Callable[[Place], list[str]]
    pip: tuple[str, ...] = ()
    npm: Mapping[str, object] = field(default_factory=dict)
    ready: str = "/v1/models"
    base_path: str = "/v1"
    model: str | None = None
    api_key: str = "loopback-only"
    behind: str | None = None
    surfaces: tuple[str, ...] = ("chat", "messages")
    environment: Callable[[Place], Mapping[str, str]] = lambda _place: {}
    prepare: Callable[[Place], None] = lambda _place: None

    @property
    def recipe(self) -> Recipe:
        return Recipe(self.name, self.pip, self.npm)


def _llama_model(place: Place) -> None:
    model = place.folder / "scripted.gguf"
    if not model.exists():
        subprocess.run([place.python, str(HERE / "scripted_model.py"), str(model)], check=True, timeout=60)


SERVERS = {
    server.name: server
    for server in (
        Server(
            name="llama.cpp",
            kind="engine",
            pip=("xllamacpp==2026.10.11549", "gguf==0.19.0", "numpy"),
            command=lambda place: [
                place.python,
                str(HERE / "llama_cpp_server.py"),
                str(place.folder / "scripted.gguf"),
                str(place.port),
            ],
            prepare=_llama_model,
            ready="/health",
        ),
        Server(
            name="aimock",
            kind="mock",
            npm={"@copilotkit/aimock": "1.43.0"},
            command=lambda place: [
                "node",
                str(place.folder / "node_modules/@copilotkit/aimock/dist/cli.js"),
                "-p",
                str(place.port),
                "-h",
                "127.0.0.1",
                "-f",
                str(HERE / "aimock.json"),
            ],
            ready="/health",
            model="gpt-4o",
        ),
        Server(
            name="mockllm",
            kind="mock",
            pip=("mockllm==0.0.8",),
            command=lambda place: [
                str(place.folder / "bin" / "mockllm"),
                "start",
                "-r",
                str(HERE / "mockllm.yml"),
                "-h",
                "127.0.0.1",
                "-p",
                str(place.port),
            ],
            model="gpt-4",
        ),
        Server(
            name="litellm",
            kind="gateway",
            pip=("litellm[proxy]==1.106.2",),
            command=lambda place: [
                str(place.folder / "bin" / "litellm"),
                "--config",
                str(HERE / "litellm.yaml"),
                "--host",
                "127.0.0.1",
                "--port",
                str(place.port),
                "--telemetry",
                "False",
            ],
            ready="/health/liveliness",
            model="scripted",
            api_key="sk-loopback-only",
            behind="llama.cpp",
            environment=lambda place: {
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "UPSTREAM": f"{place.upstream}/v1",
            },
        ),
        Server(
            name="llama-cpp-python",
            kind="engine",
            pip=("llama-cpp-python[server]==0.3.36", "gguf==0.19.0"),
            command=lambda place: [
                place.python,
                "-m",
                "llama_cpp.server",
                "--model",
                str(place.folder / "scripted.gguf"),
                "--host",
                "127.0.0.1",
                "--port",
                str(place.port),
                "--n_ctx",
                "4096",
                "--model_alias",
                "scripted",
            ],
            prepare=_llama_model,
        ),
    )
}


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
def running(server: Server) -> Iterator[str]:
    """Start a server, and the engine behind it, and give its base URL; both are stopped at the end.

    Raises NotAvailableError with the reason when it cannot be installed or does not come up.
    """
    with contextlib.ExitStack() as stack:
        upstream = ""
        if server.behind:
            behind = SERVERS[server.behind]
            upstream = stack.enter_context(running(behind)).removesuffix(behind.base_path)
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
        yield root + server.base_path


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
    return server.name if surface == "chat" else f"{server.name}-{surface}"


def judge(server: Server, base_url: str, out: Path, surface: str = "chat") -> int:
    """Run the suite as anybody would; the exit code is that of `wiremark check`."""
    command = [
        sys.executable,
        "-m",
        "wiremark_conformance.cli",
        "check",
        "--base-url",
        base_url,
        "--out",
        str(out),
        *SURFACES[surface],
    ]
    command += ["--model", server.model] if server.model else []
    environment = {**os.environ, "WIREMARK_API_KEY": server.api_key}
    return subprocess.run(command, env=environment, check=False, timeout=300).returncode


def keep(report: Path, target: Path) -> None:
    """Copy a report, with the evidence of what was found only: passes would make it ten times as long."""
    document = json.loads(report.read_text(encoding="utf-8"))
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
        with running(server) as base_url:
            for surface in server.surfaces:
                out = HOME / "reports" / report_name(server, surface)
                judge(server, base_url, out, surface)
                keep(out / "report.json", REPORTS / f"{out.name}.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
