"""Requests as proto3 JSON allows them: names in either case, numbers as text, null for what is absent.

A schema says which names there are, so that what clients call their own things by (arguments, properties of
their schemas) stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wiremark_schemas import registry

_FOLDER = "gemini/"
_UNDERSCORE = re.compile(r"_([a-z0-9])")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_Place = tuple[Mapping[str, Any], str]  # a schema, and the name of the document that it stands in


def normalised(document: Any, schema: str) -> Any:
    """The document with the names and numbers of the schema of that name, below `gemini/`."""
    return _read(document, (registry.load(_FOLDER + schema), schema))


def _read(value: Any, place: _Place) -> Any:
    schema, name = _resolved(place)
    if isinstance(value, dict):
        return _object(value, schema, name)
    if isinstance(value, list) and "items" in schema:
        return [_read(entry, (schema["items"], name)) for entry in value]
    if schema.get("type") == "integer":
        return _integer(value)
    return value


def _object(value: Mapping[str, Any], schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    properties = schema.get("properties")
    if properties is None:
        others = schema.get("additionalProperties")
        if not isinstance(others, dict):
            return dict(value)
        return {key: _read(entry, (others, name)) for key, entry in value.items()}
    found: dict[str, Any] = {}
    for key, entry in value.items():
        known = key if key in properties else _UNDERSCORE.sub(lambda match: match[1].upper(), key)
        if known not in properties:
            found[key] = entry
        elif entry is not None:
            found[known] = _read(entry, (properties[known], name))
    return found


def _integer(value: Any) -> Any:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _resolved(place: _Place) -> _Place:
    schema, name = place
    while "$ref" in schema:
        file, _, pointer = schema["$ref"].partition("#")
        name = file.removesuffix(".json") or name
        schema = registry.load(_FOLDER + name)
        for step in pointer.split("/")[1:]:
            schema = schema[step]
    return schema, name
