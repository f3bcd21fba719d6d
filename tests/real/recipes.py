"""Servers that nobody here wrote: the pinned packages of each, how it is started, what it serves."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from installing import Recipe

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Surface:
    """What of a server is judged in one run.

    What it is held to stands under its name in `contracts/`.

    select: pytest's `-m`; empty: everything
    base:   base path of the surface where it is not that of the server
    """

    select: str = ""
    base: str | None = None


SURFACES: dict[str, Surface] = {
    "chat": Surface(),
    "messages": Surface("messages or formats"),
    "responses": Surface("responses"),
    "gemini": Surface("gemini", base=""),
    "completions": Surface("completions"),
    "embeddings": Surface("embeddings"),
}


@dataclass(frozen=True)
class Place:
    """Where a started server lives: its folder, its port, and the engine that gateways forward to."""

    folder: Path
    port: int
    upstream: str = ""

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def program(self, name: str) -> str:
        return str(self.folder / "bin" / name)

    def script(self, path: str) -> str:
        return str(self.folder / "node_modules" / path)


@dataclass(frozen=True)
class Server:
    """One recipe.

    pip, npm:  the pinned packages; `overrides` pins what npm's packages need
    ready:     a path that answers when it is up
    models:    the model to ask on a surface where it is not `model`
    of:        the server whose folder and whose name in reports it shares: the same, started otherwise
    behind:    the engine that it forwards to
    headers:   sent with every request, for a surface and the address of the engine behind
    title:     how the README names it
    """

    name: str
    title: str
    kind: str
    command: Callable[[Place], list[str]]
    surfaces: tuple[str, ...]
    pip: tuple[str, ...] = ()
    npm: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)
    ready: str = "/v1/models"
    base_path: str = "/v1"
    model: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    api_key: str = "loopback-only"
    of: str | None = None
    behind: str | None = None
    headers: Callable[[str, str], Mapping[str, str]] = lambda _surface, _upstream: {}
    environment: Callable[[Place], Mapping[str, str]] = lambda _place: {}
    prepare: Callable[[Place], None] = lambda _place: None

    @property
    def home(self) -> str:
        """Name of its folder and of its reports."""
        return self.of or self.name

    @property
    def recipe(self) -> Recipe:
        return Recipe(self.home, self.pip, self.npm, self.overrides)


def _model(name: str) -> Callable[[Place], None]:
    def prepare(place: Place) -> None:
        model = place.folder / name
        writer = HERE / "scripted_model.py"
        if not model.exists() or model.stat().st_mtime < writer.stat().st_mtime:
            subprocess.run([place.python, str(writer), str(model)], check=True, timeout=60)
        (place.folder / "hub").mkdir(exist_ok=True)  # where Hugging Face's libraries look for what they know

    return prepare


def _cached_model(place: Place) -> None:
    """The model where Hugging Face's libraries keep what they downloaded, so that it goes by a name."""
    commit = "0" * 40
    cached = "hub/models--wiremark--scripted"
    _model(f"{cached}/snapshots/{commit}")(place)
    refs = place.folder / cached / "refs"
    refs.mkdir(exist_ok=True)
    (refs / "main").write_text(commit)


def _offline(place: Place) -> Mapping[str, str]:
    return {"HF_HUB_OFFLINE": "1", "HF_HOME": str(place.folder)}


def _forwarded(surface: str, upstream: str) -> Mapping[str, str]:
    """To whom Portkey forwards, and in whose format."""
    provider = "anthropic" if surface == "messages" else "openai"
    return {"x-portkey-provider": provider, "x-portkey-custom-host": f"{upstream}/v1"}


