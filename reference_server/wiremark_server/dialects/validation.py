"""Request documents against the shared schemas, with problems that name the field.

Validation itself takes about a microsecond. The sentence is made from the first violation only and never
quotes the value: it may be a megabyte, or private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import jsonschema_rs
from wiremark_schemas import registry

from wiremark_server.domain import problem

_METASCHEMA = "https://json-schema.org/draft/2020-12/schema"

_EXPECTED: dict[str, Callable[[Any], str]] = {
    "type": lambda kinds: "type " + " or ".join(kind for kind in kinds if kind != "null"),
    "enum": lambda choices: "one of " + ", ".join(repr(choice) for choice in choices if choice is not None),
    "constant": lambda value: repr(value),
    "minimum": lambda bound: f"at least {bound}",
    "maximum": lambda bound: f"at most {bound}",
    "minLength": lambda bound: f"at least {bound} character(s)",
    "maxLength": lambda bound: f"at most {bound} characters",
    "minItems": lambda bound: f"at least {bound} item(s)",
    "maxItems": lambda bound: f"at most {bound} items",
    "maxProperties": lambda bound: f"at most {bound} entries",
    "pattern": lambda pattern: f"text matching {pattern}",
}


def json_path(steps: Iterable[str | int]) -> str:
    """`["messages", 0, "content"]` as `messages[0].content`."""
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


@cache
def _schemas() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry(
        [(registry.load(name)["$id"], registry.load(name)) for name in registry.names()]
    )


class RequestSchema:
    """One schema, compiled with all others at hand; nothing is ever fetched."""

    def __init__(self, name: str) -> None:
        self._validator = jsonschema_rs.Draft202012Validator(
            registry.load(name), registry=_schemas(), mask="the value", offline=True
        )

    def check(self, document: dict[str, Any]) -> None:
        """Raise ProblemError with the path of the first violation and what was expected there."""
        if self._validator.is_valid(document):
            return
        violation = next(iter(self._validator.iter_errors(document)))
        path = json_path(violation.instance_path)
        kind = violation.kind
        if kind.name == "required":
            missing = json_path([*violation.instance_path, kind.value])
            raise problem.invalid_request(f"Missing required parameter: '{missing}'.", missing)
        if kind.name == "additionalProperties":
            unknown = json_path([*violation.instance_path, kind.value[0]])
            raise problem.invalid_request(f"Unknown parameter: '{unknown}'.", unknown)
        describe = _EXPECTED.get(kind.name)
        expected = f"expected {describe(kind.value)}" if describe else violation.message
        raise problem.invalid_request(f"Invalid value for '{path}': {expected}.", path or None)


def check_integers(document: Mapping[str, Any], names: Iterable[str]) -> None:
    """Refuse 10.0 where an integer is asked for: to a schema it is one, to a typed server it is not."""
    if float not in map(type, document.values()):
        return
    for name in names:
        if isinstance(document.get(name), float):
            raise problem.invalid_request(
                f"Invalid type for '{name}': expected an integer, got a decimal number.", name
            )


@cache
def _metaschema() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": _METASCHEMA}, offline=True)


def check_schema(schema: Any, param: str, *, strict: bool) -> None:
    """Refuse a client's schema that is not one, or that `strict` cannot be kept for.

    strict asks of every object what the Structured Outputs documentation asks: no additional properties, and
    all properties required.
    """
    if not _metaschema().is_valid(schema):
        raise problem.invalid_request(f"'{param}' is not a valid JSON Schema (2020-12).", param)
    if strict:
        _check_strict(schema, param)


def check_grammar(grammar: Mapping[str, Any], param: str) -> Mapping[str, Any]:
    """The schema of the texts that a custom tool's grammar allows; only regular expressions are supported."""
    if grammar["syntax"] != "regex":
        where = f"{param}.syntax"
        raise problem.invalid_request(f"Unsupported value for '{where}': only 'regex' grammars.", where)
    try:
        re.compile(grammar["definition"])
    except (re.error, OverflowError, RecursionError) as error:
        where = f"{param}.definition"
        raise problem.invalid_request(
            f"Invalid value for '{where}': it is no regular expression.", where
        ) from error
    return {"type": "string", "pattern": f"^(?:{grammar['definition']})$"}


def _check_strict(root: Any, param: str) -> None:
    pending: list[Any] = [root]
    while pending:
        schema = pending.pop()
        if isinstance(schema, list):
            pending.extend(schema)
            continue
        if not isinstance(schema, dict):
            continue
        properties = schema.get("properties")
        if schema.get("type") == "object" or isinstance(properties, dict):
            names = properties if isinstance(properties, dict) else {}
            if schema.get("additionalProperties") is not False:
                raise problem.invalid_request(
                    f"'{param}': with `strict`, every object needs 'additionalProperties': false.", param
                )
            missing = sorted(set(names) - set(schema.get("required", ())))
            if missing:
                raise problem.invalid_request(
                    f"'{param}': with `strict`, 'required' must list every property; missing: "
                    f"{', '.join(missing)}.",
                    param,
                )
        pending.extend(_subschemas(schema))


def _subschemas(schema: dict[str, Any]) -> list[Any]:
    """The subschemas of a schema: where keywords hold one, a list or a map of them."""
    found: list[Any] = []
    for keyword in ("properties", "$defs", "definitions", "patternProperties"):
        below = schema.get(keyword)
        if isinstance(below, dict):
            found.extend(below.values())
    below = ("items", "anyOf", "oneOf", "allOf", "prefixItems", "not")
    found.extend(schema[keyword] for keyword in below if keyword in schema)
    return found
