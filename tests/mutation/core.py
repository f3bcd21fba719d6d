"""The judging core, tried by the tool itself (mutmut), which runs the tests of a module for each mutant."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.mutation.mutants import Mutant, mutants_in

PACKAGE = "wiremark_conformance"

# Module of the judging core → the tests that hold it.
MODULES = {
    "evidence": tuple(
        f"conformance/judging/test_{name}.py"
        for name in ("evidence", "evidence_pieces", "checks_stream", "checks_tools", "judge")
    ),
    "http1": ("conformance/test_http1.py",),
    "judge": ("conformance/judging/test_judge.py", "conformance/judging/test_judge_order.py"),
    "order": ("conformance/test_order.py",),
    "readers": ("conformance/test_readers.py",),
    "selftest/matrix": ("selftest/test_matrix.py",),
    "sse": ("conformance/test_sse.py",),
    "values": ("conformance/test_values.py",),
}


_SETTINGS = """\
[tool.mutmut]
source_paths = ["{package}"]
only_mutate = [{modules}]
track_dependencies = false
pytest_add_cli_args = ["-q", "-x", "-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = [{tests}]
[tool.pytest.ini_options]
addopts = ["--strict-markers", "--import-mode=importlib"]
filterwarnings = ["error"]
timeout = 120
markers = ["real: see the project", "slow: see the project"]
"""


def _prepare(root: Path, folder: Path, modules: Sequence[str]) -> None:
    """A copy of the package and its tests, laid out and set up as the tool wants them."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "conformance" / PACKAGE, folder / PACKAGE, ignore=ignored)
    for name in ("conformance", "selftest"):
        shutil.copytree(root / "tests" / name, folder / "tests" / name, ignore=ignored)
    shutil.copy(root / "tests" / "conftest.py", folder / "tests")
    (folder / "mutants").mkdir()  # before the tool starts: it has to come first on the path of modules
    tests = sorted({f"tests/{test}" for module in modules for test in MODULES[module]})
    (folder / "pyproject.toml").write_text(
        _SETTINGS.format(
            package=PACKAGE,
            modules=_quoted(f"{PACKAGE}/{module}.py" for module in modules),
            tests=_quoted(tests),
        )
    )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _run(folder: Path, modules: Sequence[str]) -> list[Mutant]:
    environment = os.environ | {"PYTHONPATH": str(folder / "mutants")}
    command = [str(Path(sys.executable).with_name("mutmut")), "run"]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        raise SystemExit(
            f"mutmut ended with {done.returncode}:\n{done.stdout.decode(errors='replace')[-3000:]}"
        )
    found = [mutant for module in modules for mutant in mutants_in(folder / "mutants" / PACKAGE, module)]
    if not found:
        raise SystemExit("mutmut made no mutant: the modules that are named have nothing to change.")
    return found


def mutate(root: Path, modules: Sequence[str]) -> list[Mutant]:
    """Every mutant of the modules with what their tests said of it. root: of the repository"""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _prepare(root, folder, modules)
        return _run(folder, modules)
