"""Scenario files, and the requests planned from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from wiremark_loadtests.formats import FORMATS
from wiremark_loadtests.traffic import scenario
from wiremark_loadtests.traffic.arrivals import Arrival
from wiremark_loadtests.traffic.plan import Plan
from wiremark_schemas.yamlfile import BadFile

MODELS = dict.fromkeys(FORMATS, "m")
ENTRY = "{name: a, weight: 1, stream: true, prompt_words: [2, 4], max_tokens: 8%s}"
HEAD = "wiremark: scenario/1\nname: mine\ntitle: Mine\nmix:\n"


def _bodies(plan: Plan, count: int) -> list[bytes]:
    return [plan.next().body for _ in range(count)]


def test_the_bundled_scenario_mixes_streams_plain_answers_and_tools() -> None:
    chat = scenario.load("chat")
    plan = Plan(chat, MODELS, 1, "0.0")
    documents = [json.loads(body) for body in _bodies(plan, 200)]
    assert any("tools" in document for document in documents)
    assert {document.get("stream", False) for document in documents} == {True, False}
    assert all(d.get("stream_options") == {"include_usage": True} for d in documents if d.get("stream"))


def test_a_seed_repeats_the_requests_and_users_differ() -> None:
    chat = scenario.load("chat")
    first = _bodies(Plan(chat, MODELS, 1, "0.0"), 50)
    assert first == _bodies(Plan(chat, MODELS, 1, "0.0"), 50)
    assert not set(first) & set(_bodies(Plan(chat, MODELS, 1, "0.1"), 50)) - {
        body for body in first if b"[1-plain-" in body
    }


def test_prompts_are_unique_unless_asked_to_repeat(tmp_path: Path) -> None:
    for share, expected in ((0, 50), (1, 8)):
        path = tmp_path / f"{share}.yaml"
        path.write_text(HEAD + "  - " + ENTRY % f", repeat_share: {share}")
        assert len(set(_bodies(Plan(scenario.load(str(path)), MODELS, 3, "0.0"), 50))) == expected


def test_a_model_without_tools_is_not_sent_any() -> None:
    assert [entry.name for entry in scenario.load("chat").for_model({"json"}).mix] == ["stream", "plain"]


BAD = {
    "there is no scenario called 'nope'": None,
    "mine.yaml:5: /mix/0": HEAD + "  - {name: a}",
    "mine.yaml:5: /mix/0/prompt_words: 9 is more than 4": HEAD + "  - " + ENTRY.replace("2, 4", "9, 4") % "",
    "/mix/0/turns: conversations are held in the format chat only": HEAD
    + "  - "
    + ENTRY % ", turns: 2, format: messages",
    "/mix/0/webhook: only tasks have it": HEAD + "  - " + ENTRY % ", webhook: true",
    "/mix/0/stream: tasks do not stream": HEAD + "  - " + ENTRY % ", format: images",
    "/mix/0/stream: embeddings do not stream": HEAD + "  - " + ENTRY % ", format: embeddings",
    "/mix/0/cut/0": HEAD + "  - " + ENTRY % ", cut: [never]",
    "mine.yaml:1": "- 1",
}


@pytest.mark.parametrize("message", BAD)
def test_a_bad_scenario_is_refused_with_its_place(message: str, tmp_path: Path) -> None:
    text, path = BAD[message], tmp_path / "mine.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BadFile) as caught:
        scenario.load(str(path) if text is not None else "nope")
    assert message in str(caught.value)


def test_a_scenario_of_tools_only_needs_a_model_with_tools(tmp_path: Path) -> None:
    path = tmp_path / "tools.yaml"
    path.write_text(HEAD + "  - " + ENTRY % ", tools: [{name: f, parameters: {}}]")
    with pytest.raises(BadFile, match="only asks for what the model does not take"):
        scenario.load(str(path)).for_model({"vision"})


@pytest.mark.parametrize("name", scenario.names())
def test_every_bundled_scenario_makes_requests_of_its_entries(name: str) -> None:
    found = scenario.load(name)
    assert found.name == name
    plan = Plan(found, MODELS, 1, "0.0")
    planned = set()
    for _ in range(300):
        planned.add(plan.next().entry.name)
        plan.hear(None)
    assert planned == {entry.name for entry in found.mix}


def test_what_the_endpoint_does_not_offer_is_left_out() -> None:
    formats = scenario.load("formats")
    left = formats.for_operations({"chat.create", "gemini.generate"})
    assert [entry.name for entry in left.mix] == ["chat", "chat-plain", "gemini-plain"]
    with pytest.raises(BadFile, match="what the contract does not offer"):
        formats.for_operations({"models.list"})


def test_a_conversation_goes_on_until_its_turns_are_over(tmp_path: Path) -> None:
    path = tmp_path / "talk.yaml"
    path.write_text(HEAD + "  - " + ENTRY % ", turns: 3, tools: [{name: f, parameters: {}}]")
    plan = Plan(scenario.load(str(path)), MODELS, 1, "0.0")
    called = {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": {}}]}
    said = []
    for reply in (called, {"role": "assistant", "content": "hi"}, {"role": "assistant", "content": "done"}):
        said.append([message["role"] for message in json.loads(plan.next().body)["messages"]])
        plan.hear(reply)
    assert said == [
        ["user"],
        ["user", "assistant", "tool"],
        ["user", "assistant", "tool", "assistant", "user"],
    ]
    assert [m["role"] for m in json.loads(plan.next().body)["messages"]] == ["user"]
    plan.hear(None)  # it failed
    assert [m["role"] for m in json.loads(plan.next().body)["messages"]] == ["user"]


def test_attempts_of_one_request_carry_one_key() -> None:
    plan = Plan(scenario.load("retry-storm-idempotent"), MODELS, 1, "0.0")
    keys = {plan.next().headers for _ in range(20)}
    assert len(keys) == 20
    assert all(key.startswith("Idempotency-Key: 1-0.0-") for key in keys)
    assert not Plan(scenario.load("retry-storm"), MODELS, 1, "0.0").next().headers


def test_clients_hang_up_at_every_stage_and_not_always() -> None:
    plan = Plan(scenario.load("disconnects"), MODELS, 1, "0.0")
    after = [plan.next().conduct.cut_after for _ in range(400)]
    assert {-1, 0, 1, 2} < {stage for stage in after if stage is not None}
    assert 0.2 < sum(stage is not None for stage in after) / len(after) < 0.4


def test_a_trace_says_how_long_requests_are_and_equal_blocks_are_equal_text() -> None:
    plan = Plan(scenario.load("stream"), MODELS, 1, "0.0")
    asked = [Arrival(0, 1500, 9, blocks) for blocks in ((1, 2), (1, 3))]
    bodies = [json.loads(plan.next(arrival).body) for arrival in asked]
    words = [body["messages"][0]["content"].split() for body in bodies]
    assert [body["max_tokens"] for body in bodies] == [9, 9]
    assert [len(found) for found in words] == [1500, 1500]
    assert words[0][:512] == words[1][:512]
    assert words[0][512:1024] != words[1][512:1024]
