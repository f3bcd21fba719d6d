"""One contract that promises several formats: each is judged, each in its own dialect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from wiremark_conformance.judge import judge
from wiremark_conformance.requirement import load_register
from wiremark_schemas import contracts
from wiremark_schemas.contracts import Contract

Alter = Callable[[str, Mapping[str, Any]], Contract]
NAME = "every-format"
FAMILIES = {
    "chat": 150,
    "messages": 190,
    "gemini": 180,
    "responses": 180,
    "formats": 15,
}  # areas by their first word, and how many must pass


def test_every_format_of_a_contract_is_judged(judged: Any) -> None:
    evidence = judged(NAME).evidence
    passed = Counter(
        found.requirement.area.partition("-")[0]
        for found in judge(load_register(), evidence)
        if found.verdict.value == "pass"
    )
    assert {family: passed[family] for family, least in FAMILIES.items() if passed[family] < least} == {}
    assert contracts.load(NAME).dialects >= {"openai", "anthropic", "gemini"}


def test_one_path_lists_the_models_for_every_client(judged: Any) -> None:
    only = ("models.list.accepted", "messages.models.accepted")
    exchanges = judged(NAME, only=only).evidence.exchanges
    targets = {exchanges[probe].request.target for probe in ("models.list", "messages.models.list")}
    assert targets == {"/v1/models"}
    assert b'"object":"list"' in exchanges["models.list"].content
    assert b'"first_id"' in exchanges["messages.models.list"].content


# What the server does instead, what must fail, and what of the other format must not.
BROKEN: dict[str, tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "no messages at all": (
        {"/operations/messages.create": None},
        ("messages.accepted", "messages.stream.accepted"),
        ("chat.accepted", "chat.stream.accepted"),
    ),
    "a status that only one dialect has": (
        {
            "/dialect_errors/anthropic": {
                "unknown_model": {"status": 400, "type": "model_not_found", "code": None}
            }
        },
        ("messages.errors.unknown-model", "messages.errors.type"),
        ("errors.unknown-model.status", "errors.envelope.type"),
    ),
    "one header only for the key": (
        {"/auth/schemes": ["bearer"]},
        ("messages.auth.x-api-key",),
        ("messages.auth.bearer", "chat.accepted"),
    ),
}


@pytest.mark.parametrize(("changes", "found", "met"), BROKEN.values(), ids=BROKEN)
def test_a_fault_of_one_format_is_told_of_that_format(
    judged: Any, altered: Alter, changes: dict[str, Any], found: tuple[str, ...], met: tuple[str, ...]
) -> None:
    verdicts = judged(altered(NAME, changes), held_to=NAME, only=(*found, *met))
    assert {requirement: verdicts[requirement].verdict.value for requirement in (*found, *met)} == {
        **dict.fromkeys(found, "fail"),
        **dict.fromkeys(met, "pass"),
    }
