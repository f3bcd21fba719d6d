"""Faults of the judge: change it in every way a mutation tool knows, and see that something notices.

    python -m tests.mutation.run                    everything
    python -m tests.mutation.run sse checks/chat    what begins with these names
    python -m tests.mutation.run --quick            a few changes of a few modules of checks, in half a minute
    python -m tests.mutation.run --quick --seed 7   the same once more: every draw tells its seed
    python -m tests.mutation.run --list             the modules there are

The tool (mutmut) makes the changes. Its own runner passes over what has a decorator and what runs while a
module is imported, so modules that have tests of their own are tried on these by `core.py`. The checks are
tried by `trying.py`, on what the servers of the self-test answered and what the tests of the checks show; of
these the tables at the head of a module are changed too. Each change that survives has to stand in
`survivors/` with the reason why nothing can be seen of it. One that does not, and an entry that has died
since, make the exit code 1. What is not finished stands in `unfinished.yaml`: survivors of these modules and
tables are counted, and make nothing fail as long as a table has no more of them than are told there.
"""

from __future__ import annotations

import argparse
import ast
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutation import core
from tests.mutation.mutants import Change, Mutant, Unfinished, Verdict, compare, explained

ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = ROOT / "conformance" / core.PACKAGE
SURVIVORS = Path(__file__).with_name("survivors")
UNFINISHED = Path(__file__).with_name("unfinished.yaml")
# What checks look at answers through stands beside them.
_BESIDE = ("codes", "gemini", "messages", "responses", "told")
CHECKS = _BESIDE + tuple(
    str(path.relative_to(_PACKAGE).with_suffix(""))
    for path in sorted(_PACKAGE.glob("checks/*/*.py"))
    if len(ast.parse(path.read_text(encoding="utf-8")).body) > 1  # more than the words at its head
)
MODULES = (*core.MODULES, *CHECKS)


def main(arguments: Sequence[str]) -> int:
    """0 when nothing is unexplained, 1 when something is, 2 for a name that nothing begins with."""
    asked = _options().parse_args(arguments)
    if asked.list:
        print("\n".join(MODULES))
        return 0
    unknown = [name for name in asked.modules if not any(module.startswith(name) for module in MODULES)]
    if unknown:
        print(f"No module begins with {', '.join(unknown)}; --list lists them.", file=sys.stderr)
        return 2
    chosen = [m for m in MODULES if not asked.modules or any(m.startswith(name) for name in asked.modules)]
    known = [one for one in explained(SURVIVORS) if one.module in chosen]
    unfinished = Unfinished.read(UNFINISHED)
    if asked.quick:
        drawable = [module for module in chosen if module in CHECKS and module not in _BESIDE]
        mutants = _drawn(drawable, _seed(asked.seed), known, unfinished)
        alive = {one.change for one in mutants if one.lives}
        result = compare(mutants, [one for one in known if one in alive], unfinished)
    else:
        mutants = [
            *_core([module for module in chosen if module in core.MODULES]),
            *_checks([module for module in chosen if module in CHECKS]),
        ]
        result = compare(mutants, known, unfinished)
    print("\n".join(result.lines()))
    return 0 if result.verdict is Verdict.GOOD else 1


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.run")
    parser.add_argument("modules", nargs="*", metavar="NAME", help="how the names of modules begin")
    parser.add_argument("--list", action="store_true", help="tell the modules")
    parser.add_argument("--quick", action="store_true", help="try a few mutants of a few modules of checks")
    parser.add_argument("--seed", type=int, help="of the draw of --quick")
    return parser


def _seed(asked: int | None) -> int:
    seed = secrets.randbelow(1_000_000) if asked is None else asked
    print(f"--seed {seed}", flush=True)
    return seed


def _drawn(
    modules: Sequence[str], seed: int, known: Sequence[Change], unfinished: Unfinished
) -> list[Mutant]:
    from tests.mutation import sample

    drawn = sample.draw(_PACKAGE, modules, seed)
    print("\n".join(f"{module}: {len(some)} mutants" for module, some in drawn.items()), flush=True)
    return sample.attempt(drawn, known, unfinished.tables)


def _core(modules: Sequence[str]) -> list[Mutant]:
    return core.mutate(ROOT, modules, _tell) if modules else []


def _checks(modules: Sequence[str]) -> list[Mutant]:
    if not modules:
        return []
    from tests.mutation import cases, checks, traffic

    known = traffic.catalogue()
    promises = cases.cases(traffic.record(known), known)
    return checks.mutate(_PACKAGE, modules, promises, _tell)


def _tell(module: str, mutants: Sequence[Mutant]) -> None:
    print(f"{module}: {len(mutants)} mutants, {sum(one.lives for one in mutants)} survived", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
