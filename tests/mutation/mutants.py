"""Mutants as values: what each changes, what the tests said of it, and which survivors are explained."""

from __future__ import annotations

import ast
import difflib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import yaml

UNDECIDED = "not decided"  # by the quick form
_DONE_WITH = frozenset({"killed", "too slow", "wording", UNDECIDED})


class Verdict(StrEnum):
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Made:
    """A function of a module or of one of its classes, whole and without decorators; or a table.

    function: its name, of a method with the class's before it: `Answer.text`
    is_table: what the module gives to a name, as a function of that name which returns it
    """

    function: str
    before: str
    after: str
    is_table: bool = False


@dataclass(frozen=True)
class Change:
    """A changed place: the lines of a function before and after, as Python writes them out itself."""

    module: str
    function: str
    was: str
    now: str

    @property
    def place(self) -> str:
        return f"{self.module}: {self.function}"

    def __str__(self) -> str:
        return f"{self.place}\n    - {self.was}\n    + {self.now}"


@dataclass(frozen=True)
class Mutant:
    """A change, and how it ended.

    ending: `killed`, `too slow`, `wording`, `survived`, `called by no test`, `called by no case`
    """

    change: Change
    ending: str

    @property
    def lives(self) -> bool:
        return self.ending not in _DONE_WITH


@dataclass(frozen=True)
class Unfinished:
    """What may have survivors without a reason, which are only counted.

    modules: whole ones
    tables:  `module: table` → how many there are; one more is one too many
    """

    modules: Collection[str] = ()
    tables: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Unfinished:
        found = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        return cls(tuple(found.get("modules") or ()), found.get("tables") or {})


@dataclass(frozen=True)
class Comparison:
    """What the tests said against what is explained.

    endings:     how many mutants ended how
    unexplained: survivors without a reason
    dead:        entries whose mutant is killed by now
    left:        module or table that is not finished → how many survivors without a reason it has
    """

    endings: Counter[str]
    unexplained: tuple[Change, ...]
    dead: tuple[Change, ...]
    left: Mapping[str, int] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        return Verdict.BAD if self.unexplained or self.dead else Verdict.GOOD

    def lines(self) -> Iterator[str]:
        """The result for a person."""
        for change in self.unexplained:
            yield f"survived without a reason in survivors.yaml: {change}"
        for change in self.dead:
            yield f"explained in survivors.yaml, but no longer alive: {change}"
        for module, count in self.left.items():
            yield f"not finished: {count} survivors of {module} are neither killed nor explained"
        told = ", ".join(f"{count} {ending}" for ending, count in self.endings.most_common())
        unexplained = len(self.unexplained) + sum(self.left.values())
        yield f"{self.endings.total()} mutants: {told}; {unexplained} of them unexplained"


def change(module: str, function: str, before: str, after: str) -> Change:
    """The change between two sources of one function."""
    lines = list(difflib.ndiff(_body(before).splitlines(), _body(after).splitlines()))
    was, now = (
        " / ".join(line[2:].strip() for line in lines if line.startswith(mark)) for mark in ("- ", "+ ")
    )
    return Change(module, function, was, now)


def _body(source: str) -> str:
    (function,) = ast.parse(source).body
    if not isinstance(function, ast.FunctionDef):
        raise TypeError(f"this is no function: {source}")
    return ast.unparse(ast.Module(function.body, []))


def explained(folder: Path) -> list[Change]:
    """The survivors that have a reason; each entry is {in, was, now, why}, `in` being `module: function`."""
    return [one for file in sorted(folder.glob("*.yaml")) for one in _explained_in(file)]


def _explained_in(file: Path) -> list[Change]:
    entries = yaml.safe_load(file.read_text(encoding="utf-8")) or []
    for entry in entries:
        if set(entry) != {"in", "was", "now", "why"} or not str(entry["why"]).strip():
            raise SystemExit(
                f"{file.name}: an entry needs in, was, now and why, and has {sorted(entry)}: {entry}"
            )
    return [_explained(**{name: str(entry[name]) for name in ("in", "was", "now")}) for entry in entries]


def _explained(**entry: str) -> Change:
    module, _, function = entry["in"].partition(": ")
    return Change(module, function, entry["was"], entry["now"])


_ALL_DONE = Unfinished()


def compare(
    mutants: Sequence[Mutant], known: Sequence[Change], unfinished: Unfinished = _ALL_DONE
) -> Comparison:
    """What the tests said against what is explained; a change that two mutants share is explained once."""
    alive = {mutant.change: None for mutant in mutants if mutant.lives}
    unexplained = [change for change in alive if change not in known]
    counts = Counter(change.module for change in unexplained if change.module in unfinished.modules)
    tables = Counter(change.place for change in unexplained if change.module not in unfinished.modules)
    left = counts | {place: n for place, n in tables.items() if n <= unfinished.tables.get(place, 0)}
    return Comparison(
        Counter(mutant.ending for mutant in mutants),
        tuple(change for change in unexplained if not {change.module, change.place} & left.keys()),
        tuple(change for change in known if change not in alive),
        left,
    )
