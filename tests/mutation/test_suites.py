"""Mutants tried by tests, of a module that is made for it: decorators, memory, and what runs at import."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest

from tests.mutation.core import endings
from tests.mutation.forking import EndedError, in_child
from tests.mutation.mutants import Made

MODULE = """\
from functools import cache, cached_property


@cache
def factor():
    return 2


def table(size):
    return [number * 2 for number in range(size)]


TABLE = table(3)


def maker(word):
    def said():
        return word + "!"

    return said


hello = maker("hello")


class Error(Exception):
    def __init__(self, text):
        super().__init__(text + ".")


class Box:
    def __init__(self, size):
        self.size = size

    @cached_property
    def double(self):
        return self.size * factor()

    @property
    def told(self):
        return f"it holds {self.size}"


def forever(count):
    while count > 0:
        count -= 1
    return count


def unseen():
    return 1
"""
TESTS = """\
import pytest
import toy

BEFORE = toy.factor()


def test_factor():
    assert toy.factor() == 2


def test_box():
    box = toy.Box(4)
    assert box.double == 8
    assert box.told


def test_table():
    assert toy.TABLE == [0, 2, 4]


def test_hello():
    assert toy.hello() == "hello!"


def test_error():
    with pytest.raises(toy.Error, match="^x[.]$"):
        raise toy.Error("x")


def test_forever():
    assert toy.forever(2) == 0
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module, its tests and a place for what they write."""
    (tmp_path / "toy.py").write_text(MODULE)
    (tmp_path / "test_toy.py").write_text(TESTS)
    (tmp_path / "made").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they need none, and there are many
    return tmp_path


def _mutant(function: str, was: str, now: str) -> Made:
    tree = ast.parse(MODULE)
    name = function.rpartition(".")[2]
    node = next(one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and one.name == name)
    node.decorator_list = []
    before = ast.unparse(node)
    assert was in before
    return Made(function, before, before.replace(was, now))


def _tried(folder: Path, *mutants: Made) -> list[str]:
    return list(endings("toy", folder / "toy.py", mutants, [str(folder / "test_toy.py")], folder / "made"))


TABLE = (
    ("factor", "return 2", "return 3", "killed"),
    ("factor", "return 2", "return 2.0", "survived"),
    ("table", "number * 2", "number * 3", "killed"),
    ("table", "number * 2", "number + number", "survived"),
    ("table", "return", "return 1 /", "killed"),
    ("maker", "word + '!'", "word", "killed"),
    ("Error.__init__", "'.'", "'!'", "killed"),
    ("Error.__init__", "text + '.'", "f'{text}.'", "survived"),
    ("Box.double", "* factor()", "+ factor()", "killed"),
    ("Box.told", "self.size", "None", "survived"),
    ("forever", "-= 1", "+= 1", "too slow"),
    ("unseen", "1", "2", "called by no test"),
)


def test_a_mutant_is_tried_where_it_shows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.mutation.suites._SECONDS", 0.5)
    found = _tried(folder, *(_mutant(*change) for *change, _ in TABLE))
    assert found == [ending for *_, ending in TABLE]
    assert "toy" not in sys.modules


def test_tests_that_fail_as_they_are_say_nothing(folder: Path) -> None:
    (folder / "test_toy.py").write_text(TESTS.replace("== 8", "== 9"))
    with pytest.raises(RuntimeError, match="test_box"):
        _tried(folder)


def test_tests_that_cannot_be_collected_say_nothing(folder: Path) -> None:
    (folder / "test_toy.py").write_text("import nothing_of_that_name")
    with pytest.raises(RuntimeError, match=r"toy: its tests fail.*: pytest ended with 2"):
        _tried(folder)


def test_work_in_a_process_of_its_own_leaves_nothing_behind() -> None:
    here = os.getpid()
    assert in_child(os.getpid) != here
    assert os.getpid() == here


@pytest.mark.parametrize(
    ("code", "by_a_signal"), [("while True: pass", True), ("raise ValueError('no')", False)]
)
def test_work_that_does_not_end_or_breaks_is_told_apart(code: str, by_a_signal: bool) -> None:
    with pytest.raises(EndedError) as ended:
        in_child(lambda: exec(code), seconds=0.2)  # noqa: S102
    assert bool(ended.value.by) is by_a_signal
