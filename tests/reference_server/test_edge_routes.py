from __future__ import annotations

import pytest
from wiremark_schemas import contracts
from wiremark_server.domain.problem import ProblemError
from wiremark_server.edge.routes import Routes

ROUTES = Routes(contracts.load("hermes-tokens"))


@pytest.mark.parametrize(
    ("method", "path", "operation", "parameters"),
    [
        ("GET", "/api/v1/models", "models.list", {}),
        ("GET", "/api/v1/models/", "models.list", {}),
        ("HEAD", "/api/v1/models", "models.list", {}),
        ("GET", "/api/v1/models/m:1", "models.get", {"model": "m:1"}),
        ("GET", "/api/v1/models/org%2Fm", "models.get", {"model": "org/m"}),
        ("GET", "/api/v1/models/org/m", "models.get", {"model": "org/m"}),
        ("GET", "/api/v1/models/a%252Fb", "models.get", {"model": "a%2Fb"}),
        ("POST", "/api/v1/chat/completions/", "chat.create", {}),
    ],
)
def test_a_path_names_its_operation(
    method: str, path: str, operation: str, parameters: dict[str, str]
) -> None:
    match = ROUTES.match(method, path)
    assert (match.operation, match.parameters) == (operation, parameters)


@pytest.mark.parametrize("path", ["/", "/v1/models", "/api/v1/api/v1/models", "/api/v1/chat", "/api/v1"])
def test_an_unknown_path_is_named_with_its_method(path: str) -> None:
    with pytest.raises(ProblemError) as caught:
        ROUTES.match("GET", path)
    assert caught.value.problem.situation == "unknown_route"
    assert f"GET {path}" in caught.value.problem.message


def test_a_wrong_method_is_told_the_right_ones() -> None:
    with pytest.raises(ProblemError) as caught:
        ROUTES.match("DELETE", "/api/v1/models")
    assert caught.value.problem.allow == ("GET", "HEAD")
