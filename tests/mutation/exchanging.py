"""A mutant in the place of a function of a live module, for a while.

Most functions are exchanged by their code, so that everybody who has imported one has the mutant. One that
only runs while its module is imported, to make checks, has had its effect; then these are made anew.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
from collections.abc import Iterator
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from wiremark_conformance import checking
from wiremark_conformance.checking import Check

from tests.mutation.mutants import Made

_FLAGS = annotations.compiler_flag  # what stands at the head of every module
_registry: dict[str, Check] = vars(checking)["_checks"]


class NotImportableError(Exception):
    """With the mutant the module cannot be imported, or makes checks for other requirements."""


@contextlib.contextmanager
def exchanged(module: ModuleType, one: Made) -> Iterator[None]:
    """Meanwhile the function runs the code of the mutant. Raises SyntaxError."""
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


@contextlib.contextmanager
def rebuilt(module: ModuleType, one: Made) -> Iterator[None]:
    """Meanwhile the checks are those of the module with the mutant in it. Raises NotImportableError."""
    tree = _tree(module)
    owner, _, name = one.function.rpartition(".")
    body = (
        next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner)
        if (owner)
        else tree.body
    )
    place = next(i for i, node in enumerate(body) if isinstance(node, ast.FunctionDef) and node.name == name)
    mutant = ast.parse(one.after).body[0]
    for bare, whole in zip(_functions(mutant), _functions(body[place]), strict=True):
        bare.decorator_list = whole.decorator_list
    body[place] = mutant
    made = _made(module, tree)
    if made.keys() != set(defined(module)):
        raise NotImportableError("checks for other requirements are made")
    before = dict(_registry)
    _registry.update(made)
    try:
        yield
    finally:
        _registry.update(before)


@cache
def defined(module: ModuleType) -> tuple[str, ...]:
    """The requirements whose checks the module makes."""
    return tuple(_made(module, _tree(module)))


def _made(module: ModuleType, tree: ast.Module) -> dict[str, Check]:
    """The checks that a module makes when it is imported from this tree."""
    before = dict(_registry)
    scratch = {name: vars(module)[name] for name in ("__name__", "__file__", "__package__")}
    _registry.clear()
    try:
        exec(compile(ast.fix_missing_locations(tree), str(module.__file__), "exec"), scratch)  # noqa: S102
        return dict(_registry)
    except Exception as error:
        raise NotImportableError(f"{type(error).__name__}: {error}") from error
    finally:
        _registry.clear()
        _registry.update(before)


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


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
