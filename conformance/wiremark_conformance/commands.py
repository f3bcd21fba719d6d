"""The commands of this package: `wiremark check` and `wiremark requirements`."""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wiremark_conformance import options
from wiremark_conformance.requirement import Register, Requirement, load_register

if TYPE_CHECKING:
    import pytest

    from wiremark_conformance.session import Run

GOOD, FINDINGS, WRONG_USE, NOT_JUDGED, INTERRUPTED = 0, 1, 2, 3, 130

# Other plugins of the environment, and options meant for other runs, have no say in ours.
_ENVIRONMENT: Mapping[str, str | None] = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": None,
    "PYTEST_PLUGINS": None,
}


# -- wiremark check ---------------------------------------------------------------------------------


def check(argv: Sequence[str]) -> int:
    """Run the suite with its own packaged settings, from any folder.

    Returns 0 good, 1 findings, 2 wrong use, 3 the endpoint could not be judged.
    """
    import pytest

    from wiremark_conformance import plugin

    given = _check_parser().parse_args(argv)
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


def _check_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wiremark check",
        description="Hold an endpoint to a contract.",
        epilog="exit codes: 0 good, 1 findings, 2 wrong use, 3 the endpoint could not be judged",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--base-url", required=True, metavar="URL", help="the endpoint, such as http://127.0.0.1:8000/v1"
    )
    options.add_to_command(parser)
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


# -- wiremark requirements ---------------------------------------------------------------------------


def requirements(argv: Sequence[str]) -> int:
    """List the register, or explain one requirement."""
    given = _requirements_parser().parse_args(argv)
    register = load_register()
    if given.explain is not None:
        return _explain(register, given.explain, as_json=given.json)
    known = sorted({r.capability for r in register if r.capability})
    if given.capability is not None and given.capability not in known:
        return _complain(
            f"no requirement is of the capability {given.capability!r}; there are {', '.join(known)}"
        )
    chosen = [
        requirement
        for requirement in register
        if given.level in {None, requirement.level} and given.capability in {None, requirement.capability}
    ]
    if given.json:
        print(json.dumps([_as_json(requirement) for requirement in chosen], indent=2, ensure_ascii=False))
    else:
        width = max((len(requirement.id) for requirement in chosen), default=0)
        for requirement in chosen:
            print(f"{requirement.id:<{width}}  {requirement.level:<6}  {requirement.text}")
    return GOOD


def _as_json(requirement: Requirement) -> dict[str, Any]:
    """A requirement as `wiremark requirements --json` lists it."""
    return {
        "id": requirement.id,
        "level": requirement.level,
        "area": requirement.area,
        "capability": requirement.capability,
        "source": {"kind": requirement.source.kind, "ref": requirement.source.ref},
        "text": requirement.text,
    }


def _requirements_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wiremark requirements", description="List the requirements.", allow_abbrev=False
    )
    parser.add_argument(
        "--json", action="store_true", help="a JSON list with id, level, area, source, text, …"
    )
    parser.add_argument("--level", type=str.upper, choices=("MUST", "SHOULD", "MAY"))
    parser.add_argument("--capability", metavar="NAME", help="those of one capability, such as chat.stream")
    parser.add_argument("--explain", metavar="ID", help="everything about one requirement")
    return parser


def _explain(register: Register, requirement_id: str, *, as_json: bool) -> int:
    if requirement_id not in register:
        near = difflib.get_close_matches(requirement_id, register.requirements, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return _complain(f"there is no requirement {requirement_id!r}{hint}")
    requirement = register[requirement_id]
    if as_json:
        print(json.dumps(_as_json(requirement), indent=2, ensure_ascii=False))
        return GOOD
    print(f"{requirement.id}  {requirement.level}\n\n  {requirement.text}\n")
    print(f"  applies to  {requirement.capability or 'every endpoint'}")
    print(f"  source      {requirement.source.kind}: {requirement.source.ref}")
    if requirement.example is not None:
        for name, example in (("right", requirement.example.right), ("wrong", requirement.example.wrong)):
            if example:
                print(f"\n  {name}:")
                print("\n".join(f"    {line}" for line in example.splitlines()))
    return GOOD


def _complain(sentence: str) -> int:
    print(f"wiremark: {sentence}", file=sys.stderr)
    return WRONG_USE
