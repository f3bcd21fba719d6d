"""The pieces that views are made of: texts, numbers, names, calls and frames, to the letter."""

from __future__ import annotations

from typing import Any

import pytest
from wiremark_conformance.evidence import MAX_DEPTH, model_in_path, parse_json, repeated_name
from wiremark_conformance.outcome import NotTestable


@pytest.mark.parametrize(
    ("text", "value", "defect"),
    [
        ("NaN", None, "NaN is not JSON"),
        ("{'a': 1}", None, "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), None, "nested too deeply to be read"),
        ('"' + "[" * (MAX_DEPTH + 1) + '"', "[" * (MAX_DEPTH + 1), ""),
        ("[1]", [1], ""),
    ],
)
def test_json_is_read_or_its_defect_told(text: str, value: Any, defect: str) -> None:
    assert parse_json(text) == (value, defect)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"a": 1, "b": 2}', None),
        ('{"b": 0, "a": 1, "a": 2}', "a"),
        ('{"x": {"c": 1, "c": 2, "d": 3, "d": 4}, "a": 1, "a": 2}', "c"),
        ("{", None),
        ("[" * 100_000, None),
    ],
)
def test_a_name_that_stands_twice_is_found(text: str, name: str | None) -> None:
    assert repeated_name(text) == name


@pytest.mark.parametrize(
    ("target", "model"),
    [
        ("/v1beta/models/m:generateContent", "m"),
        ("/v1beta/models/m%3A1:generateContent?key=/models/x:y", "m:1"),
        ("/v1/models/a/models/b:c:countTokens?x=1?y", "b:c"),
        ("/v1/models/plain", "plain"),
        ("/v1/chat/completions", None),
    ],
)
def test_the_model_of_a_path(target: str, model: str | None) -> None:
    assert model_in_path(target) == model


@pytest.mark.parametrize(
    ("status", "succeeded"), [(199, False), (200, True), (299, True), (300, False), (None, False)]
)
def test_a_success_is_a_status_of_the_two_hundreds(world: Any, status: int | None, succeeded: bool) -> None:
    world["chat.plain"].status = status
    evidence = world.evidence(["chat.plain"])
    view = evidence.view("chat.plain")
    assert (view.succeeded, view.evidence) == (succeeded, evidence)


@pytest.mark.parametrize(
    ("status", "declined"),
    [(None, False), (399, False), (400, True), (499, True), (500, False), (501, False)],
)
def test_a_refusal_is_a_status_of_the_four_hundreds(world: Any, status: int | None, declined: bool) -> None:
    world["chat.plain"].status = status
    view = world.evidence(["chat.plain"]).view("chat.plain")
    assert (view.declined, view.refused_honestly) == (declined, declined or status == 501)


def test_all_that_was_made_is_looked_at_in_order(world: Any) -> None:
    made = world.evidence(["chat.plain", "chat.stream"]).made()
    assert [view.probe for view in made] == ["chat.plain", "chat.stream"]


@pytest.mark.parametrize("value", [None, "6", 6.0, True])
def test_a_count_that_is_no_integer_is_not_testable(world: Any, value: Any) -> None:
    world["chat.plain"].body["usage"]["prompt_tokens"] = value
    view = world.evidence(["chat.plain"]).view("chat.plain")
    with pytest.raises(NotTestable, match=r"^the usage of chat\.plain has no integer prompt_tokens$"):
        view.count("prompt_tokens")
    assert view.count("completion_tokens") == 6


def test_a_header_is_read_by_its_name(world: Any) -> None:
    world["chat.plain"].headers["X-Mark"] = "here"
    assert world.evidence(["chat.plain"]).view("chat.plain").header("x-mark") == "here"


def test_the_text_of_a_header_is_compared_without_case(world: Any) -> None:
    world["chat.plain"].headers["x-a"] = " Yes, No "
    view = world.evidence(["chat.plain"]).view("chat.plain")
    assert (view.header_text("X-A"), view.header_text("x-b")) == ("yes, no", "")


def test_text_is_streamed_by_choice_and_key(world: Any) -> None:
    world.chunks("chat.n.stream")[1]["choices"][0]["delta"]["content"] = "Bye"
    view = world.evidence(["chat.n.stream"]).view("chat.n.stream")
    index = world.chunks("chat.n.stream")[1]["choices"][0]["index"]
    assert view.streamed_text(index).startswith("Bye")
    assert not view.streamed_text(1 - index).startswith("Bye")
    assert view.streamed_text(index, "refusal") == ""


def test_frames_keep_their_event_and_their_defect(world: Any) -> None:
    world["chat.stream"].chunks = ["{", "[DONE]"]
    frames = world.evidence(["chat.stream"]).view("chat.stream").frames
    assert [(frame.text, frame.value, bool(frame.defect), frame.is_done) for frame in frames] == [
        ("{", None, True, False),
        ("[DONE]", None, False, True),
    ]
    assert [frame.event.data for frame in frames] == ["{", "[DONE]"]


def test_a_streamed_call_keeps_its_pieces_and_its_first_type(world: Any) -> None:
    pieces = [
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{"}},
        {"index": 0, "type": "other", "function": None},
        {"index": 0, "function": {"arguments": "}"}},
    ]
    chunks = world.chunks("chat.tools.stream")
    chunks[1:-2] = [
        {**chunks[1], "choices": [{"index": 0, "delta": {"tool_calls": [one]}}]} for one in pieces
    ]
    (call,) = world.evidence(["chat.tools.stream"]).view("chat.tools.stream").calls
    assert (call.id, call.type, call.name, call.arguments) == ("call_1", "function", "f", "{}")
    assert call.fragments == pieces
