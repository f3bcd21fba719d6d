"""Which functions of a module run meanwhile."""

from __future__ import annotations

import ast
import contextlib
import sys
import threading
from collections.abc import Iterator, Sequence
from types import FrameType

Spans = Sequence[tuple[range, str]]


def spans(source: str) -> Spans:
    """The lines of each function of a module and of its classes, what is defined within it included."""
    found = []
    for node in ast.parse(source).body:
        for below in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(below, ast.FunctionDef):
                first = min([below.lineno, *(one.lineno for one in below.decorator_list)])
                name = f"{node.name}.{below.name}" if isinstance(node, ast.ClassDef) else below.name
                found.append((range(first, (below.end_lineno or first) + 1), name))
    return found


@contextlib.contextmanager
def listening(lines: Spans, file: str, seen: set[str], called_itself: set[str]) -> Iterator[None]:
    """Meanwhile adds the functions of the file that run, and apart those of which not only inner ones do."""

    def called(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename == file:
            line = frame.f_code.co_firstlineno
            within = {name for span, name in lines if line in span}
            seen.update(within)
            called_itself.update(within & {frame.f_code.co_qualname})

    threading.setprofile(called)
    sys.setprofile(called)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
