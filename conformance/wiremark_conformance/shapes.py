"""Validation against schemas, once per shape: a stream has hundreds of chunks and few shapes.

Two documents have one shape when no schema of ours can tell them apart: same keys and types, the same
words of closed lists, numbers between the same bounds, texts that meet the same patterns. What is valid
once is then valid for good, so valid shapes are remembered.
"""

from __future__ import annotations

import re
from bisect import bisect, bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from wiremark_schemas import registry
from wiremark_schemas.explain import Violation, violations
from wiremark_schemas.registry import validator

_SERVED = ("meta/balance", "meta/usage-list")  # answers, among the schemas of our own files
_REMEMBERED = 4096  # shapes; an endpoint that invents more is validated each time

_valid: set[tuple[str, object]] = set()


@dataclass(frozen=True, slots=True)
class _Criteria:
    """What the schemas of answers ask of single values.

    words:  the texts of closed lists
    lows, highs: bounds of numbers, in order
    """

    words: frozenset[str]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    patterns: tuple[re.Pattern[str], ...]


@cache
def _criteria() -> _Criteria:
    names = [n for n in registry.names() if not n.startswith("meta/") and not n.endswith(".request")]
    nodes = [node for name in (*names, *_SERVED) for node in _nodes(registry.load(name))]
    words = [word for node in nodes for word in (*_listed(node.get("enum")), node.get("const"))]
    patterns = {node["pattern"] for node in nodes if isinstance(node.get("pattern"), str)}
    return _Criteria(
        frozenset(word for word in words if isinstance(word, str)),
        _numbers(nodes, "minimum"),
        _numbers(nodes, "maximum"),
        tuple(re.compile(pattern) for pattern in sorted(patterns)),
    )


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else _listed(value):
        yield from _nodes(child)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _numbers(nodes: list[dict[str, Any]], key: str) -> tuple[float, ...]:
    """The values of a keyword; a property of that name has a schema for its value, and is none."""
    return tuple(sorted({node[key] for node in nodes if isinstance(node.get(key), int | float)}))


def shape(value: Any) -> object:
    """What a schema can tell apart in a JSON value, whose type is exactly one of JSON's."""
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is dict:
        return tuple([(name, shape(entry)) for name, entry in value.items()])
    if kind is list:
        return ("list", *{shape(entry): None for entry in value})
    return _number(value) if kind is int or kind is float else (value,)


def _number(value: float) -> object:
    asked = _criteria()
    return ("number", value == value // 1, bisect(asked.lows, value), bisect_left(asked.highs, value))


@lru_cache(maxsize=4096)
def _text(value: str) -> object:
    asked = _criteria()
    if value in asked.words:
        return value
    return ("text", value == "", *(bool(pattern.search(value)) for pattern in asked.patterns))


def schema_violations(schema: str, document: Any) -> list[Violation]:
    """Violations of the schema of that name; empty when the document is valid."""
    known = (schema, shape(document))
    if known in _valid:
        return []
    found = violations(validator(schema), document)
    if not found and len(_valid) < _REMEMBERED:
        _valid.add(known)
    return found


def type_violations(
    schema: str, documents: Iterable[Any], judged_elsewhere: frozenset[str]
) -> list[Violation]:
    """Violations of a schema, without missing keys and without keys that have a check of their own."""
    distinct = {shape(document): document for document in documents}
    return [
        violation
        for document in distinct.values()
        for violation in schema_violations(schema, document)
        if not violation.expected.startswith("the key ")
        and violation.pointer.rpartition("/")[2] not in judged_elsewhere
    ]
