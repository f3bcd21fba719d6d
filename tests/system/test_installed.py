"""Installed next to a stranger's project: one that owns packages called `schemas` and `reports`.

What a wheel would install is laid out, from the list in pyproject.toml, in the project's own
`.venv`, where pytest does not look for tests unless it is led there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("no_keys")

ROOT = Path(__file__).parents[2]
INIS = {
    "none": "",
    "pythonpath": "pythonpath = .",
    "importlib": "addopts = --import-mode=importlib",
    "other files": "python_files = spec_*.py test_*.py",
    "all files": "python_files = *.py",
    "strict": "addopts = --strict-markers --strict-config\nfilterwarnings = error",
}
# Plugins of the environment the tests run in, left out only because they are slow to load.
WITHOUT = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:locust", "-p", "no:pytest_cov")
OWN_TEST = """
from reports.weekly import OURS as reports_are_ours
from schemas.order import OURS as schemas_are_ours

def test_own():
    assert reports_are_ours and schemas_are_ours
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with its own `schemas` and `reports`, and wiremark in its `.venv`."""
    for package, module in (("schemas", "order"), ("reports", "weekly")):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
        (tmp_path / package / f"{module}.py").write_text("OURS = True\n")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_own.py").write_text(OWN_TEST)
    (tmp_path / "conftest.py").write_text("")
    site = site_packages(tmp_path)
    site.mkdir(parents=True)
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for package in settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, site / Path(package).name, ignore=ignored)
    info = site / "wiremark-9.9.9.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wiremark\nVersion: 9.9.9\n")
    groups = {"pytest11": settings["project"]["entry-points"]["pytest11"]}
    lines = [
        f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in names.items()) for group, names in groups.items()
    ]
    (info / "entry_points.txt").write_text("\n\n".join(lines) + "\n")
    return tmp_path


def site_packages(project: Path) -> Path:
    return project / ".venv" / "lib" / "python3" / "site-packages"


def run(project: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """`python -m pytest` in the project, our copy before any other on the path."""
    env = {**os.environ, "PYTHONPATH": str(site_packages(project))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *WITHOUT, *args],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("settings", INIS.values(), ids=INIS.keys())
def test_the_projects_own_tests_stay_green(project: Path, settings: str) -> None:
    (project / "pytest.ini").write_text(f"[pytest]\n{settings}\n")
    done = run(project, "-q", "tests/test_own.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("settings", INIS.values(), ids=INIS.keys())
def test_the_suite_runs_from_the_projects_own_environment(
    project: Path, settings: str, endpoints: Any
) -> None:
    (project / "pytest.ini").write_text(f"[pytest]\ntestpaths = tests\n{settings}\n")
    done = run(project, f"--base-url={endpoints().url}", "-k", "models.list", "--wiremark-report=out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "wiremark 9.9.9: http://127.0.0.1" in done.stdout
    assert "test_own" not in done.stdout
    assert (project / "out" / "report.json").exists()


def test_the_suite_can_be_named_by_its_path(project: Path, endpoints: Any) -> None:
    register = site_packages(project) / "wiremark_conformance" / "register" / "models.yaml"
    done = run(project, f"--base-url={endpoints().url}", str(register), "-k", "models.list")
    assert done.returncode == 0, done.stdout + done.stderr
