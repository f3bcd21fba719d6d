"""The command line: help, near names, exit codes, and the register as text and JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest
from wiremark_conformance import cli, commands
from wiremark_conformance.requirement import load_register

pytestmark = pytest.mark.usefixtures("no_keys")


def run(*args: str, cwd: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, as people start it."""
    command = [sys.executable, "-m", "wiremark_conformance.cli", *args]
    env = {**os.environ, **environ}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd, env=env, encoding="utf-8"
    )


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"], ["help"]])
def test_without_a_command_all_are_listed_with_a_line_each(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(args) == 0
    lines = capsys.readouterr().out.splitlines()
    for command in cli.COMMANDS:
        assert f"  {command.name:<12}  {command.help}" in lines


def test_the_table_and_the_entry_points_name_the_same_commands() -> None:
    assert {command.name for command in cli.COMMANDS} == {
        entry.name for entry in entry_points(group=cli.GROUP)
    }


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("wiremark ")


def test_an_unknown_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["chekc"]) == 2
    assert "there is no command 'chekc'; did you mean 'check'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("missing", "told"), [("locust", True), ("wiremark_loadtests.gone", False)], ids=["an extra", "ours"]
)
def test_a_missing_extra_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str, told: bool
) -> None:
    def load(_: EntryPoint) -> Any:
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr(EntryPoint, "load", load)
    if not told:
        with pytest.raises(ModuleNotFoundError):
            cli.main(["load"])
        return
    assert cli.main(["load"]) == 2
    assert "needs locust, which is not installed: pip install 'wiremark[load]'" in capsys.readouterr().err


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; from wiremark_conformance import cli; cli.main([]); "
        "roots = {name.partition('.')[0] for name in sys.modules}; "
        "print(sorted(roots & {'pytest', 'yaml', 'jsonschema', 'locust', 'ssl'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


# -- requirements -------------------------------------------------------------------------------------


def test_requirements_are_listed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.requirements(["--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in listed] == list(load_register().requirements)
    assert all({"id", "level", "source", "text"} <= set(row) for row in listed)


def test_requirements_are_chosen_by_level_and_capability(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.requirements(["--json", "--level", "should", "--capability", "chat.stream"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed
    assert {(row["level"], row["capability"]) for row in listed} == {("SHOULD", "chat.stream")}


def test_requirements_are_listed_as_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.requirements([]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(load_register())


def test_an_unknown_capability_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.requirements(["--capability", "chatt"]) == 2
    assert "no requirement has the capability 'chatt'; did you mean 'chat'?" in capsys.readouterr().err


def test_one_requirement_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.requirements(["--explain", "chat.stream.done"]) == 0
    text = capsys.readouterr().out
    requirement = load_register()["chat.stream.done"]
    assert requirement.text in text
    assert requirement.source.ref in text
    assert commands.requirements(["--explain", "chat.stream.done", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "chat.stream.done"


def test_an_unknown_requirement_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.requirements(["--explain", "chat.stream.don"]) == 2
    assert "did you mean 'chat.stream.done'?" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m wiremark_conformance.cli requirements | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""


# -- check ----------------------------------------------------------------------------------------------


def check(folder: Path, url: str, *args: str) -> subprocess.CompletedProcess[str]:
    return run("check", "--base-url", url, *args, cwd=folder, PYTEST_ADDOPTS="--no-such-option")


def test_a_good_endpoint_is_zero_whatever_the_folder_holds(tmp_path: Path, endpoints: Any) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --broken\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError\n")
    (tmp_path / "test_own.py").write_text("raise RuntimeError\n")
    done = check(tmp_path, endpoints().url, "-k", "models.list", "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "HTTP request" in done.stdout
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "junit.xml",
        "report.html",
        "report.json",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"pytest.ini", "conftest.py", "test_own.py", "out"}


def test_findings_are_one(tmp_path: Path, endpoints: Any) -> None:
    answer = endpoints.answer({"data": [{"id": "m-1"}]})
    done = check(tmp_path, endpoints({("GET", "/v1/models"): answer}).url, "-k", "models.list")
    assert done.returncode == 1


def test_what_could_not_be_judged_is_three(tmp_path: Path, endpoints: Any) -> None:
    models = endpoints.answer({"object": "list", "data": [{"id": "m-1", "object": "model"}]})
    down = endpoints({("GET", "/v1/models"): models}, default=endpoints.answer({}, 500))
    done = check(tmp_path, down.url, "-k", "models.get.accepted")
    assert done.returncode == 3


def test_a_selection_of_nothing_is_wrong_use(tmp_path: Path, endpoints: Any) -> None:
    done = check(tmp_path, endpoints().url, "-k", "no-such-thing")
    assert done.returncode == 2
    assert "no requirement is selected" in done.stderr


def test_a_missing_base_url_is_wrong_use(tmp_path: Path) -> None:
    done = run("check", cwd=tmp_path)
    assert done.returncode == 2
    assert "--base-url" in done.stderr


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-q")
    monkeypatch.delenv("PYTEST_PLUGINS", raising=False)
    with commands._environment({"PYTEST_ADDOPTS": None, "PYTEST_PLUGINS": "x"}):
        assert "PYTEST_ADDOPTS" not in os.environ
        assert os.environ["PYTEST_PLUGINS"] == "x"
    assert os.environ["PYTEST_ADDOPTS"] == "-q"
    assert "PYTEST_PLUGINS" not in os.environ
