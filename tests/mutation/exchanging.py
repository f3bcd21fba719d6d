"""Checks made anew with a mutant: of a function that only runs while its module is imported, to make them."""

from __future__ import annotations

import ast
import contextlib
import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from types import ModuleType

from wiremark_conformance import checking
from wiremark_conformance.checking import Check

from tests.mutation.mutants import Made
from tests.mutation.swapping import tree_with

_registry: dict[str, Check] = vars(checking)["_checks"]


class NotImportableError(Exception):
    """With the mutant the module cannot be imported, or makes checks for other requirements."""


def forget(module: ModuleType) -> None:
    """Whatever the module itself has memoised."""
    for value in vars(module).values():
        if hasattr(value, "cache_clear") and value.__module__ == module.__name__:
            value.cache_clear()


@contextlib.contextmanager
def rebuilt(module: ModuleType, one: Made) -> Iterator[None]:
    """Meanwhile the checks are those of the module with the mutant in it. Raises NotImportableError."""
    with registered(module, checks_made(module, tree_with(inspect.getsource(module), one))):
        yield


@contextlib.contextmanager
def registered(module: ModuleType, made: Mapping[str, Check]) -> Iterator[None]:
    """Meanwhile these are the checks of the module. Raises NotImportableError."""
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
    return tuple(checks_made(module, source_tree(module)))


def checks_made(module: ModuleType, tree: ast.Module) -> dict[str, Check]:
    """The checks that a module makes when it is imported from this tree. Raises NotImportableError."""
    before = dict(_registry)
    scratch = {name: vars(module)[name] for name in ("__name__", "__file__", "__package__")}
    _registry.clear()
    try:
        exec(compile(tree, str(module.__file__), "exec"), scratch)  # noqa: S102
        return dict(_registry)
    except Exception as error:
        raise NotImportableError(f"{type(error).__name__}: {error}") from error
    finally:
        _registry.clear()
        _registry.update(before)


def source_tree(module: ModuleType) -> ast.Module:
    """What the module says, as it stands in its file."""
    return ast.parse(inspect.getsource(module))
