"""Schemas of this dialect, a subset of OpenAPI, as JSON Schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_SIZES = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
_DROPPED = ("propertyOrdering", "nullable", "format")


def to_json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same in JSON Schema 2020-12; keywords that only JSON Schema has are passed on."""
    found = {key: _KEYWORDS.get(key, _same)(value) for key, value in schema.items() if key not in _DROPPED}
    if found.get("type") == "type_unspecified":
        del found["type"]
    return _nullable(found) if schema.get("nullable") else found


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    if "anyOf" in schema:
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
    return schema


def _same(value: Any) -> Any:
    return value


def _type(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else [kind.lower() for kind in value]


def _schemas(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: to_json_schema(schema) for name, schema in value.items()}


_KEYWORDS: Mapping[str, Callable[[Any], Any]] = {
    "type": _type,
    "items": to_json_schema,
    "properties": _schemas,
    "anyOf": lambda value: [to_json_schema(schema) for schema in value],
    **dict.fromkeys(_SIZES, int),
}
