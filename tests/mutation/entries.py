"""What a mutant of a table changes: its entries before and after."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from tests.mutation.mutants import Change, Made, change

_LONG = 60  # characters of an entry that is told whole


def changed(module: str, one: Made) -> Change:
    """What a mutant changes: lines of a function, or entries of a table."""
    if not one.is_table:
        return change(module, one.function, one.before, one.after)
    before, after = (list(_entries(returned(text))) for text in (one.before, one.after))
    shared = _alike(before, after)
    left = _alike(before[shared:][::-1], after[shared:][::-1])
    was, now = (" / ".join(entries[shared : len(entries) - left]) for entries in (before, after))
    return Change(module, one.function, was, now)


def returned(source: str) -> ast.expr:
    """What a function returns that has but the one line."""
    match ast.parse(source).body:
        case [ast.FunctionDef(body=[ast.Return(ast.expr() as value)])]:
            return value
    raise ValueError(f"no function that returns a table: {source!r}")


def _entries(node: ast.expr) -> Iterator[str]:
    """A table, entry by entry; one that is long, in turn by its entries."""
    whole = ast.unparse(node)
    below = [] if len(whole) <= _LONG else list(_below(node))
    if not below:
        yield whole
    for prefix, entry in below:
        for line in _entries(entry):
            yield f"{prefix}{line}"


def _below(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Tuple(entries) | ast.List(entries) | ast.Set(entries):
            yield from (("", entry) for entry in entries)
        case ast.Dict(keys, values):
            names = ["**" if key is None else f"{ast.unparse(key)}: " for key in keys]
            yield from zip(names, values, strict=True)
        case ast.Call(function, arguments, named):
            yield from ((f"{ast.unparse(function)} ", entry) for entry in arguments)
            yield from ((f"{ast.unparse(function)} {one.arg or '**'}=", one.value) for one in named)
        case ast.Starred(value):
            yield "*", value


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many entries are the same, from the first on."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))
