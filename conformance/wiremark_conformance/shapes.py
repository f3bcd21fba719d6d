"""Validation against schemas, once per shape: a stream has hundreds of chunks and few shapes.

Two documents have one shape when no schema of ours can tell them apart: same keys, types, signs and
words of closed lists. What is valid once is then valid for good, so valid shapes are remembered.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wiremark_schemas.explain import Violation, violations
from wiremark_schemas.registry import validator

# Keys whose text a schema looks at; of all other texts only whether they are empty.
_CLOSED_LISTS = frozenset({"object", "role", "type", "finish_reason", "service_tier"})
_REMEMBERED = 4096  # shapes; an endpoint that invents more is validated each time

_valid: set[tuple[str, object]] = set()


def shape(value: Any, key: str = "") -> object:
    """What a schema can tell apart in a JSON value."""
    if isinstance(value, dict):
        return tuple((name, shape(entry, name)) for name, entry in value.items())
    if isinstance(value, list):
        return ("list", *{shape(entry): None for entry in value})
    if isinstance(value, bool) or value is None:
        return (value,)
    if isinstance(value, int | float):
        return ("number", value == value // 1, value < 0)
    return value if key in _CLOSED_LISTS else ("text", value == "")


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
