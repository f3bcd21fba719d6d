"""Bad input: one clear line, pytest's exit code 4 or the command line's 2 and 3, nothing half-written."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import wiremark_conformance.session  # noqa: F401 - loaded once, for pytester forgets what its runs load

pytestmark = pytest.mark.usefixtures("no_keys")

PAGE = b"<html><head><title>Chat UI</title></head></html>"


@pytest.fixture
def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def check(folder: Path, *args: str) -> tuple[int, str]:
    """`wiremark check`: its exit code and its one line of complaint."""
    done = subprocess.run(
        [sys.executable, "-m", "wiremark_conformance.cli", "check", "--out=out", *args],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.strip())
    return done.returncode, line


def suite(pytester: pytest.Pytester, *args: str) -> str:
    """`pytest` with the plugin: its one line, after exit code 4 and nothing written."""
    result = pytester.runpytest("--wiremark-report=out", *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    (line,) = (line for line in result.errlines if line.strip())
    assert not (pytester.path / "out").exists()
    return line


def test_an_unreachable_host(pytester: pytest.Pytester, closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}/v1"
    assert "nothing accepts connections" in suite(pytester, f"--base-url={url}")
    code, line = check(pytester.path, f"--base-url={url}")
    assert (code, url in line) == (3, True)


def test_a_name_without_an_address(pytester: pytest.Pytester) -> None:
    assert "has no address" in suite(pytester, "--base-url=http://no-such-host.invalid/v1")


def test_tls_where_there_is_none(pytester: pytest.Pytester, endpoints: Any) -> None:
    url = endpoints().url.replace("http:", "https:")
    assert "does not speak TLS; use http://" in suite(pytester, f"--base-url={url}")


def test_a_base_url_without_scheme(pytester: pytest.Pytester) -> None:
    assert "did you mean http://127.0.0.1:8000/v1?" in suite(pytester, "--base-url=127.0.0.1:8000/v1")
    code, line = check(pytester.path, "--base-url=127.0.0.1:8000/v1")
    assert (code, "has no scheme" in line) == (2, True)


def test_a_path_prefix_twice(pytester: pytest.Pytester, endpoints: Any) -> None:
    endpoint = endpoints()
    line = suite(pytester, f"--base-url={endpoint.url}/v1")
    assert f"did you mean --base-url={endpoint.url} ?" in line
    assert check(pytester.path, f"--base-url={endpoint.url}/v1")[0] == 3


def test_a_page_for_people(pytester: pytest.Pytester, endpoints: Any) -> None:
    page = endpoints.answer(PAGE, content_type="text/html")
    line = suite(pytester, f"--base-url={endpoints({}, page).url}")
    assert "with an HTML page ('Chat UI'), not with JSON" in line


def test_an_unknown_contract(pytester: pytest.Pytester, endpoints: Any) -> None:
    endpoint = endpoints()
    said = "there is no contract called 'hermes-token'; did you mean 'hermes-tokens'?"
    assert said in suite(pytester, f"--base-url={endpoint.url}", "--wiremark-contract=hermes-token")
    code, line = check(pytester.path, f"--base-url={endpoint.url}", "--contract=hermes-token")
    assert (code, said in line) == (2, True)
    assert endpoint.seen == []


def test_an_unknown_model(pytester: pytest.Pytester, endpoints: Any) -> None:
    url = endpoints().url
    said = "does not have the model 'm-2'; did you mean 'm-1'? (it lists m-1)"
    assert said in suite(pytester, f"--base-url={url}", "--wiremark-model=m-2")
    code, line = check(pytester.path, f"--base-url={url}", "--model=m-2")
    assert (code, said in line) == (2, True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("default: [sk-secret-123]\n", "keys.yaml:1: the key of 'default' must be ASCII text"),
        ("admin: sk-secret-123\n", "keys.yaml:1: this is not a key role"),
        ("default: {\n", "this is not YAML"),
        ("- sk-secret-123\n", "is a mapping of role to key"),
    ],
)
def test_a_malformed_credentials_file(
    pytester: pytest.Pytester, endpoints: Any, text: str, said: str
) -> None:
    endpoint = endpoints()
    (pytester.path / "keys.yaml").write_text(text)
    line = suite(pytester, f"--base-url={endpoint.url}", "--wiremark-credentials=keys.yaml")
    assert said in line
    assert "sk-secret-123" not in line
    assert endpoint.seen == []


def test_a_file_that_is_not_there(pytester: pytest.Pytester) -> None:
    for name in ("credentials", "deviations"):
        line = suite(pytester, "--base-url=http://127.0.0.1:1/v1", f"--wiremark-{name}=none.yaml")
        assert f"there is no such {name} file" in line


@pytest.mark.parametrize("variable", ["WIREMARK_API_KEY", "OPENAI_API_KEY"])
def test_a_key_that_cannot_be_sent(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "sk-two\nlines")
    line = suite(pytester, "--base-url=http://127.0.0.1:1/v1")
    assert "the API key must be ASCII text" in line
    assert "sk-two" not in line


def test_a_report_directory_that_cannot_be_written(pytester: pytest.Pytester, endpoints: Any) -> None:
    endpoint = endpoints()
    (pytester.path / "file").write_text("")
    result = pytester.runpytest(f"--base-url={endpoint.url}", "--wiremark-report=file/deep/out")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: reports cannot be written to *: * is a file, not a directory"])
    assert endpoint.seen == []


def test_an_endpoint_that_wants_a_key(pytester: pytest.Pytester, endpoints: Any) -> None:
    refusal = endpoints.answer({"error": {"message": "who are you?"}}, 401)
    line = suite(pytester, f"--base-url={endpoints({}, refusal).url}")
    assert "401 Unauthorized: who are you?; give a key" in line