SERVERS = {
    server.name: server
    for server in (
        Server(
            name="llama.cpp",
            title="llama.cpp server (xllamacpp 2026.10.11549)",
            kind="engine",
            surfaces=("chat", "messages", "responses", "completions"),
            pip=("xllamacpp==2026.10.11549", "gguf==0.19.0", "numpy"),
            command=lambda place: [
                place.python,
                str(HERE / "llama_cpp_server.py"),
                str(place.folder / "scripted.gguf"),
                str(place.port),
            ],
            prepare=_model("scripted.gguf"),
            ready="/health",
        ),
        Server(
            name="llama.cpp-vectors",
            title="llama.cpp server for embeddings",
            kind="engine",
            surfaces=("embeddings",),
            of="llama.cpp",
            pip=("xllamacpp==2026.10.11549", "gguf==0.19.0", "numpy"),
            command=lambda place: [
                place.python,
                str(HERE / "llama_cpp_server.py"),
                str(place.folder / "scripted.gguf"),
                str(place.port),
                "embeddings",
            ],
            prepare=_model("scripted.gguf"),
            ready="/health",
        ),
        Server(
            name="mlx-lm",
            title="mlx-lm 0.32.2 on CPU",
            kind="engine",
            surfaces=("chat", "completions"),
            pip=("mlx-lm==0.32.2", "mlx[cpu]==0.32.4"),
            command=lambda place: [
                *(place.python, "-m", "mlx_lm", "server", "--model", "wiremark/scripted"),
                *("--host", "127.0.0.1", "--port", str(place.port)),
            ],
            prepare=_cached_model,
            environment=_offline,
            model="wiremark/scripted",
        ),
        Server(
            name="transformers",
            title="transformers serve 5.23.0",
            kind="engine",
            surfaces=("chat", "responses"),
            pip=("torch==2.13.0", "transformers[serving]==5.23.0", "accelerate"),
            command=lambda place: [
                *(place.program("transformers"), "serve", "scripted", "--device", "cpu"),
                *("--host", "127.0.0.1", "--port", str(place.port)),
            ],
            prepare=_model("scripted"),
            environment=_offline,
            ready="/health",
            model="scripted",
        ),
        Server(
            name="aimock",
            title="aimock 1.43.0",
            kind="mock",
            surfaces=("chat", "messages", "responses", "gemini", "embeddings"),
            npm={"@copilotkit/aimock": "1.43.0"},
            command=lambda place: [
                *("node", place.script("@copilotkit/aimock/dist/cli.js"), "-p", str(place.port)),
                *("-h", "127.0.0.1", "-f", str(HERE / "aimock.json")),
            ],
            ready="/health",
            model="gpt-4o",
            models={"gemini": "gemini-2.0-flash"},
        ),
        Server(
            name="mockllm",
            title="mockllm 0.0.8",
            kind="mock",
            surfaces=("chat", "messages"),
            pip=("mockllm==0.0.8",),
            command=lambda place: [
                *(place.program("mockllm"), "start", "-r", str(HERE / "mockllm.yml")),
                *("-h", "127.0.0.1", "-p", str(place.port)),
            ],
            model="gpt-4",
        ),
        Server(
            name="litellm",
            title="LiteLLM proxy 1.106.2, before llama.cpp",
            kind="gateway",
            surfaces=("chat", "messages", "responses", "gemini", "completions"),
            pip=("litellm[proxy]==1.106.2",),
            command=lambda place: [
                *(place.program("litellm"), "--config", str(HERE / "litellm.yaml")),
                *("--host", "127.0.0.1", "--port", str(place.port), "--telemetry", "False"),
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
            name="portkey",
            title="Portkey gateway 1.15.2, before llama.cpp",
            kind="gateway",
            surfaces=("chat", "messages", "responses", "completions"),
            npm={"@portkey-ai/gateway": "1.15.2"},
            # With the newest hono its streams fail: `TypeError: immutable`.
            overrides={"hono": "4.9.7", "@hono/node-server": "1.3.3"},
            command=lambda place: [
                *("node", place.script("@portkey-ai/gateway/build/start-server.js")),
                *(f"--port={place.port}", "--headless"),
            ],
            ready="/",
            model="scripted",
            behind="llama.cpp",
            headers=_forwarded,
        ),
    )
}
