"""Mutants of functions that run while their module is imported: it is imported from the changed source.

This process must not have imported anything of the package: each mutant is tried in a process forked from it.
"""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType

import pytest

from tests.mutation.mutants import Made
from tests.mutation.suites import arguments, ending
from tests.mutation.swapping import tree_with

_SECONDS = 60.0  # of computing: whatever the tests need is imported and collected too
# pytest would import the modules of a plugin itself, from their files, to make its assertions tell more.
_PLAINLY = ("-x", "--assert=plain")
_NOTICED = frozenset({1, 2, 3})  # exit codes of pytest: a test failed, none could be collected, it broke


class _Changed(SourceFileLoader):
    """A module from another tree than its file has."""

    def __init__(self, name: str, file: Path, tree: ast.Module) -> None:
        super().__init__(name, str(file))
        self._tree = tree

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        code: CodeType = compile(self._tree, self.path, "exec", dont_inherit=True)
        return code


@dataclass(frozen=True, slots=True)
class _Finder(MetaPathFinder):
    name: str
    loader: _Changed

    def find_spec(self, fullname: str, path: object, target: object = None) -> ModuleSpec | None:
        del path, target
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.loader.path, loader=self.loader)


def tried(name: str, file: Path, one: Made, tests: Sequence[str], folder: Path) -> str:
    """How the mutant ends. name: of the module, as it is imported; tests: files, or names of single tests"""
    return ending(lambda: _notices(name, file, one, tests, folder), _SECONDS)


def _notices(name: str, file: Path, one: Made, tests: Sequence[str], folder: Path) -> bool:
    try:
        tree = tree_with(file.read_text(encoding="utf-8"), one)
        sys.meta_path.insert(0, _Finder(name, _Changed(name, file, tree)))
    except SyntaxError:
        return True
    return pytest.main([*_PLAINLY, *arguments(folder), *tests]) in _NOTICED
