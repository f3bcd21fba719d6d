"""Documents for JSON Schemas: judged by a validator that the engine does not use."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wiremark_server.engine.jsonout import Hints, generate
from wiremark_server.engine.protocol import UnsupportedSchema

HINTS = Hints("Weather in Paris for 3 days", ("Paris",), (3.0,), (" river", " stone"), seed=5)

CASES: dict[str, Any] = {
    "anything": True,
    "empty": {},
    "const": {"const": {"a": [1, None]}},
    "enum of mixed types": {"enum": [1, "a", None]},
    "enum narrowed by type": {"type": "string", "enum": [1, "a"]},
    "nullable by list": {"type": ["null", "string"]},
    "nullable by union": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
    "pydantic optional": {
        "properties": {"x": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}},
        "type": "object",
        "required": ["x"],
    },
    "allOf adds up": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"a": {"minLength": 12}, "b": {"type": "integer"}}, "required": ["b"]},
        ]
    },
    "allOf of kinds": {
        "allOf": [{"type": "number"}, {"type": ["integer", "string"]}, {"minimum": 3}, {"minimum": 9}]
    },
    "allOf of enums": {"allOf": [{"enum": [1, "a", True]}, {"enum": [True, "b"]}]},
    "allOf of consts": {"allOf": [{"const": 1}, {"const": 1}, True]},
    "allOf of multiples": {"type": "integer", "minimum": 1, "allOf": [{"multipleOf": 4}, {"multipleOf": 6}]},
    "allOf of arrays": {
        "type": "array",
        "allOf": [
            {"items": {"type": "integer"}, "minItems": 2, "uniqueItems": True},
            {"items": {"minimum": 5, "maximum": 7}, "maxItems": 3, "uniqueItems": False},
        ],
    },
    "a union whose first branch is closed": {
        "type": "string",
        "anyOf": [False, {"type": "integer"}, {"const": "b"}],
    },
    "a branch that leads nowhere": {
        "anyOf": [{"type": "integer", "minimum": 2, "maximum": 1}, {"type": "string"}]
    },
    "tuple of draft 7": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "array",
        "items": [{"type": "string"}, {"type": "boolean"}],
        "additionalItems": False,
        "minItems": 2,
    },
    "telling without a type": {"minLength": 3},
    "reference into a list": {"anyOf": [{"type": "boolean"}, {"$ref": "#/anyOf/0"}]},
    "an optional part that cannot be": {"type": "object", "properties": {"a": False, "b": {"type": "null"}}},
    "no number of two digits fits": {"type": "number", "minimum": 0.0001, "maximum": 0.00011},
    "below zero": {"type": "number", "maximum": -3},
    "oneOf with overlap": {
        "oneOf": [{"type": "integer"}, {"type": "number", "minimum": 0.5, "maximum": 0.7}]
    },
    "oneOf by discriminator": {
        "oneOf": [
            {"type": "object", "properties": {"kind": {"const": kind}}, "required": ["kind"]}
            for kind in ("cat", "dog")
        ]
    },
    "tree": {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "value": {"type": "integer"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
                "required": ["value", "children"],
                "additionalProperties": False,
            }
        },
    },
    "linked list through the root": {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["next"],
    },
    "definitions with escapes": {"$ref": "#/definitions/a~1b", "definitions": {"a/b": {"type": "boolean"}}},
    "tuple": {
        "type": "array",
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "items": False,
        "minItems": 2,
    },
    "contains": {"type": "array", "contains": {"const": 7}, "minItems": 2},
    "unique": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    "unique and narrow": {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True},
    "many items": {"type": "array", "items": {"type": "integer"}, "minItems": 50, "maxItems": 50},
    "exclusive bounds": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "negative range": {"type": "integer", "minimum": -7, "maximum": -5},
    "only a maximum": {"type": "integer", "exclusiveMaximum": -100},
    "multipleOf": {"type": "integer", "multipleOf": 7, "minimum": 50, "maximum": 60},
    "fractional multipleOf": {"type": "number", "multipleOf": 0.25, "minimum": 10.1},
    "whole multiples of a fraction": {"type": "integer", "multipleOf": 2.5, "minimum": 1},
    "extra properties": {"type": "object", "required": ["a"], "additionalProperties": {"type": "integer"}},
    "minProperties": {"type": "object", "minProperties": 4, "properties": {"a": {"type": "string"}}},
    "maxProperties": {
        "type": "object",
        "properties": {key: {"type": "integer"} for key in "abcd"},
        "required": ["d"],
        "maxProperties": 2,
    },
    "long string": {"type": "string", "minLength": 500, "maxLength": 500},
    "empty string": {"type": "string", "maxLength": 0},
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_cases(name: str, seed: int) -> None:
    hints = Hints(HINTS.said, HINTS.names, HINTS.numbers, HINTS.words, seed)
    document = generate(CASES[name], hints)
    judge = jsonschema.validators.validator_for(CASES[name], jsonschema.Draft202012Validator)
    judge(CASES[name]).validate(document)
    assert document == generate(CASES[name], hints)
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize(
    "format_",
    [
        "date-time",
        "date",
        "time",
        "email",
        "ipv4",
        "ipv6",
        "uri",
        "uuid",
        "hostname",
        "duration",
        "json-pointer",
    ],
)
def test_formats(format_: str) -> None:
    schema = {"type": "string", "format": format_}
    document = generate(schema, HINTS)
    jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(document)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{3}-\d{4}$",
        r"^(red|green|blue)$",
        r"^\+?[1-9]\d{6,14}$",
        r"^#[0-9a-f]{6}$",
        r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
        r"^\d{4}-\d{2}-\d{2}$",
        r"^v\d+(\.\d+){2}$",
        r"foo",
        r"^.{8}$",
        r"^[\w-]+$",
        r"^[^a]\D\s\S\W.?$",
        r"^(?:ab){2,3}?z$",
        r"^\d\w[\d]$",
    ],
)
def test_patterns(pattern: str) -> None:
    schema = {"type": "string", "pattern": pattern}
    jsonschema.Draft202012Validator(schema).validate(generate(schema, HINTS))
    longer = {"type": "string", "pattern": r"^[a-z]+$", "minLength": 9, "maxLength": 9}
    jsonschema.Draft202012Validator(longer).validate(generate(longer, HINTS))


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (False, "no value"),
        ({"type": "integer", "minimum": 5, "maximum": 4}, "bounds"),
        ({"type": "string", "enum": [1]}, "enum"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "itself"),
        (
            {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
            "levels of nesting",
        ),
        ({"type": "string", "pattern": r"^(?=.*\d)[a-z]+$"}, "pattern"),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": True}, "unique"),
        ({"type": "array", "items": {}, "minItems": 10_001}, "items"),
        ({"$ref": "https://example.com/other.json"}, "not followed|outside"),
        ({"type": "strin"}, "not usable"),
        ({"not": {}}, "no document"),
        ({"type": "string", "allOf": [{"type": "integer"}]}, "contradict"),
        ({"allOf": [{"const": 1}, {"const": True}]}, "contradict"),
        ({"$ref": "#/$defs/missing"}, "leads nowhere|not usable"),
        ({"type": "string", "format": "uuid", "maxLength": 5}, "uuid"),
        ({"type": "string", "minLength": 5, "maxLength": 4}, "length"),
        ({"type": "string", "pattern": "(a)\\1"}, "pattern"),
        ({"type": "integer", "multipleOf": 0.0003, "minimum": 1, "maximum": 2}, "multiple|bounds"),
    ],
)
def test_what_cannot_be_guaranteed_is_refused_with_a_sentence(schema: Any, why: str) -> None:
    with pytest.raises(UnsupportedSchema, match=why) as refused:
        generate(schema, HINTS)
    assert "\n" not in str(refused.value)


def test_the_message_colours_the_document() -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "minimum": 1},
            "query": {"type": "string"},
            "topic": {"enum": ["news", "weather"]},
        },
        "required": ["city", "days", "query", "topic"],
    }
    assert generate(schema, HINTS) == {"city": "Paris", "days": 3, "query": HINTS.said, "topic": "weather"}


def scalars() -> st.SearchStrategy[dict[str, Any]]:
    integers = st.tuples(st.integers(-1000, 1000), st.integers(0, 1000)).map(
        lambda pair: {"type": "integer", "minimum": pair[0], "maximum": pair[0] + pair[1]}
    )
    fractions = st.tuples(st.floats(-1e6, 1e6), st.floats(0.001, 1e6)).map(
        lambda pair: {"type": "number", "exclusiveMinimum": pair[0], "maximum": pair[0] + pair[1]}
    )
    strings = st.tuples(st.integers(0, 30), st.integers(0, 30)).map(
        lambda pair: {"type": "string", "minLength": pair[0], "maxLength": pair[0] + pair[1]}
    )
    formats = st.sampled_from(["date", "email", "uuid", "ipv4"]).map(
        lambda name: {"type": "string", "format": name}
    )
    members = st.lists(st.one_of(st.integers(), st.text(max_size=5), st.none()), min_size=1, max_size=4)
    enums = members.map(lambda values: {"enum": values})
    plain = st.sampled_from(["string", "integer", "number", "boolean", "null"]).map(
        lambda kind: {"type": kind}
    )
    return st.one_of(integers, fractions, strings, formats, enums, plain)


def nested(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    properties = st.dictionaries(st.text(min_size=1, max_size=6), inner, max_size=4)
    objects = properties.flatmap(
        lambda found: (
            st.lists(st.sampled_from(sorted(found)), unique=True).map(
                lambda required: {
                    "type": "object",
                    "properties": found,
                    "required": required,
                    "additionalProperties": False,
                }
            )
            if found
            else st.just({"type": "object", "properties": found})
        )
    )
    arrays = st.tuples(inner, st.integers(0, 3), st.integers(0, 3)).map(
        lambda row: {"type": "array", "items": row[0], "minItems": row[1], "maxItems": row[1] + row[2]}
    )
    unions = st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options})
    both = inner.map(lambda schema: {"allOf": [schema, {}], "title": "the same again"})
    return st.one_of(objects, arrays, unions, both)


@settings(max_examples=150, deadline=None)
@given(st.recursive(scalars(), nested, max_leaves=10), st.integers(0, 2**32))
def test_satisfiable_schemas_are_honoured(schema: dict[str, Any], seed: int) -> None:
    document = generate(schema, Hints(HINTS.said, HINTS.names, HINTS.numbers, HINTS.words, seed))
    jsonschema.Draft202012Validator(schema).validate(document)
