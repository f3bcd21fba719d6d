"""A mutant in the place of a table of a live module, for a while.

A table is what a module gives to a name. The statement is carried out with the change in it, in the
namespace of the module, so that every function of it reads the changed table; and so is each later statement
which gives to a name what comes of it. Checks that are made of it are made anew, and modules that have
imported it are treated in the same way.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import TopologicalSorter
from types import ModuleType
from typing import Any

from wiremark_conformance import checking

from tests.mutation.entries import returned
from tests.mutation.exchanging import (
    NotImportableError,
    checks_made,
    defined,
    forget,
    registered,
    source_tree,
)
from tests.mutation.mutants import Made

_PACKAGE = checking.__name__.partition(".")[0]


@dataclass
class Reach:
    """What a changed table comes to.

    names:  per module, those that have another value: `name`, or `module.name` where it has the module
    remade: modules whose checks are made of it
    """

    names: dict[ModuleType, list[str]] = field(default_factory=dict)
    remade: list[ModuleType] = field(default_factory=list)

    def modules(self) -> Iterator[ModuleType]:
        """All of which something depends on it."""
        return iter(dict.fromkeys((*self.names, *self.remade)))

    def readers(self, module: ModuleType) -> Iterator[str]:
        """The functions and methods of a module that look at it when they are called."""
        changed = set(self.names.get(module, ()))
        return (name for name, read in _shape(module).bodies.items() if read & changed)


def reach(module: ModuleType, name: str) -> Reach:
    """Where the value of a name of the module gets to, by way of the modules that import it."""
    found = Reach()
    _follow(module, [name], found)
    return found


def _follow(module: ModuleType, names: Iterable[str], found: Reach) -> None:
    shape = _shape(module)
    known = found.names.setdefault(module, [])
    new = [name for name in names if name not in known]
    known += new
    for statement in shape.statements:
        if statement.reads & set(known):
            if not statement.gives:
                found.remade += [module] if module not in found.remade else []
            further = [name for name in statement.gives if name not in known]
            known += further
            new += further
    for other, local, name in _importers(module) if new else ():
        if name in new:
            _follow(other, [local], found)
    for other, local in _holders(module) if new else ():
        _follow(other, [f"{local}.{name}" for name in new], found)


@contextlib.contextmanager
def retabled(module: ModuleType, one: Made, reached: Reach) -> Iterator[None]:
    """Meanwhile the table is that of the mutant. Raises NotImportableError."""
    mutant = returned(one.after)
    for place in reached.remade:
        defined(place)  # is memoised: afterwards it would be what the mutant makes
    before = {
        place: {name: vars(place)[name] for name in names if name in vars(place)}
        for place, names in reached.names.items()
    }
    with contextlib.ExitStack() as stack:
        stack.callback(_restore, before)
        stack.callback(_forget, reached)
        try:
            _carry_out(module, one.function, mutant, reached)
        except Exception as error:
            raise NotImportableError(f"{type(error).__name__}: {error}") from error
        for place in reached.remade:
            tree = _with_table(place, one.function, mutant) if place is module else source_tree(place)
            stack.enter_context(registered(place, checks_made(place, tree)))
        _forget(reached)
        yield


def _restore(before: Mapping[ModuleType, Mapping[str, Any]]) -> None:
    for place, values in before.items():
        vars(place).update(values)


def _forget(reached: Reach) -> None:
    for place in reached.modules():
        forget(place)


def _carry_out(module: ModuleType, name: str, mutant: ast.expr, reached: Reach) -> None:
    """Gives the names their values once more, of each module those that it has imported first."""
    within = {
        place: {other for other, _, _ in _imports(place) if other in reached.names} for place in reached.names
    }
    for place in TopologicalSorter(within).static_order():
        for other, local, theirs in _imports(place):
            if theirs in reached.names.get(other, ()):
                vars(place)[local] = vars(other)[theirs]
        tree = _with_table(place, name, mutant) if place is module else source_tree(place)
        chosen = [node for node in tree.body if set(_given(node)) & set(reached.names[place])]
        code = ast.fix_missing_locations(ast.Module(chosen, []))
        exec(compile(code, str(place.__file__), "exec"), vars(place))  # noqa: S102


def _with_table(module: ModuleType, name: str, value: ast.expr) -> ast.Module:
    tree = source_tree(module)
    for node in tree.body:
        if _given(node) == (name,) and isinstance(node, ast.Assign | ast.AnnAssign):
            node.value = value
    return tree


@dataclass(frozen=True)
class _Statement:
    """What is carried out when a module is imported: the names it gives values to, and those it reads."""

    gives: tuple[str, ...]
    reads: set[str]


@dataclass(frozen=True)
class _Shape:
    """statements: in order; bodies: function or method → the names that it reads when it is called"""

    statements: tuple[_Statement, ...]
    bodies: Mapping[str, set[str]]


@cache
def _shape(module: ModuleType) -> _Shape:
    tree = source_tree(module)
    bodies = dict(_bodies(tree))
    statements = (_Statement(_given(node), _at_import(node, bodies)) for node in tree.body)
    return _Shape(tuple(statements), bodies)


def _bodies(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    for node in tree.body:
        for below in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(below, ast.FunctionDef):
                name = below.name if below is node else f"{node.name}.{below.name}"  # type: ignore[attr-defined]
                yield name, {read for line in below.body for read in _loads(line)}


def _at_import(node: ast.stmt, bodies: Mapping[str, set[str]]) -> set[str]:
    """What is read while it is carried out, by the functions of the module too that are called by then."""
    match node:
        case ast.Import() | ast.ImportFrom():
            return set()
        case ast.FunctionDef(args=arguments, decorator_list=decorators):
            parts: list[ast.AST] = [arguments, *decorators]
        case ast.ClassDef(body=body, decorator_list=decorators):
            methods = [line for line in body if isinstance(line, ast.FunctionDef)]
            parts = [*decorators, *(line for line in body if line not in methods)]
            parts += [decorator for method in methods for decorator in method.decorator_list]
        case _:
            parts = [node]
    found = {name for part in parts for name in _loads(part)}
    pending = list(found)
    while pending:
        for name in bodies.get(pending.pop(), set()) - found:
            found.add(name)
            pending.append(name)
    return found


def _given(node: ast.stmt) -> tuple[str, ...]:
    match node:
        case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name), value=ast.expr()):
            return (name,)
        case ast.Assign(targets=[ast.Tuple(elts=names)]):
            return tuple(one.id for one in names if isinstance(one, ast.Name))
    return ()


def _loads(node: ast.AST) -> Iterator[str]:
    for below in ast.walk(node):
        match below:
            case ast.Name(name, ast.Load()):
                yield name
            case ast.Attribute(ast.Name(owner), name, ast.Load()):
                yield f"{owner}.{name}"


@cache
def _imports(module: ModuleType) -> tuple[tuple[ModuleType, str, str], ...]:
    """Module it imports from, the name that a thing has here, the name that it has there."""
    return tuple(
        (sys.modules[node.module], alias.asname or alias.name, alias.name)
        for node in source_tree(module).body
        if isinstance(node, ast.ImportFrom) and node.module in sys.modules
        for alias in node.names
        if node.module.startswith(_PACKAGE)
    )


@cache
def _importers(module: ModuleType) -> tuple[tuple[ModuleType, str, str], ...]:
    """Module that imports from it, the name that a thing has there, the name that it has here."""
    return tuple(
        (other, local, name)
        for other in _package()
        for where, local, name in _imports(other)
        if where is module
    )


@cache
def _holders(module: ModuleType) -> tuple[tuple[ModuleType, str], ...]:
    """Module that imports it whole, and the name that it has there."""
    return tuple(
        (other, local)
        for other in _package()
        for where, local, name in _imports(other)
        if vars(where).get(name) is module
    )


def _package() -> Iterator[ModuleType]:
    loaded = (module for name, module in list(sys.modules.items()) if name.startswith(f"{_PACKAGE}."))
    return (module for module in loaded if getattr(module, "__file__", None))
