"""The published OpenAPI documents, held to a running server by Schemathesis, which nobody here wrote."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from installing import NotAvailableError, Recipe
from wiremark_loadtests import children
from wiremark_schemas import contracts, credentials

SCHEMATHESIS = Recipe("schemathesis", pip=("schemathesis==4.32.5",))
SERVED = [name for name in contracts.bundled() if contracts.load(name).models]
SERVER = "server"  # the document of the routes beside the contracts
ADMIN = "an-admin-key-of-some-length"
# What a document promises of answers. Whether a request is taken is for the suite, which knows more.
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance"),
    *("unsupported_method", "allow_header_conformance"),
)
SECONDS = int(os.environ.get("WIREMARK_OPENAPI_SECONDS", "20"))


@dataclass(frozen=True)
class Served:
    origin: str
    folder: Path

    def headers(self, name: str) -> list[str]:
        """What identifies the caller, in every dialect's way."""
        if name == SERVER:
            return [f"authorization: Bearer {ADMIN}"]
        key = credentials.load(self.folder / f"keys.{name}.yaml")["default"]
        return [
            f"authorization: Bearer {key}",
            *(f"{header}: {key}" for header in ("x-api-key", "x-goog-api-key")),
            "anthropic-version: 2023-06-01",
        ]


@pytest.fixture(scope="module")
def checker() -> Path:
    try:
        if os.environ.get("WIREMARK_REAL") != "install" and not SCHEMATHESIS.installed():
            raise NotAvailableError("schemathesis is not installed; `make openapi` does it")
        return SCHEMATHESIS.install() / "bin" / "st"
    except NotAvailableError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    (folder / "admin").write_text(ADMIN)
    command = [
        *(sys.executable, "-m", "wiremark_server", "serve", "--contract", ",".join(SERVED), "--port", "0"),
        *("--credentials-file", str(folder / "keys.yaml"), "--admin-key-file", str(folder / "admin")),
    ]
    with children.running(command, piped=True) as server:
        origin = children.Output(server).line_with("listening on ", 30)
        assert origin is not None
        yield Served(origin, folder)


@pytest.mark.real
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [*SERVED, SERVER])
def test_every_answer_is_as_the_document_says(
    checker: Path, served: Served, name: str, tmp_path: Path
) -> None:
    command = [str(checker), "run", f"{served.origin}/openapi/{name}.json", "--checks", ",".join(CHECKS)]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "5", "--max-time", str(SECONDS)]
    command += ["--seed", "7", "--no-shrink", "--continue-on-failure", "--warnings", "off"]
    for header in served.headers(name):
        command += ["--header", header]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout[-4000:]
    assert " generated" in done.stdout
