"""Documents of the same shape are validated once: a stream has hundreds of chunks and few shapes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jsonschema import Draft202012Validator
from wiremark_schemas.explain import Violation, violations


def shape(value: Any) -> object:
    """What a schema of types can tell apart in a JSON value: keys, types, signs; not texts."""
    if isinstance(value, dict):
        return tuple((key, shape(entry)) for key, entry in value.items())
    if isinstance(value, list):
        return ("list", *{shape(entry): None for entry in value})
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return (value == value // 1, value < 0)
    return str


def type_violations(
    validator: Draft202012Validator, documents: Iterable[Any], judged_elsewhere: frozenset[str]
) -> list[Violation]:
    """Violations of a schema, without missing keys and without keys that have a check of their own."""
    distinct = {shape(document): document for document in documents}
    return [
        violation
        for document in distinct.values()
        for violation in violations(validator, document)
        if not violation.expected.startswith("the key ")
        and violation.pointer.rpartition("/")[2] not in judged_elsewhere
    ]
