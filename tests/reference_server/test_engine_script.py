"""What the simulated model says, and that limits only shorten it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace
from wiremark_server.domain.generation import (
    Delta,
    Generation,
    OutputFormat,
    ReasoningDelta,
    TextDelta,
    Tool,
    ToolArgumentsDelta,
    ToolCall,
    ToolCallStart,
    ToolChoice,
    Turn,
)
from wiremark_server.engine.plan import Choice
from wiremark_server.engine.protocol import UnsupportedSchema
from wiremark_server.engine.script import Script
from wiremark_server.engine.tokens import count

SCRIPT = Script(seed=7, limit=1_000)
WEATHER = Tool(
    "get_weather",
    "Current weather of a city",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
)
CLOCK = Tool(
    "get_local_clock", "The clock of a place", {"type": "object", "properties": {"place": {"type": "string"}}}
)


def ask(text: str, **fields: Any) -> Generation:
    return Generation("r", "m", (Turn("user", text),), **fields)


def answer(generation: Generation) -> Choice:
    return SCRIPT.choices(generation)[0]


def text(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


def said(prompt: str, **fields: Any) -> str:
    return text(answer(ask(prompt, **fields)).deltas)


def calls(generation: Generation) -> list[tuple[str, Any]]:
    choice = answer(generation)
    starts = [delta for delta in choice.deltas if isinstance(delta, ToolCallStart)]
    assert [start.index for start in starts] == list(range(len(starts)))
    assert len({start.id for start in starts}) == len(starts)
    return [
        (
            start.name,
            json.loads(
                "".join(
                    delta.fragment
                    for delta in choice.deltas
                    if isinstance(delta, ToolArgumentsDelta) and delta.index == start.index
                )
            ),
        )
        for start in starts
    ]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("Say exactly: héllo ☃\nworld", "héllo ☃\nworld"),
        ("Please repeat after me: one two", "one two"),
        ('Reply with "pong" and nothing else', "pong"),
        ("Reply with the word OK", "OK"),
        ("Say hello.", "hello"),
        ("Count to 5", "1, 2, 3, 4, 5"),
    ],
)
def test_sentences_that_steer_the_answer(prompt: str, expected: str) -> None:
    assert said(prompt) == expected


def test_a_length_can_be_asked_for() -> None:
    choice = answer(ask("Write 137 tokens about the sea"))
    assert len(choice.deltas) == count(text(choice.deltas)) == 137
    assert choice.finish.reason == "stop"


def test_earlier_turns_are_remembered() -> None:
    turns = (
        Turn("user", "My name is Zoë. My favourite colour is green."),
        Turn("assistant", "Nice to meet you."),
        Turn("user", "What is my name?"),
    )
    generation = Generation("r", "m", turns)
    assert text(answer(generation).deltas) == "Your name is Zoë."
    colour = replace(generation, turns=(*turns[:2], Turn("user", "What's my favourite colour?")))
    assert text(answer(colour).deltas) == "Your favourite colour is green."
    shoe = replace(generation, turns=(*turns[:2], Turn("user", "What is my shoe size?")))
    assert text(answer(shoe).deltas) == "You have not told me your shoe size yet."


def test_images_are_counted() -> None:
    generation = Generation("r", "m", (Turn("user", "Describe them", images=2),))
    assert text(answer(generation).deltas).startswith("I see 2 images. ")


def test_the_same_request_gets_the_same_answer_and_seeds_change_it() -> None:
    generation = ask("Tell me something")
    assert answer(generation) == answer(replace(generation, request_id="another"))
    assert answer(generation) != answer(replace(generation, seed=1))
    assert answer(generation) != Script(8, 1_000).choices(generation)[0]
    first, second = SCRIPT.choices(replace(generation, n=2))
    assert first == answer(generation)
    assert text(first.deltas) != text(second.deltas)


def test_max_tokens_shortens_and_says_so() -> None:
    whole = answer(ask("Tell me something"))
    short = answer(ask("Tell me something", max_tokens=5))
    assert short.deltas == whole.deltas[:5]
    assert (short.finish.reason, whole.finish.reason) == ("length", "stop")
    exact = answer(ask("Tell me something", max_tokens=len(whole.deltas)))
    assert exact == whole


@pytest.mark.parametrize("stop", [(" 4",), ("nothing", ", 4"), ("4", "6")])
def test_stop_sequences_are_never_part_of_the_answer(stop: tuple[str, ...]) -> None:
    choice = answer(ask("Count to 9", stop=stop))
    assert text(choice.deltas).strip(", ") == "1, 2, 3"
    assert choice.finish.reason == "stop"
    assert len(choice.deltas) == count(text(choice.deltas))


def test_a_stop_sequence_across_pieces_and_inside_a_piece() -> None:
    assert said("Say exactly: alpha beta gamma", stop=("ha bet",)) == "alp"
    assert said("Say exactly: alpha", stop=("alpha",)) == ""


def test_the_models_own_limit_holds_without_max_tokens() -> None:
    choice = answer(ask("Count to 999999999"))
    assert len(choice.deltas) == 1_000
    assert choice.finish.reason == "length"


def test_reasoning_comes_first_and_counts_against_the_budget() -> None:
    choice = answer(ask("Say exactly: done", reasoning=True))
    kinds = [isinstance(delta, ReasoningDelta) for delta in choice.deltas]
    assert kinds == [True] * choice.reasoning + [False]
    assert choice.reasoning > 8
    short = answer(ask("Say exactly: done", reasoning=True, max_tokens=3))
    assert (short.reasoning, len(short.deltas), short.finish.reason) == (3, 3, "length")


@pytest.mark.parametrize("top", [0, 1, 5, 20])
def test_log_probabilities_keep_the_rules_of_a_distribution(top: int) -> None:
    choice = answer(ask("Write 60 tokens", logprobs=top))
    assert "".join(
        row.token for delta in choice.deltas if isinstance(delta, TextDelta) for row in delta.logprobs
    ) == text(choice.deltas)
    for delta in choice.deltas:
        assert isinstance(delta, TextDelta)
        (row,) = delta.logprobs
        assert row.token == delta.text
        assert row.logprob <= 0
        assert len(row.top) == top
        if top:
            assert (row.token, row.logprob) in row.top
            assert len({token for token, _ in row.top}) == top
            values = [value for _, value in row.top]
            assert values == sorted(values, reverse=True)
            assert math.fsum(math.exp(value) for value in values) <= 1 + 1e-9


def test_auto_calls_the_tool_the_message_is_about() -> None:
    generation = ask("What's the weather like in Paris in celsius?", tools=(CLOCK, WEATHER))
    assert calls(generation) == [("get_weather", {"city": "Paris", "unit": "celsius"})]
    assert answer(generation).finish.reason == "tool_calls"
    generation = ask("Weather in Tokyo?", tools=(WEATHER,))  # what the tool is about is no city
    assert [arguments["city"] for _, arguments in calls(generation)] == ["Tokyo"]
    assert calls(ask("Tell me a story", tools=(WEATHER,))) == []


def test_two_things_asked_for_are_two_calls_only_when_calls_may_be_parallel() -> None:
    generation = ask("What's the weather in Paris and Tokyo?", tools=(WEATHER,))
    assert [arguments["city"] for _, arguments in calls(generation)] == ["Paris", "Tokyo"]
    assert len(calls(replace(generation, parallel_tool_calls=False))) == 1
    both = ask("Weather and clock in Oslo, please", tools=(WEATHER, CLOCK))
    assert sorted(name for name, _ in calls(both)) == ["get_local_clock", "get_weather"]


def test_dictated_words_are_said_although_tools_are_about_them() -> None:
    dictated = "Say exactly: the weather of the city"
    assert said(dictated, tools=(WEATHER,)) == "the weather of the city"
    assert calls(ask(f"Use get_weather. {dictated}", tools=(WEATHER,)))
    assert calls(ask(dictated, tools=(WEATHER,), tool_choice=ToolChoice("required")))


def test_tool_choice_is_obeyed() -> None:
    story = ask("Tell me a story", tools=(WEATHER, CLOCK))
    assert calls(replace(story, tool_choice=ToolChoice("required")))[0][0] == "get_weather"
    named = ToolChoice("required", ("get_local_clock",))
    assert [name for name, _ in calls(replace(story, tool_choice=named))] == ["get_local_clock"]
    weather = ask("weather in Rome", tools=(WEATHER,), tool_choice=ToolChoice("none"))
    assert calls(weather) == []


def test_a_tool_without_parameters_gets_an_empty_object() -> None:
    generation = ask("go", tools=(Tool("ping"),), tool_choice=ToolChoice("required"))
    assert calls(generation) == [("ping", {})]


def test_the_round_trip_quotes_the_results() -> None:
    turns = (
        Turn("user", "What's the weather in Paris and Tokyo?"),
        Turn(
            "assistant",
            "",
            tool_calls=(ToolCall("a", "get_weather", "{}"), ToolCall("b", "get_weather", "{}")),
        ),
        Turn("tool", "21 °C", tool_call_id="a"),
        Turn("tool", "rain", tool_call_id="b"),
    )
    generation = Generation("r", "m", turns, tools=(WEATHER,))
    expected = "According to get_weather: 21 °C\nAccording to get_weather: rain"
    assert text(answer(generation).deltas) == expected


def test_an_impossible_tool_is_refused_when_forced_and_passed_over_when_not() -> None:
    impossible = Tool("weather", "", {"type": "object", "properties": {"a": False}, "required": ["a"]})
    generation = ask("weather?", tools=(impossible,))
    assert calls(generation) == []
    with pytest.raises(UnsupportedSchema, match="cannot be honoured"):
        SCRIPT.choices(replace(generation, tool_choice=ToolChoice("required")))


def test_json_output_is_json() -> None:
    assert isinstance(json.loads(said("Anything", output=OutputFormat("json_object"))), dict)
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 130}},
        "required": ["name", "age"],
        "additionalProperties": False,
    }
    document = json.loads(said("Ada Lovelace is 36", output=OutputFormat("json_schema", schema)))
    assert document == {"name": "Ada Lovelace", "age": 36}
    jsonschema.validate(document, schema)
    with pytest.raises(UnsupportedSchema):
        said("x", output=OutputFormat("json_schema", {"type": "nonsense"}))
