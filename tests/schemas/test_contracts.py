"""Contracts: the bundled ones load, bad ones are refused at file, line, pointer and expectation."""

from __future__ import annotations

from pathlib import Path

import pytest
from wiremark_schemas import contracts
from wiremark_schemas.yamlfile import BadFile

MODEL = """
  - id: {id}
    owned_by: us
    created: 1764547200
    context_tokens: 8192
    max_output_tokens: 1024
    capabilities: []
    price: {{input_per_million: 1}}
"""


def write(folder: Path, text: str, name: str = "mine") -> str:
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", contracts.bundled())
def test_a_bundled_contract_loads_and_holds_together(name: str) -> None:
    contract = contracts.load(name)
    assert contract.name == name
    assert contract.title
    assert not contract.claimed & contract.optional
    assert all(
        path.startswith(contract.base_path)
        for name in contract.raw["operations"]
        for path in contract.paths(name)
    )
    assert all(contract.model(model.id) == model for model in contract.models)
    assert all(400 <= problem.status <= 599 for problem in contract.problems.values())
    assert all(limit > 0 for limit in contract.limits.values())


@pytest.mark.parametrize("name", contracts.bundled())
def test_a_bundled_contract_keeps_to_the_schema(name: str, tmp_path: Path) -> None:
    """They are not checked when they are loaded; a file that only repeats one is."""
    copy = write(tmp_path, f"name: {name}\nextends: {name}\n", "copy")
    assert contracts.load(copy).raw == contracts.load(name).raw


def test_the_contracts_of_this_release_are_bundled() -> None:
    assert {"openai", "hermes-tokens", "c0mpute"} <= set(contracts.bundled())


def test_a_price_in_credits_is_micro_dollars_by_the_worth_of_a_credit() -> None:
    prices = {model.id: model.price.per_request for model in contracts.load("c0mpute").models}
    assert prices["c0mpute-pro"] == 100_000
    assert prices["c0mpute-max"] == 150_000
    assert prices["c0mpute-max-think"] == 200_000


def test_what_a_contract_does_not_have_is_none_or_empty() -> None:
    contract = contracts.load("openai")
    assert contract.model("gpt-none") is None
    assert contract.paths("images.create") == ()


def test_an_extension_merges_mappings_and_replaces_lists(tmp_path: Path) -> None:
    text = "extends: openai\nname: mine\nlimits: {body_bytes: 5, tokens_per_minute: null}\nmodels:"
    contract = contracts.load(write(tmp_path, text + MODEL.format(id="only")))
    assert [model.id for model in contract.models] == ["only"]
    assert contract.limits["body_bytes"] == 5
    assert "tokens_per_minute" not in contract.limits
    assert contract.limits["requests_per_minute"] == contracts.load("openai").limits["requests_per_minute"]


def test_the_price_of_a_model_defaults_to_nothing(tmp_path: Path) -> None:
    text = "extends: openai\nname: mine\nmodels:" + MODEL.format(id="a")
    assert contracts.load(write(tmp_path, text)).models[0].price == contracts.Price(input_per_million=1)


HEAD = "extends: openai\nname: mine\n"
BAD = {
    "unknown key": (HEAD + "base_pth: /v2\n", "expected no key 'base_pth'"),
    "wrong type": (HEAD + "limits:\n  body_bytes: lots\n", ":4: /limits/body_bytes: expected type integer"),
    "out of range": (
        HEAD + "limits: {body_bytes: 0}\n",
        ":3: /limits/body_bytes: expected at least 1, got 0",
    ),
    "unknown word": (HEAD + "cors: maybe\n", ':3: /cors: expected one of "deny", "allow", "unspecified"'),
    "bad base path": (HEAD + "base_path: v1/\n", ":3: /base_path: expected text matching"),
    "missing key": ("name: mine\n", ":1: the document: expected the key"),
    "bad yaml": (HEAD + "cors: [\n", ": this is not YAML"),
    "duplicate key": (HEAD + "cors: deny\ncors: allow\n", "line 4: the key 'cors' stands here twice"),
    "not a mapping": ("- openai\n", ":1: a contract is a mapping"),
    "empty": ("", ":1: a contract is a mapping"),
    "extends no name": ("name: mine\nextends: [openai]\n", ":2: /extends: expected the name of a contract"),
    "duplicate model": (
        HEAD + "models:" + MODEL.format(id="a") + MODEL.format(id="a"),
        "/models/1/id: 'a' is listed twice",
    ),
    "claimed and optional": (
        HEAD + "capabilities:\n  claimed: [chat]\n  optional: [chat]\n",
        ":3: /capabilities: ['chat'] cannot be both claimed and optional",
    ),
    "credits of no worth": (
        HEAD + "models:" + MODEL.format(id="a").replace("input_per_million", "per_request_credits"),
        ": /models/0/price/per_request_credits: needs credit_microusd",
    ),
    "id without anything random": (
        HEAD + "answer: {id: 'gen-{created}'}\n",
        ":3: /answer/id: expected text matching",
    ),
    "model without price": (
        HEAD + "models:\n  - id: a\n    owned_by: us\n",
        ":4: /models/0: expected the key 'created'",
    ),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_bad_contract_is_refused_at_its_place(text: str, said: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(BadFile) as refused:
        contracts.load(path)
    assert str(refused.value).startswith(path)
    assert said in str(refused.value)


def test_an_unknown_name_is_answered_with_the_nearest_and_all_names() -> None:
    with pytest.raises(BadFile, match=r"no contract called 'opnai'; did you mean 'openai'.*hermes-tokens"):
        contracts.load("opnai")


def test_an_unknown_parent_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no contract called 'nothing-like-it'"):
        contracts.load(write(tmp_path, "extends: nothing-like-it\nname: mine\n"))
    with pytest.raises(BadFile, match="there is no such contract file"):
        contracts.load(str(tmp_path / "none.yaml"))


def test_contracts_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(f"extends: {second}\nname: a\n")
    second.write_text(f"extends: {first}\nname: b\n")
    with pytest.raises(BadFile, match=r":1: /extends: .*extends this contract in turn"):
        contracts.load(str(first))
    alone = write(tmp_path, f"name: own\nextends: {tmp_path / 'own.yaml'}\n", "own")
    with pytest.raises(BadFile, match=r":2: /extends: "):
        contracts.load(alone)


def test_the_contract_of_every_format_promises_what_each_of_them_does() -> None:
    every = contracts.load("every-format")
    assert contracts.load("openai").claimed <= every.claimed
    assert {
        name for name in contracts.load("anthropic").claimed if name.startswith("messages")
    } <= every.claimed
