"""The mutants of one module, as the tool (mutmut) makes them: each a function with one thing changed.

The tool leaves functions with decorators alone, because it would have to copy the decorator too. Here only
the body of a function is ever exchanged, so decorators are taken off before the tool looks: every check has
one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper
from mutmut.mutation.file_mutation import MutationVisitor, deep_replace
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

from tests.mutation.mutants import Made


class _Bare(cst.CSTTransformer):
    def leave_FunctionDef(  # noqa: N802 - the name that the library calls
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef:
        del original_node
        return updated_node.with_changes(decorators=[])


def made(file: Path) -> Iterator[Made]:
    """Every mutant of the functions of a module, in the order of the file."""
    wrapper = MetadataWrapper(cst.parse_module(file.read_text(encoding="utf-8")).visit(_Bare()))
    visitor = MutationVisitor(mutation_operators, IgnoredCode(set(), set(), set()))
    wrapper.visit(visitor)
    names = dict(_functions(wrapper.module))
    sources = {function: _source(function) for function in names}
    for mutation in visitor.mutations:
        function = mutation.contained_by_top_level_function
        if function is not None and function in names:
            changed = deep_replace(function, mutation.original_node, mutation.mutated_node)
            if not isinstance(changed, cst.FunctionDef):
                raise TypeError(f"{file}: the tool made no function of {names[function]}")
            yield Made(names[function], sources[function], _source(changed))


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
