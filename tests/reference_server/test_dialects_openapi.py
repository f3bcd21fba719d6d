"""The published description, checked by an independent validator of OpenAPI documents."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from wiremark_schemas import contracts
from wiremark_server.dashboard import site
from wiremark_server.dialects import openapi
from wiremark_server.edge import admin, descriptions

SERVED = [name for name in contracts.bundled() if contracts.load(name).models]


@pytest.mark.parametrize("name", SERVED)
def test_the_description_is_valid_openapi(name: str) -> None:
    assert list(OpenAPIV31SpecValidator(openapi.describe(contracts.load(name))).iter_errors()) == []


@pytest.mark.parametrize("name", SERVED)
def test_every_route_is_described_and_nothing_else(name: str) -> None:
    contract = contracts.load(name)
    described = openapi.describe(contract)["paths"]
    assert {(path, method.upper()) for path, item in described.items() for method in item} == {
        (path, entry["method"]) for entry in contract.raw["operations"].values() for path in entry["paths"]
    }


def test_the_routes_beside_the_contracts_are_described() -> None:
    assert list(OpenAPIV31SpecValidator(descriptions.own()).iter_errors()) == []
    described = {
        (path, method.upper()) for path, item in descriptions.own()["paths"].items() for method in item
    }
    pages = {("GET", words) for words in {**site.PAGES, **site.OPERATOR_PAGES}} | {
        *site.FORMS,
        ("GET", ("style.css",)),
    }
    assert {(path, method) for path, method in described if path.startswith("/dashboard")} == {
        ("/".join(("/dashboard", *words)), method) for method, words in pages
    }
    assert {
        (method, tuple("*" if word.startswith("{") else word for word in path.split("/")[3:]))
        for path, method in described
        if path.startswith("/admin/v1/")
    } == set(admin.ROUTES)
    rest = {path for path, _ in described if not path.startswith(("/dashboard", "/admin"))}
    assert rest == {"/metrics", "/health", "/ready", "/openapi", "/openapi/{name}"}


@pytest.mark.parametrize("name", SERVED)
def test_references_lead_to_something_within(name: str) -> None:
    document = openapi.describe(contracts.load(name))
    for reference in re.findall(r"'\$ref': '([^']*)'", str(document)):
        node: Any = document
        for key in reference.removeprefix("#/").split("/"):
            node = node[key]
        assert node


def test_operation_ids_are_unique_where_a_route_has_several_paths() -> None:
    contract = contracts.load("openai")
    paths = {"/chat/completions": ..., "/v2/chat/completions": ...}
    operations = {**contract.raw["operations"], "chat.create": {"method": "POST", "paths": list(paths)}}
    several = contracts.Contract("x", {**contract.raw, "operations": operations})
    described = openapi.describe(several)["paths"]
    assert [described[path]["post"]["operationId"] for path in paths] == ["chat.create", "chat.create.2"]


def test_only_the_description_is_public() -> None:
    described = openapi.describe(contracts.load("aimlapi"))
    assert described["security"] == [{"bearer": []}]
    assert described["paths"]["/openapi.json"]["get"]["security"] == []
    assert "security" not in described["paths"]["/chat/completions"]["post"]
