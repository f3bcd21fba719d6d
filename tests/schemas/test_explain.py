"""Violations as sentences: where, what was expected, what was found."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from wiremark_schemas import explain

CASES: list[tuple[dict[str, Any], Any, str]] = [
    ({"type": "string"}, 5, "the document: expected type string, got 5"),
    ({"type": ["string", "null"]}, True, "the document: expected type string or null, got true"),
    ({"const": "list"}, "lists", 'the document: expected "list", got "lists"'),
    ({"enum": ["a", None]}, "b", 'the document: expected one of "a", null, got "b"'),
    ({"required": ["a", "b"]}, {"a": 1}, "the document: expected the key 'b', got {\"a\": 1}"),
    (
        {"properties": {"a": True}, "additionalProperties": False},
        {"a": 1, "b": 2},
        'the document: expected no key \'b\', got {"a": 1, "b": 2}',
    ),
    ({"minItems": 1}, [], "the document: expected at least 1 item(s), got []"),
    ({"maxItems": 1}, [1, 2], "the document: expected at most 1 item(s), got [1, 2]"),
    ({"minLength": 1}, "", 'the document: expected at least 1 character(s), got ""'),
    ({"maxLength": 1}, "ab", 'the document: expected at most 1 character(s), got "ab"'),
    ({"minimum": 1}, 0, "the document: expected at least 1, got 0"),
    ({"exclusiveMaximum": 1}, 1, "the document: expected less than 1, got 1"),
    ({"pattern": "^a"}, "b", 'the document: expected text matching ^a, got "b"'),
    ({"properties": {"a": False}}, {"a": 1}, "expected nothing here, got 1"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1, "expected type string or type null, got 1"),
    (
        {"anyOf": [{"type": "null"}, {"properties": {"a": {"type": "integer"}}}]},
        {"a": "x"},
        '/a: expected type integer, got "x"',
    ),
    ({"items": {"type": "integer"}}, [1, "x"], '/1: expected type integer, got "x"'),
]


@pytest.mark.parametrize(("schema", "document", "sentence"), CASES, ids=[case[2] for case in CASES])
def test_a_violation_reads_as_a_sentence(schema: dict[str, Any], document: Any, sentence: str) -> None:
    (found,) = explain.violations(Draft202012Validator(schema), document)
    assert str(found).endswith(sentence)


def test_a_valid_document_has_none() -> None:
    assert explain.violations(Draft202012Validator({"type": "object"}), {}) == []


def test_every_violation_is_told_once_in_document_order() -> None:
    schema = {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["c"]}
    found = explain.violations(Draft202012Validator(schema), {"b": 1, "a": 2})
    assert [violation.pointer for violation in found] == ["", "/a", "/b"]


def test_pointers_are_escaped_as_rfc_6901_says() -> None:
    assert explain.pointer(["a/b", "c~d", 0, ""]) == "/a~1b/c~0d/0/"
    assert explain.pointer([]) == ""


def test_a_long_value_is_cut_to_fit_a_sentence() -> None:
    shown = explain.shorten("x" * 500)
    assert len(shown) == 120
    assert shown.endswith("…")
    assert explain.shorten({"a": "ü"}) == '{"a": "ü"}'
