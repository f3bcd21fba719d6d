"""Shapes: what schemas tell apart, and what is remembered as valid."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from wiremark_conformance import shapes
from wiremark_conformance.shapes import schema_violations, shape, type_violations

from tests.conformance.judging.good_openai import completion

ANSWER = "openai/chat.response"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"a": 1}, {"a": 2}, True),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1, "b": 1}, {"b": 1, "a": 1}, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": 1.5}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": None}, {"a": False}, False),
        ([1, 2, 3], [4], True),
        ([1, "x"], [1], False),
        ([], [1], False),
        ([], {}, False),
        ([], "", False),
        ("no word of any list", "nor this one", True),
        ("", "x", False),
        ("", "=", False),
        ("LOW", "HIGH", False),
        ("message_start", "message_delta", False),
        (256, 399, True),
        (399, 400, False),
        (255, 256, False),
        (599, 600, False),
        ("assistant", "user", False),
        ("assistant", "Assistant", False),
        (-1, 1, False),
        (0, 1, True),
        (0, -0.5, False),
        ("2027-01-31T12:00:00Z", "it is no time", False),
    ],
)
def test_two_values_have_a_shape_when_no_schema_tells_them_apart(one: Any, other: Any, alike: bool) -> None:
    assert (shape(one) == shape(other)) is alike
    assert (shape({"deep": [one]}) == shape({"deep": [other]})) is alike


def test_what_is_valid_is_validated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    known: set[tuple[str, object]] = set()
    monkeypatch.setattr(shapes, "_valid", known)
    document = completion()
    assert schema_violations(ANSWER, document) == []
    assert known == {(ANSWER, shape(document))}
    monkeypatch.setattr(shapes, "violations", lambda *_: pytest.fail("it is known"))
    assert schema_violations(ANSWER, {**document, "created": document["created"] + 1}) == []


def test_what_is_not_valid_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    known: set[tuple[str, object]] = set()
    monkeypatch.setattr(shapes, "_valid", known)
    for _ in range(2):
        (found,) = schema_violations(ANSWER, {**completion(), "object": 5})
        assert found.pointer == "/object"
    assert known == set()


def test_no_more_is_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    known: set[tuple[str, object]] = {("a", 1)}
    monkeypatch.setattr(shapes, "_valid", known)
    monkeypatch.setattr(shapes, "_REMEMBERED", 2)
    assert schema_violations(ANSWER, completion()) == []
    assert len(known) == 2
    assert schema_violations(ANSWER, {**completion(), "more": 1}) == []
    assert len(known) == 2


def _without(document: dict[str, Any], key: str) -> dict[str, Any]:
    found = copy.deepcopy(document)
    del found[key]
    return found


def test_types_are_told_without_keys_that_are_missing_or_have_checks_of_their_own() -> None:
    good = completion()
    documents = [
        good,
        _without(good, "id"),
        {**good, "model": 5},
        {**good, "model": 6},
        {**good, "created": "x", "id": 7},
    ]
    assert [one.pointer for one in type_violations(ANSWER, documents, frozenset({"id"}))] == [
        "/model",
        "/created",
    ]
    nested = {**good, "choices": [{**good["choices"][0], "index": "x"}]}
    assert type_violations(ANSWER, [nested], frozenset({"index"})) == []
    assert len(type_violations(ANSWER, [nested], frozenset({"choices"}))) == 1
    assert [one.pointer for one in type_violations(ANSWER, [{**good, "id": 7}], frozenset())] == ["/id"]
