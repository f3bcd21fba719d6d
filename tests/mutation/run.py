"""Faults of the judge: change its core in every way a mutation tool knows, and see that a test notices.

    python -m tests.mutation.run             all modules of `MODULES`, three minutes on two quiet cores
    python -m tests.mutation.run sse order   some of them

The tool (mutmut) works on a copy in a temporary folder. Each change that survives has to stand in
`survivors.yaml` with the reason why nothing can be seen of it. One that does not, and an entry that has died
since, make the exit code 1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.mutation.mutants import Mutant, Verdict, compare, explained, mutants_in

ROOT = Path(__file__).resolve().parents[2]
SURVIVORS = Path(__file__).with_name("survivors.yaml")
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


def prepare(folder: Path, modules: Sequence[str]) -> None:
    """A copy of the package and its tests, laid out and set up as the tool wants them."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "conformance" / PACKAGE, folder / PACKAGE, ignore=ignored)
    for name in ("conformance", "selftest"):
        shutil.copytree(ROOT / "tests" / name, folder / "tests" / name, ignore=ignored)
    shutil.copy(ROOT / "tests" / "conftest.py", folder / "tests")
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


def mutate(folder: Path, modules: Sequence[str]) -> list[Mutant]:
    """Every mutant of the modules with what the tests said of it."""
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


def main(arguments: Sequence[str]) -> int:
    unknown = [name for name in arguments if name not in MODULES]
    if unknown:
        print(
            f"There is no module {', '.join(unknown)} here; there are {', '.join(MODULES)}.", file=sys.stderr
        )
        return 2
    modules = list(arguments) or list(MODULES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, modules)
        mutants = mutate(folder, modules)
    known = [one for one in explained(SURVIVORS) if one.module in modules]
    result = compare(mutants, known)
    print("\n".join(result.lines()))
    return 0 if result.verdict is Verdict.GOOD else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
