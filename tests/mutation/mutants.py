"""Mutants as values: what each changes, what the tests said of it, and which survivors are explained."""

from __future__ import annotations

import ast
import difflib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

# The exit codes that the tool keeps for a mutant: those of pytest (1: a test failed, 3: pytest broke, 0: all
# passed), its own (36: too slow, 33: no test calls the function), and the kernel's for too slow.
_KILLED = {1: "killed", 3: "killed", 36: "too slow", -24: "too slow", 152: "too slow", -9: "too slow"}
_ALIVE = {0: "survived", 33: "called by no test", 5: "called by no test"}


class Verdict(StrEnum):
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True)
class Change:
    """A changed place: the lines of a function before and after, as Python writes them out itself."""

    module: str
    function: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.module}: {self.function}\n    - {self.was}\n    + {self.now}"


@dataclass(frozen=True)
class Mutant:
    """A change, and how the tests ended with it: `killed`, `too slow`, `survived`, `called by no test`…"""

    change: Change
    ending: str

    @property
    def lives(self) -> bool:
        return self.ending not in _KILLED.values()


@dataclass(frozen=True)
class Comparison:
    """What the tests said against what is explained.

    endings:     how many mutants ended how
    unexplained: survivors without a reason
    dead:        entries whose mutant is killed by now
    """

    endings: Counter[str]
    unexplained: tuple[Change, ...]
    dead: tuple[Change, ...]

    @property
    def verdict(self) -> Verdict:
        return Verdict.BAD if self.unexplained or self.dead else Verdict.GOOD

    def lines(self) -> Iterator[str]:
        """The result for a person."""
        for change in self.unexplained:
            yield f"survived without a reason in survivors.yaml: {change}"
        for change in self.dead:
            yield f"explained in survivors.yaml, but no longer alive: {change}"
        told = ", ".join(f"{count} {ending}" for ending, count in self.endings.most_common())
        yield f"{self.endings.total()} mutants: {told}; {len(self.unexplained)} of them unexplained"


def mutants_in(package: Path, module: str) -> list[Mutant]:
    """The mutants of a module that the tool has tried; it writes them and their ends beside each other."""
    source = package / f"{module}.py"
    codes: dict[str, Any] = json.loads(source.with_suffix(".py.meta").read_text())["exit_code_by_key"]
    functions = _functions(source.read_text())
    return [
        Mutant(_change(module, name.rpartition(".")[2], functions), _ending(code))
        for name, code in codes.items()
    ]


def _ending(code: int | None) -> str:
    if code is None:
        return "not tried"
    return _KILLED.get(code) or _ALIVE.get(code) or f"ended with {code}"


def _functions(source: str) -> dict[str, str]:
    found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    return {node.name: ast.unparse(ast.Module(node.body, [])) for node in found}


def _change(module: str, name: str, functions: dict[str, str]) -> Change:
    function = name.rpartition("__mutmut_")[0]
    before, after = functions[f"{function}__mutmut_orig"], functions[name]
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    was, now = (
        " / ".join(line[2:].strip() for line in lines if line.startswith(mark)) for mark in ("- ", "+ ")
    )
    return Change(
        module, function.removeprefix("x_").removeprefix("x").replace("ǁ", ".").lstrip("."), was, now
    )


def explained(file: Path) -> list[Change]:
    """The survivors that have a reason; each entry is {in, was, now, why}, `in` being `module: function`."""
    entries = yaml.safe_load(file.read_text()) or []
    for entry in entries:
        if set(entry) != {"in", "was", "now", "why"} or not str(entry["why"]).strip():
            raise SystemExit(
                f"{file.name}: an entry needs in, was, now and why, and has {sorted(entry)}: {entry}"
            )
    return [_explained(**{name: str(entry[name]) for name in ("in", "was", "now")}) for entry in entries]


def _explained(**entry: str) -> Change:
    module, _, function = entry["in"].partition(": ")
    return Change(module, function, entry["was"], entry["now"])


def compare(mutants: Sequence[Mutant], known: Sequence[Change]) -> Comparison:
    """What the tests said against what is explained; a change that two mutants share is explained once."""
    alive = {mutant.change: None for mutant in mutants if mutant.lives}
    return Comparison(
        Counter(mutant.ending for mutant in mutants),
        tuple(change for change in alive if change not in known),
        tuple(change for change in known if change not in alive),
    )
