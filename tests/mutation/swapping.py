"""A mutant in the place of a function: in the module as it lives, or in the source that it is made from."""

from __future__ import annotations

import ast
import contextlib
import inspect
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from tests.mutation.mutants import Made

_FLAGS = annotations.compiler_flag  # what stands at the head of every module


@contextlib.contextmanager
def exchanged(module: ModuleType, one: Made) -> Iterator[None]:
    """Meanwhile the function runs the code of the mutant, for everybody who has imported it.

    Raises SyntaxError, and ValueError for a method whose code names its own class (`super()`).
    """
    function = _function(module, one.function)
    scratch = dict(vars(module))
    exec(compile(one.after, str(module.__file__), "exec", _FLAGS, dont_inherit=True), scratch)  # noqa: S102
    mutant: FunctionType = scratch[one.function.rpartition(".")[2]]
    before = function.__code__, function.__defaults__, function.__kwdefaults__
    function.__code__, function.__defaults__, function.__kwdefaults__ = (
        mutant.__code__,
        mutant.__defaults__,
        mutant.__kwdefaults__,
    )
    try:
        yield
    finally:
        function.__code__, function.__defaults__, function.__kwdefaults__ = before


def tree_with(source: str, one: Made) -> ast.Module:
    """A module's source with the mutant in it, decorators as they were. Raises SyntaxError."""
    tree = ast.parse(source)
    owner, _, name = one.function.rpartition(".")
    body = (
        next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner)
        if owner
        else tree.body
    )
    place = next(i for i, node in enumerate(body) if isinstance(node, ast.FunctionDef) and node.name == name)
    mutant = ast.parse(one.after).body[0]
    for bare, whole in zip(_functions(mutant), _functions(body[place]), strict=True):
        bare.decorator_list = whole.decorator_list
    body[place] = mutant
    return ast.fix_missing_locations(tree)


def _functions(tree: ast.AST) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _function(module: ModuleType, name: str) -> FunctionType:
    """The function behind a name, whatever has been made of it by its decorators."""
    owner, _, last = name.rpartition(".")
    found: Any = vars(vars(module)[owner])[last] if owner else vars(module)[last]
    for part in ("fget", "func", "__func__"):
        found = getattr(found, part, None) or found
    function = inspect.unwrap(found)
    if not isinstance(function, FunctionType):
        raise TypeError(f"{module.__name__}.{name} is no function")
    return function
