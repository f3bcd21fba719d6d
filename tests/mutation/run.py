"""Faults of the judge: change it in every way a mutation tool knows, and see that something notices.

    python -m tests.mutation.run                    everything
    python -m tests.mutation.run sse checks/chat    what begins with these names
    python -m tests.mutation.run --list             the modules there are

The tool (mutmut) makes the changes. Its own runner passes over what has a decorator and what runs while a
module is imported, so modules that have tests of their own are tried on these by `core.py`. The checks are
tried by `trying.py`, on what the servers of the self-test answered and what the tests of the checks show.
Each change that survives has to stand in `survivors/` with the reason why nothing can be seen of it. One that
does not, and an entry that has died since, make the exit code 1. What is not finished stands in
`unfinished.yaml`: survivors of these modules are counted, and make nothing fail.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.mutation import core
from tests.mutation.mutants import Mutant, Verdict, compare, explained

ROOT = Path(__file__).resolve().parents[2]
SURVIVORS = Path(__file__).with_name("survivors")
UNFINISHED = Path(__file__).with_name("unfinished.yaml")
# What checks look at answers through stands beside them.
_BESIDE = ("codes", "gemini", "messages", "responses", "told")
CHECKS = _BESIDE + tuple(
    str(path.relative_to(ROOT / "conformance" / core.PACKAGE).with_suffix(""))
    for path in sorted((ROOT / "conformance" / core.PACKAGE).glob("checks/*/[!_]*.py"))
)
MODULES = (*core.MODULES, *CHECKS)


def main(arguments: Sequence[str]) -> int:
    """0 when nothing is unexplained, 1 when something is, 2 for a name that nothing begins with."""
    if list(arguments) == ["--list"]:
        print("\n".join(MODULES))
        return 0
    unknown = [name for name in arguments if not any(module.startswith(name) for module in MODULES)]
    if unknown:
        print(f"No module begins with {', '.join(unknown)}; --list lists them.", file=sys.stderr)
        return 2
    chosen = [m for m in MODULES if not arguments or any(m.startswith(name) for name in arguments)]
    mutants = [
        *_core([module for module in chosen if module in core.MODULES]),
        *_checks([module for module in chosen if module in CHECKS]),
    ]
    known = [one for one in explained(SURVIVORS) if one.module in chosen]
    result = compare(mutants, known, yaml.safe_load(UNFINISHED.read_text(encoding="utf-8")) or ())
    print("\n".join(result.lines()))
    return 0 if result.verdict is Verdict.GOOD else 1


def _core(modules: Sequence[str]) -> list[Mutant]:
    return core.mutate(ROOT, modules, _tell) if modules else []


def _checks(modules: Sequence[str]) -> list[Mutant]:
    if not modules:
        return []
    from tests.mutation import cases, checks, traffic

    known = traffic.catalogue()
    promises = cases.cases(traffic.record(known), known)
    return checks.mutate(ROOT / "conformance" / core.PACKAGE, modules, promises, _tell)


def _tell(module: str, mutants: Sequence[Mutant]) -> None:
    print(f"{module}: {len(mutants)} mutants, {sum(one.lives for one in mutants)} survived", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
