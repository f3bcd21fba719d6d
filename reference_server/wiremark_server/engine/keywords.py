"""Putting JSON Schema keyword sets together, as allOf asks, and equality as JSON has it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def is_kind(value: Any, kind: str) -> bool:
    match kind:
        case "object":
            return isinstance(value, dict)
        case "array":
            return isinstance(value, list)
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "null":
            return value is None
        case "integer":
            return (
                isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
            )
        case _:
            return isinstance(value, (int, float)) and not isinstance(value, bool)


def same(one: Any, other: Any) -> bool:
    """Equality as JSON has it: true is not 1."""
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _types(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else set(value)


def merge(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any] | None:
    """Both keyword sets at once, or None when they exclude each other."""
    merged = dict(one)
    for keyword, value in other.items():
        if keyword not in merged:
            merged[keyword] = value
            continue
        have = merged[keyword]
        combine = _COMBINE.get(keyword)
        if combine is not None:
            value = combine(have, value)
            if value is None:
                return None
            merged[keyword] = value
    return merged


def _both_types(one: Any, other: Any) -> Any:
    both = _types(one) & _types(other)
    if "number" in _types(one) | _types(other) and "integer" in _types(one) | _types(other):
        both.add("integer")
    return sorted(both) or None


def _both_properties(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    return {**one, **{key: _both(one[key], value) if key in one else value for key, value in other.items()}}


def _both(one: Any, other: Any) -> Any:
    return one if one == other else {"allOf": [one, other]}


_COMBINE: Mapping[str, Any] = {
    "type": _both_types,
    "properties": _both_properties,
    "required": lambda one, other: list(dict.fromkeys([*one, *other])),
    "additionalProperties": _both,
    "items": _both,
    "enum": lambda one, other: [value for value in one if any(same(value, also) for also in other)] or None,
    "const": lambda one, other: one if same(one, other) else None,
    "uniqueItems": lambda one, other: one or other,
    **{
        keyword: lambda one, other: max(one, other)
        for keyword in ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
    },
    **{
        keyword: lambda one, other: min(one, other)
        for keyword in ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
    },
    "multipleOf": lambda one, other: (
        math.lcm(int(one), int(other))
        if float(one).is_integer() and float(other).is_integer()
        else max(one, other)
    ),
}
