"""The plugin in other people's pytest: inert without a base URL, and what it takes to act."""

from __future__ import annotations

import json

import pytest

HEAVY = (
    "jsonschema",
    "referencing",
    "yaml",
    "locust",
    "gevent",
    "ssl",
    "wiremark_schemas",
    "wiremark_reports",
)

# What a stranger's session prints about the modules that our plugin brought in. pytest's own
# modules are there before; other plugins are kept out.
REPORT_IMPORTS = """
import json, sys
def pytest_configure(config):
    ours = sorted(name for name in sys.modules if name.startswith("wiremark_"))
    heavy = sorted(name for name in sys.modules if name.partition(".")[0] in {heavy!r})
    print("IMPORTS " + json.dumps([ours, heavy]))
"""

pytestmark = pytest.mark.usefixtures("no_keys")


@pytest.fixture
def host(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project with one test of its own."""
    pytester.makepyfile(test_own="def test_own():\n    pass\n")
    return pytester


def test_without_a_base_url_nothing_heavy_is_imported(
    host: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    host.makeconftest(REPORT_IMPORTS.replace("{heavy!r}", repr(set(HEAVY))))
    result = host.runpytest_subprocess("-p", "wiremark")
    result.assert_outcomes(passed=1)
    line = next(line for line in result.outlines if line.startswith("IMPORTS "))
    ours, heavy = json.loads(line.removeprefix("IMPORTS "))
    assert ours == ["wiremark_conformance", "wiremark_conformance.options", "wiremark_conformance.plugin"]
    assert heavy == []


def test_without_a_base_url_the_hosts_tests_run_alone(host: pytest.Pytester) -> None:
    result = host.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*wiremark 0*")


def test_the_options_stand_in_one_group(host: pytest.Pytester) -> None:
    result = host.runpytest("--help")
    result.stdout.fnmatch_lines(["conformance of an OpenAI-compatible endpoint*", "*--wiremark-contract*"])
    assert result.ret == 0


@pytest.mark.parametrize("where", ["ini", "environment", "addopts"])
def test_a_project_with_its_own_base_url_is_left_alone(
    host: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    url = "http://127.0.0.1:1/app"
    if where == "ini":
        host.makeini(f"[pytest]\nbase_url = {url}\n")
    elif where == "addopts":
        host.makeini(f"[pytest]\naddopts = --base-url={url}\n")
    else:
        monkeypatch.setenv("PYTEST_BASE_URL", url)
    host.runpytest_subprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize("path", ["test_own.py", ".", "test_own.py::test_own"])
def test_with_paths_named_the_users_tests_run_alone(host: pytest.Pytester, path: str) -> None:
    host.makepyfile(test_own="def test_own(base_url):\n    assert base_url == 'http://127.0.0.1:1/app'\n")
    host.runpytest("--base-url=http://127.0.0.1:1/app", path).assert_outcomes(passed=1)


def test_a_project_can_keep_the_suite_out(host: pytest.Pytester) -> None:
    host.runpytest_subprocess("-p", "no:wiremark", "--base-url=http://127.0.0.1:1/app").assert_outcomes(
        passed=1
    )


def test_an_empty_base_url_is_none(host: pytest.Pytester) -> None:
    host.runpytest("--base-url=").assert_outcomes(passed=1)


def test_our_checks_without_a_base_url_are_wrong_use(host: pytest.Pytester) -> None:
    result = host.runpytest("--pyargs", "wiremark_conformance")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: wiremark's checks need the endpoint: give --base-url=*"])


def test_pytest_base_url_is_loaded_when_plugins_do_not_load_themselves(
    host: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    arguments = ("--base-url=http://127.0.0.1:1/v1", "test_own.py")
    host.runpytest_subprocess("-p", "wiremark", *arguments).assert_outcomes(passed=1)
    host.runpytest_subprocess("-p", "wiremark", "-p", "base_url", *arguments).assert_outcomes(passed=1)
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    flag = ("--disable-plugin-autoload", "-p", "wiremark", *arguments)
    host.runpytest_subprocess(*flag).assert_outcomes(passed=1)


def test_a_key_is_in_no_debug_log(host: pytest.Pytester) -> None:
    key = "sk-debug-secret-0123456789"
    result = host.runpytest_subprocess("--debug", f"--wiremark-api-key={key}", "-v")
    result.assert_outcomes(passed=1)
    assert key not in (host.path / "pytestdebug.log").read_text(encoding="utf-8")
    assert key not in result.stdout.str() + result.stderr.str()
