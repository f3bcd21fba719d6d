"""The mutants of one module, as the tool (mutmut) makes them: each a function or a table with one change.

The tool leaves functions with decorators alone, because it would have to copy the decorator too. Here only
the body of a function is ever exchanged, so decorators are taken off before the tool looks: every check has
one. It looks into functions alone; so what the module gives to a name, which are its tables, is shown to it
as a function of that name which returns it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper
from mutmut.mutation.file_mutation import MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

from tests.mutation.mutants import Made

_TYPE = m.Subscript(value=m.Name("Literal"))


class _Bare(cst.CSTTransformer):
    def leave_FunctionDef(  # noqa: N802 - the name that the library calls
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        del original_node
        return updated_node.with_changes(decorators=[])


def made(file: Path) -> Iterator[Made]:
    """Every mutant of the functions of a module, in the order of the file."""
    return _mutated(cst.parse_module(file.read_text(encoding="utf-8")).visit(_Bare()), is_table=False)


def with_tables(file: Path) -> Iterator[Made]:
    """The same, then every mutant of its tables."""
    yield from made(file)
    tables = _tables(cst.parse_module(file.read_text(encoding="utf-8")))
    yield from _mutated(cst.Module(tuple(tables)), is_table=True)


def _mutated(module: cst.Module, *, is_table: bool) -> Iterator[Made]:
    wrapper = MetadataWrapper(module)
    visitor = MutationVisitor(mutation_operators, IgnoredCode(set(), set(), set()))
    wrapper.visit(visitor)
    names = dict(_functions(wrapper.module))
    sources = {function: _source(function) for function in names}
    for mutation in visitor.mutations:
        function = mutation.contained_by_top_level_function
        if function is not None and function in names:
            changed = deep_replace(function, mutation.original_node, mutation.mutated_node)
            if not isinstance(changed, cst.FunctionDef):
                raise TypeError(f"the tool made no function of {names[function]}")
            yield Made(names[function], sources[function], _source(changed), is_table)


def _tables(module: cst.Module) -> Iterator[cst.FunctionDef]:
    """What the module gives to names, each as a function; what Python or a type checker reads is none."""
    for statement in module.body:
        match statement:
            case cst.SimpleStatementLine(
                body=[
                    cst.Assign(
                        targets=[cst.AssignTarget(target=cst.Name(name))], value=cst.BaseExpression() as value
                    )
                    | cst.AnnAssign(target=cst.Name(name), value=cst.BaseExpression() as value)
                ]
            ) if not name.startswith("__") and not m.matches(value, _TYPE):
                returned = cst.SimpleStatementLine([cst.Return(value)])
                yield cst.FunctionDef(cst.Name(name), cst.Parameters(), cst.IndentedBlock([returned]))


def _functions(module: cst.Module) -> Iterator[tuple[cst.FunctionDef, str]]:
    for node in module.body:
        if isinstance(node, cst.FunctionDef):
            yield node, node.name.value
        elif isinstance(node, cst.ClassDef):
            for below in node.body.body:
                if isinstance(below, cst.FunctionDef):
                    yield below, f"{node.name.value}.{below.name.value}"


def _source(function: cst.FunctionDef) -> str:
    bare = function.with_changes(leading_lines=[], lines_after_decorators=[])
    return str(cst.Module([]).code_for_node(bare))
