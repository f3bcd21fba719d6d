"""The commands of this package: `wiremark check`, `wiremark record` and `wiremark requirements`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wiremark_conformance import options
from wiremark_conformance.listing import requirements

if TYPE_CHECKING:
    import pytest

    from wiremark_conformance.session import Run

__all__ = ["check", "record", "requirements"]

GOOD, FINDINGS, WRONG_USE, NOT_JUDGED, INTERRUPTED = 0, 1, 2, 3, 130

# Other plugins of the environment, and options meant for other runs, have no say in ours.
_ENVIRONMENT: Mapping[str, str | None] = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": None,
    "PYTEST_PLUGINS": None,
}


def check(argv: Sequence[str]) -> int:
    """Run the suite with its own packaged settings, from any folder.

    Returns 0 good, 1 findings, 2 wrong use, 3 the endpoint could not be judged.
    """
    parser = _check_parser("check", "Hold an endpoint to a contract.")
    options.add_to_command(parser)
    return _run(parser.parse_args(argv))


def record(argv: Sequence[str]) -> int:
    """Run the suite as `check` does, and keep every exchange in a file. Returns what `check` returns."""
    parser = _check_parser(
        "record", "Hold an endpoint to a contract, and record the run for `wiremark judge`."
    )
    recording = options.BY_NAME["record"]
    options.add_to_command(parser, without=recording.name)
    parser.add_argument(
        "--output",
        "-o",
        dest=recording.dest,
        metavar="FILE",
        required=True,
        help="record the run in this file",
    )
    return _run(parser.parse_args(argv))


def _run(given: argparse.Namespace) -> int:
    import pytest

    from wiremark_conformance import plugin

    witness = _Witness()
    with _environment(_ENVIRONMENT):
        code = pytest.main(_pytest_args(given), plugins=[plugin, witness])
    return exit_code(code, witness.run)


def exit_code(code: int, run: Run | None) -> int:
    """pytest's exit code as the command line's; `run` tells findings from what was not judged."""
    match code:
        case 0:
            return GOOD
        case 1:
            return FINDINGS if run is None or run.findings else NOT_JUDGED
        case 2:
            return INTERRUPTED
        case 4:
            return NOT_JUDGED if run is not None and run.unjudgeable else WRONG_USE
        case 5:
            print("wiremark: no requirement is selected by -m or -k", file=sys.stderr)
            return WRONG_USE
        case _:
            return NOT_JUDGED


class _Witness:
    """Keeps the run, which pytest does not hand out."""

    run: Run | None = None

    def pytest_unconfigure(self, config: pytest.Config) -> None:
        from wiremark_conformance.plugin import RUN

        self.run = config.stash.get(RUN, None)


def _check_parser(command: str, purpose: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"wiremark {command}",
        description=purpose,
        epilog="exit codes: 0 good, 1 findings, 2 wrong use, 3 the endpoint could not be judged",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--base-url", required=True, metavar="URL", help="the endpoint, such as http://127.0.0.1:8000/v1"
    )
    parser.add_argument(
        "-m", dest="markers", metavar="EXPR", help="by marker: -m 'must and chat and not tools'"
    )
    parser.add_argument("-k", dest="keywords", metavar="EXPR", help="by id: -k chat.stream")
    parser.add_argument("-v", "--verbose", action="store_true", help="one line a requirement")
    parser.add_argument("-x", "--exitfirst", action="store_true", help="stop at the first finding")
    return parser


def _pytest_args(given: argparse.Namespace) -> list[str]:
    from wiremark_conformance import plugin

    args = ["-c", str(Path(__file__).with_name("pytest.ini")), "--noconftest"]
    args += ["--pyargs", plugin.PACKAGE, f"--base-url={given.base_url}"]
    for option in options.OPTIONS:
        value = getattr(given, option.dest)
        if value is not None:
            args.append(f"{option.flag}={value}")
    args += [f"-m={given.markers}"] if given.markers else []
    args += [f"-k={given.keywords}"] if given.keywords else []
    args += ["-v"] if given.verbose else ["-q"]
    args += ["-x"] if given.exitfirst else []
    return args


@contextmanager
def _environment(changes: Mapping[str, str | None]) -> Iterator[None]:
    """The process's environment with some variables set, or taken out, for a while."""
    before = {name: os.environ.get(name) for name in changes}

    def put(values: Mapping[str, str | None]) -> None:
        for name, value in values.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    put(changes)
    try:
        yield
    finally:
        put(before)
