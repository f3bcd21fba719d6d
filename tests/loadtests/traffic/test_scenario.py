"""Scenario files, and the requests planned from them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from wiremark_loadtests.traffic import scenario
from wiremark_loadtests.traffic.scenario import Plan
from wiremark_schemas.yamlfile import BadFile

ENTRY = "{name: a, weight: 1, stream: true, prompt_words: [2, 4], max_tokens: 8%s}"
HEAD = "wiremark: scenario/1\nname: mine\ntitle: Mine\nmix:\n"


def _bodies(plan: Plan, count: int) -> list[bytes]:
    return [plan.next().body for _ in range(count)]


def test_the_bundled_scenario_mixes_streams_plain_answers_and_tools() -> None:
    chat = scenario.load("chat")
    plan = Plan(chat, "m", 1, "0.0")
    documents = [json.loads(body) for body in _bodies(plan, 200)]
    assert any("tools" in document for document in documents)
    assert {document.get("stream", False) for document in documents} == {True, False}
    assert all(d.get("stream_options") == {"include_usage": True} for d in documents if d.get("stream"))


def test_a_seed_repeats_the_requests_and_users_differ() -> None:
    chat = scenario.load("chat")
    first = _bodies(Plan(chat, "m", 1, "0.0"), 50)
    assert first == _bodies(Plan(chat, "m", 1, "0.0"), 50)
    assert not set(first) & set(_bodies(Plan(chat, "m", 1, "0.1"), 50)) - {
        body for body in first if b"[1-plain-" in body
    }


def test_prompts_are_unique_unless_asked_to_repeat(tmp_path: Path) -> None:
    for share, expected in ((0, 50), (1, 8)):
        path = tmp_path / f"{share}.yaml"
        path.write_text(HEAD + "  - " + ENTRY % f", repeat_share: {share}")
        assert len(set(_bodies(Plan(scenario.load(str(path)), "m", 3, "0.0"), 50))) == expected


def test_a_model_without_tools_is_not_sent_any() -> None:
    assert [entry.name for entry in scenario.load("chat").without_tools().mix] == ["stream", "plain"]


BAD = {
    "there is no scenario called 'nope'": None,
    "mine.yaml:5: /mix/0": HEAD + "  - {name: a}",
    "mine.yaml:5: /mix/0/prompt_words: 9 is more than 4": HEAD + "  - " + ENTRY.replace("2, 4", "9, 4") % "",
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
    with pytest.raises(BadFile, match="only sends requests with tools"):
        scenario.load(str(path)).without_tools()
