"""Views: parsed once, typed, and silent about what is not there."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from wiremark_conformance.evidence import MAX_DEPTH, View, parse_json
from wiremark_conformance.outcome import NotTestable
from wiremark_conformance.shapes import schema_violations, shape


def _view(world: Any, probe: str) -> View:
    view = world.evidence().view(probe)
    assert isinstance(view, View)
    return view


@pytest.mark.parametrize(
    "text", ["NaN", '{"a": Infinity}', "[-Infinity]", "{'a': 1}", "", "[" * 100_000, "1" * 5000]
)
def test_what_is_not_json_is_told_with_a_reason(text: str) -> None:
    value, defect = parse_json(text)
    assert value is None
    assert defect


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_json_is_read_to_a_depth(opening: str, closing: str) -> None:
    levels = opening.count("[") + opening.count("{")
    deep, deeper = MAX_DEPTH // levels, MAX_DEPTH // levels + 1
    assert parse_json(opening * deep + "1" + closing * deep)[1] == ""
    value, defect = parse_json(opening * deeper + "1" + closing * deeper)
    assert (value, "nested" in defect) == (None, True)


def test_many_brackets_are_not_depth() -> None:
    assert parse_json("[" + "[]," * MAX_DEPTH + '"' + "[" * MAX_DEPTH + '"]')[1] == ""


def test_parsing_happens_once(world: Any) -> None:
    evidence = world.evidence()
    view = evidence.view("chat.plain")
    assert evidence.view("chat.plain") is view
    assert view.object is view.object
    assert evidence.view("chat.stream").frames is evidence.view("chat.stream").frames


def test_a_compressed_body_is_read(world: Any) -> None:
    answer = world["chat.plain"]
    answer.body, answer.headers["content-encoding"] = gzip.compress(answer.wire), "gzip"
    assert _view(world, "chat.plain").content == "Hello there."


def test_a_body_that_is_not_what_its_coding_says_is_a_defect(world: Any) -> None:
    world["chat.plain"].headers["content-encoding"] = "gzip"
    assert "gzip" in _view(world, "chat.plain").json_defect


def test_a_stream_is_put_together_by_choice(world: Any) -> None:
    view = _view(world, "chat.n.stream")
    assert (view.streamed_text(0), view.streamed_text(1)) == ("Hello you.", "Hello you.")
    assert view.finish_reasons == {0: ["stop"], 1: ["stop"]}


def test_streamed_calls_are_put_together_by_index(world: Any) -> None:
    calls = _view(world, "chat.tools.parallel").calls
    assert [(call.index, call.id, call.name, call.arguments) for call in calls] == [
        (0, "call_1", "get_weather", '{"city": "Paris"}'),
        (1, "call_2", "get_weather", '{"city": "Oslo"}'),
    ]


def test_the_last_usage_of_a_stream_counts(world: Any) -> None:
    world.chunks("chat.stream.usage")[0]["usage"] = {"prompt_tokens": 1}
    assert _view(world, "chat.stream.usage").count("prompt_tokens") == 20


def test_what_follows_the_terminator_is_not_read(world: Any) -> None:
    world.chunks("chat.stream").append({"id": "late"})
    view = _view(world, "chat.stream")
    assert len(view.frames) == len(view.before_done) + 2
    assert all(chunk["id"] != "late" for chunk in view.chunks)


@pytest.mark.parametrize(
    "name", ["object", "choices", "message", "content", "usage", "tool_calls", "envelope"]
)
def test_what_is_missing_is_not_testable(world: Any, name: str) -> None:
    world["chat.plain"].body = [1]
    view = _view(world, "chat.plain")
    with pytest.raises(NotTestable):
        getattr(view, name)


def test_shapes_tell_apart_what_a_schema_can() -> None:
    assert shape({"a": "x", "n": 1}) == shape({"a": "y", "n": 2})
    different: list[object] = [1, -1, 1.5, True, 0, None, "", "1", [], [1], {}]
    assert len({shape({"a": value}) for value in different}) == len(different) - 1  # 0 is as good as 1
    assert shape({"role": "user"}) != shape({"role": "system"})
    assert shape({"state": "settled"}) != shape({"state": "lost"})
    assert shape([0, 255]) != shape([0, 256])
    assert shape({"a": 1}) == shape({"a": 77})
    assert shape([{"a": 1}, {"a": 2}]) == shape([{"a": 3}])


def test_what_was_valid_once_does_not_hide_what_is_not() -> None:
    error = {"error": {"message": "No.", "type": "x", "param": None, "code": None}}
    assert schema_violations("openai/error", error) == []
    assert schema_violations("openai/error", error) == []
    assert [
        v.pointer for v in schema_violations("openai/error", {"error": {**error["error"], "code": 1}})
    ] == ["/error/code"]
