"""What a run is going to cost, told before it starts."""

from __future__ import annotations

from wiremark_conformance.budget import budget
from wiremark_conformance.judge import CHECKS, probes_for
from wiremark_conformance.target import Target
from wiremark_schemas import contracts
from wiremark_schemas.credentials import ROLES, Credentials


def _target(name: str) -> Target:
    contract = contracts.load(name)
    model = contract.models[0].id if contract.models else "some-model"
    keys = Credentials({role: f"key-{role}" for role in ROLES})
    return Target(contract, model, contract.base_path, keys, "http://x.invalid", "x.invalid")


def test_the_plain_question_alone() -> None:
    found = budget(["chat.plain"], _target("openai"), {})
    assert (found.requests, found.completion_tokens) == (1, 64)
    assert 20 < found.prompt_tokens < 120
    model = contracts.load("openai").models[0]
    expected = found.prompt_tokens * model.price.input_per_million + 64 * model.price.output_per_million
    assert found.microusd == -(-expected // 1_000_000)


def test_a_whole_run_is_cheap_and_tells_so() -> None:
    found = budget(probes_for(CHECKS), _target("openai"), {})
    assert found.requests > 100
    assert found.microusd is not None
    assert 0 < found.microusd < 1_000_000  # no dollar, although bodies of many MB are sent to be refused
    assert "requests, about" in str(found)
    assert " USD" in str(found)


def test_without_prices_the_cost_is_unknown() -> None:
    found = budget(["chat.plain"], _target("generic"), {})
    assert found.microusd is None
    assert "cost unknown" in str(found)


def test_what_is_refused_or_not_asked_costs_nothing() -> None:
    names = ["errors.unknown-model", "models.list", "keys.exhausted", "bodies.invalid-utf8"]
    found = budget(names, _target("hermes-tokens"), {})
    assert (found.requests, found.prompt_tokens, found.microusd) == (4, 0, 0)


def test_what_waits_for_another_answer_is_counted_as_the_plain_question() -> None:
    found = budget(["chat.echo-back"], _target("openai"), {})
    assert found.completion_tokens == 64


def test_generated_requests_are_counted() -> None:
    found = budget(["properties.chat.valid", "properties.chat.any"], _target("openai"), {}, examples=50)
    assert (found.requests, found.completion_tokens) == (100, 1600)
    assert budget(["properties.chat.valid"], _target("openai"), {}).requests == 0
