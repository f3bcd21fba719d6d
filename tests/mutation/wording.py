"""Mutants that change nothing but the words of a finding: told by the text of the function alone.

A sentence is a string with a blank or a backtick in it, or an f-string with one between its values, unless
something is compared with it or looked up by it. What stands in a sentence, and what is handed to those that
carry one (`NotTestable`, `Silent`, …), is replaced by one constant, before and after the change; so are the
separator and the number of sentences that are joined, the value of a variable that stands in sentences alone,
and the members of a list of which beside that only matters whether it is empty. Names of headers and codecs
are read without case, and False is None where only the truth of a variable is asked. If the two functions are
then the same, no verdict can depend on the change, unless it makes the check itself break.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence

_CARRIERS = frozenset({"NotTestable", "NotPromised", "Silent", "ValueError", "BadFile"})
_QUOTING = frozenset({"shown", "str", "repr"})
# They take names of headers and codecs, in either case.
_CASELESS = frozenset({"header", "header_text", "encode", "decode"})
_TEXT = ast.Constant("text")
_ROUNDS = 2  # a value may be told by way of another variable


def is_wording(before: str, after: str) -> bool:
    """Whether two sources of a function differ in nothing but the words of findings."""
    return _skeleton(before) == _skeleton(after)


def _skeleton(source: str) -> str:
    tree = _Words().visit(ast.parse(source))
    for _ in range(_ROUNDS):
        tree = _Values(tree).visit(tree)
    return ast.dump(tree)


class _Words(ast.NodeTransformer):
    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        fixed = [part.value for part in node.values if isinstance(part, ast.Constant)]
        return _TEXT if any(_is_prose(part) for part in fixed) else node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return _TEXT if _is_prose(node.value) else node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        found = self.generic_visit(node)
        return _TEXT if node.body is _TEXT and node.orelse is _TEXT else found

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if getattr(node.func, "id", getattr(node.func, "attr", "")) in _CARRIERS:
            return ast.Call(node.func, [_TEXT], [])
        if _is_join(node):
            return ast.Call(_TEXT, [self._joined(argument) for argument in node.args], [])
        if isinstance(node.func, ast.Attribute) and node.func.attr in _CASELESS:
            return ast.Call(node.func, [_in_lower_case(one) for one in node.args], node.keywords)
        if isinstance(node.func, ast.Attribute) and node.func.attr != "append":
            owner = self.visit(node.func.value)
            given = [self.visit(one) if isinstance(one, ast.Call) else one for one in node.args]
            return ast.Call(ast.Attribute(owner, node.func.attr), given, node.keywords)
        return self.generic_visit(node)

    def _joined(self, argument: ast.expr) -> ast.expr:
        """What is joined to a sentence: each part of it is told as it is, however many are."""
        if isinstance(argument, ast.GeneratorExp) and _quotes(argument.elt):
            return ast.GeneratorExp(_TEXT, [_unshortened(one) for one in argument.generators])
        found: ast.expr = self.visit(_whole(argument))
        return found


class _Values(ast.NodeTransformer):
    """Takes out values of variables that are only told, once the sentences are gone."""

    def __init__(self, tree: ast.AST) -> None:
        loaded = Counter(_loads(tree))
        told = Counter(name for node in ast.walk(tree) for name in _told(node))
        self._used, self._decides = set(loaded), {name for name in loaded if loaded[name] > told[name]}

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        match node:
            case ast.Assign([ast.Name(name)]) if name not in self._used:
                return ast.Assign(node.targets, _TEXT, lineno=0)
            case ast.Assign([ast.Name(name)], ast.Constant(False | None)) if name not in self._decides:
                return ast.Assign(node.targets, ast.Constant(None), lineno=0)
            case ast.Assign([ast.Name(name)], ast.ListComp(_, loops)) if name not in self._decides:
                return ast.Assign(node.targets, ast.ListComp(_TEXT, loops), lineno=0)
        return node


def _loads(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id


def _told(node: ast.AST) -> Iterator[str]:
    """Variables of which here only matters whether they are empty, or which are joined to a sentence."""
    asked: Sequence[ast.expr] = ()
    match node:
        case ast.If() | ast.IfExp() | ast.While():
            asked = (node.test,)
        case ast.UnaryOp(ast.Not()):
            asked = (node.operand,)
        case ast.Call(ast.Constant()):
            asked = node.args
    for value in asked:
        if isinstance(value, ast.Name):
            yield value.id


def _unshortened(loop: ast.comprehension) -> ast.comprehension:
    return ast.comprehension(loop.target, _whole(loop.iter), loop.ifs, loop.is_async)


def _whole(node: ast.expr) -> ast.expr:
    """A list of which only the first few are told, without the number."""
    cut = isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and node.slice.lower is None
    return node.value if isinstance(node, ast.Subscript) and cut else node


def _in_lower_case(node: ast.expr) -> ast.expr:
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return ast.Constant(node.value.lower()) if is_text else node  # type: ignore[attr-defined]


def _is_prose(value: object) -> bool:
    return isinstance(value, str) and (" " in value or "`" in value)


def _is_join(node: ast.Call) -> bool:
    """Whether sentences are joined here: the separator is a constant with a blank in it."""
    called = node.func
    return (
        isinstance(called, ast.Attribute)
        and called.attr == "join"
        and isinstance(called.value, ast.Constant)
        and _is_prose(called.value.value)
    )


def _quotes(node: ast.expr) -> bool:
    """Whether a value is only quoted: `str(it)`, `shown(it)`, a sentence, or itself."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _QUOTING
    return isinstance(node, ast.JoinedStr | ast.Name)
