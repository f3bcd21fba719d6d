"""What tests of several folders share: pytest's plugin for testing plugins, and a scripted endpoint."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

pytest_plugins = ("pytester",)

KEY_VARIABLES = ("WIREMARK_API_KEY", "OPENAI_API_KEY", "PYTEST_BASE_URL", "PYTEST_ADDOPTS")


@dataclass(frozen=True)
class Answer:
    """What a scripted endpoint says; a body that is not bytes goes out as JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


MODELS = Answer(
    {"object": "list", "data": [{"id": "m-1", "object": "model", "created": 1, "owned_by": "us"}]}
)
NOT_FOUND = Answer({"error": {"message": "no such route", "type": "x", "param": None, "code": None}}, 404)


class ScriptedEndpoint:
    """Answers by method and path, counts requests, on loopback; anything else is a 404 envelope."""

    def __init__(self, script: Mapping[tuple[str, str], Answer], default: Answer = NOT_FOUND) -> None:
        self.seen: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                path = self.path.partition("?")[0]
                self.rfile.read(int(self.headers.get("content-length") or 0))
                endpoint.seen.append((self.command, path))
                endpoint.headers.append({name.lower(): value for name, value in self.headers.items()})
                said = script.get((self.command, path), default)
                body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
                self.send_response(said.status)
                for name, value in {"content-type": "application/json", **said.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = True

            do_GET = do_POST = do_OPTIONS = answer  # noqa: N815 - names that http.server looks for

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{self.origin}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class EndpointFactory:
    """Starts scripted endpoints and stops them at the end of the test."""

    def __init__(self) -> None:
        self.started: list[ScriptedEndpoint] = []

    def __call__(
        self, script: Mapping[tuple[str, str], Answer] | None = None, default: Answer = NOT_FOUND
    ) -> ScriptedEndpoint:
        endpoint = ScriptedEndpoint({("GET", "/v1/models"): MODELS} if script is None else script, default)
        self.started.append(endpoint)
        return endpoint

    @staticmethod
    def answer(body: Any = b"", status: int = 200, **headers: str) -> Answer:
        """Underscores in header names stand for hyphens."""
        return Answer(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


@pytest.fixture
def endpoints() -> Iterator[EndpointFactory]:
    factory = EndpointFactory()
    yield factory
    for endpoint in factory.started:
        endpoint.close()


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no pytest setting comes from the environment that the tests run in."""
    for variable in KEY_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
