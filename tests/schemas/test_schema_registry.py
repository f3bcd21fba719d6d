"""Every schema file is valid, carries its own name and refers only to what is in the package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing.exceptions import Unresolvable
from wiremark_schemas import registry


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


@pytest.mark.parametrize("name", registry.names())
def test_a_schema_is_valid_2020_12_under_its_own_id(name: str) -> None:
    document = registry.load(name)
    Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == f"https://wiremark.invalid/schemas/{name}.json"
    assert document["title"]
    assert document["description"]


@pytest.mark.parametrize("name", registry.names())
def test_every_reference_resolves_within_the_package(name: str) -> None:
    resolver = registry.registry().resolver(registry.load(name)["$id"])
    for reference in references(registry.load(name)):
        assert resolver.lookup(reference).contents


def test_nothing_outside_the_package_is_fetched() -> None:
    with pytest.raises(Unresolvable):
        registry.registry().resolver(registry.BASE_URI).lookup(
            "https://wiremark.invalid/schemas/openai/none.json"
        )


def test_the_schemas_that_others_name_are_there() -> None:
    wire = {"chat.request", "chat.response", "chat.chunk", "error", "models.list", "model"}
    meta = {"contract", "report", "load-report", "deviations", "usage-list", "balance"}
    named = {f"openai/{name}" for name in wire} | {f"meta/{name}" for name in meta}
    assert named <= set(registry.names())
    assert list(registry.names()) == sorted(registry.names())


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"no schema is called 'openai/nothing'.*openai/chat\.request"):
        registry.load("openai/nothing")


def test_a_definition_can_be_validated_alone() -> None:
    validator = registry.validator("openai/error", "lenient")
    assert validator.is_valid({"error": {"message": "no"}})
    assert not validator.is_valid({"error": "no"})
