"""What applies to an endpoint: its contract's promises, the model's abilities, and where its routes are."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from wiremark_conformance.target import Target
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract, Dialect
from wiremark_schemas.credentials import Credentials

ABLE, TEXT_ONLY = "deepseek-v4-flash", "hermes-text-only"


def _target(contract: str = "hermes-tokens", model: str = ABLE, base_path: str = "/here") -> Target:
    return Target(
        contracts.load(contract), model, base_path, Credentials({}), "http://x.invalid", "x.invalid"
    )


def _changed(target: Target, **models: Any) -> Target:
    """With other entries of its models."""
    told = copy.deepcopy(dict(target.contract.raw))
    for entry in told["models"]:
        entry.update(models.get(entry["id"].replace("-", "_"), {}))
    return replace(target, contract=Contract(target.contract.name, told))


@pytest.mark.parametrize(
    ("target", "capability", "declared", "claimed"),
    [
        (_target(), None, True, True),
        (_target(), "chat.tools", True, True),
        (_target(), "chat.seed", False, False),
        (_target(model=TEXT_ONLY), "chat.tools", False, True),
        (_target(model=TEXT_ONLY), "chat.json", True, True),
        (_target(model=TEXT_ONLY), "chat.n", True, True),
        (_target(model="nobody's"), "chat.tools", True, True),
        (_target("generic"), "chat.tools", True, False),
        (_target("generic"), "chat", True, True),
        (_target("generic"), "messages", False, False),
    ],
)
def test_what_is_promised_is_within_the_models_abilities(
    target: Target, capability: str | None, declared: bool, claimed: bool
) -> None:
    assert (target.declares(capability), target.claims(capability)) == (declared, claimed)


def test_routes_stand_below_the_base_url_that_was_given() -> None:
    assert _target().path("chat.create") == "/here/chat/completions"
    assert _target(base_path="").path("models.get", model="a/b c") == "/models/a%2Fb%20c"
    assert _target("gemini").paths("gemini.generate", model="m") == tuple(
        path.removeprefix(contracts.load("gemini").base_path).replace("{model}", "m").join(("/here", ""))
        for path in contracts.load("gemini").paths("gemini.generate")
    )


def test_a_route_that_is_not_offered_has_no_path() -> None:
    assert _target("generic").path("messages.create") is None
    assert _target("generic").paths("messages.create") == ()


def test_a_model_that_the_contract_lists_has_an_entry() -> None:
    entry = _target().model_entry
    assert entry is not None
    assert entry.id == ABLE
    assert _target("generic").model_entry is None


@pytest.mark.parametrize(
    ("changes", "model", "asked"),
    [
        ({}, ABLE, ABLE),
        ({}, "nobody's", "nobody's"),
        ({"deepseek_v4_flash": {"formats": ["chat"]}}, ABLE, TEXT_ONLY),
        (
            {"deepseek_v4_flash": {"formats": ["chat"]}, "hermes_text_only": {"formats": ["chat"]}},
            ABLE,
            ABLE,
        ),
        (
            {"deepseek_v4_flash": {"formats": ["chat"]}, "hermes_text_only": {"available": False}},
            ABLE,
            ABLE,
        ),
        ({"hermes_text_only": {"formats": ["chat"]}}, TEXT_ONLY, ABLE),
        ({"hermes_text_only": {"formats": ["messages"]}}, TEXT_ONLY, TEXT_ONLY),
        (
            {"deepseek_v4_flash": {"formats": ["chat"]}, "hermes_text_only": {"formats": ["messages"]}},
            ABLE,
            TEXT_ONLY,
        ),
    ],
)
def test_a_format_is_asked_of_a_model_that_speaks_it(changes: Any, model: str, asked: str) -> None:
    assert _changed(_target(model=model), **changes).model_for("messages") == asked


@pytest.mark.parametrize(
    ("contract", "dialect", "speaks"),
    [
        ("every-format", None, "openai"),
        ("every-format", "anthropic", "anthropic"),
        ("every-format", "openai", "openai"),
        ("anthropic", None, "anthropic"),
    ],
)
def test_a_problem_is_told_in_a_dialect(contract: str, dialect: Dialect | None, speaks: Dialect) -> None:
    target = _target(contract)
    promised = target.contract.promised(speaks)
    situation = next(iter(promised))
    assert target.problem(situation, dialect) == promised[situation]
    assert target.problem("nothing of the kind", dialect) is None
