from __future__ import annotations

import base64
from typing import Any

import pytest
from wiremark_server.dialects.anthropic_messages.request import decode, decode_count
from wiremark_server.dialects.signature import Signatures
from wiremark_server.domain.asked import Asked
from wiremark_server.domain.generation import OutputFormat, Tool, ToolCall, ToolChoice, Turn
from wiremark_server.domain.problem import ProblemError

SIGNATURES = Signatures(b"here")
SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
USER = {"role": "user", "content": "hi"}
TOOL = {"name": "look", "description": "Looks", "input_schema": SCHEMA}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"a": 1.0}}
CALLED = {"role": "assistant", "content": [CALL]}
DATA = base64.b64encode(b"\x89PNG\r\n\x1a\n rest").decode()
NEW = "2026-10-21"
THINKING = {"type": "enabled", "budget_tokens": 1024}


def no_headers(name: str) -> None:
    """The headers of a request that has none."""


def _source(**source: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image", "source": source}]}


def _image(**changes: Any) -> dict[str, Any]:
    return _source(**{"type": "base64", "media_type": "image/png", "data": DATA} | changes)


def _result(call_id: str = "toolu_1", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, **more}


def _said(*blocks: Any, role: str = "user") -> dict[str, Any]:
    return {"role": role, "content": list(blocks)}


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


def _document(**source: Any) -> dict[str, Any]:
    return {"type": "document", "source": source}


def _decode(version: str | None = None, **parameters: Any) -> Asked:
    document = {"model": "m", "max_tokens": 2048, "messages": [USER]} | parameters
    return decode(document, "req_1", lambda name: {"anthropic-version": version}.get(name), SIGNATURES)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no messages": ({"messages": []}, "messages"),
    "null model": ({"model": None}, "model"),
    "unknown role": ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
    "number as content": ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    "unknown block": ({"messages": [_said({"type": "video"})]}, "messages[0].content[0].type"),
    "negative limit": ({"max_tokens": -1}, "max_tokens"),
    "decimal limit": ({"max_tokens": 10.0}, "max_tokens"),
    "text limit": ({"max_tokens": "10"}, "max_tokens"),
    "temperature": ({"temperature": 1.1}, "temperature"),
    "text boolean": ({"stream": "true"}, "stream"),
    "one stop sequence bare": ({"stop_sequences": "x"}, "stop_sequences"),
    "white stop sequence": ({"stop_sequences": ["x", " "]}, "stop_sequences[1]"),
    "tool without schema": ({"tools": [{"name": "x"}]}, "tools[0].input_schema"),
    "tool of the server": ({"tools": [{"type": "web_search_20250305", "name": "web"}]}, "tools[0].type"),
    "tool schema of another type": (
        {"tools": [{"name": "x", "input_schema": {"type": "string"}}]},
        "tools[0].input_schema.type",
    ),
    "tool schema that is none": (
        {"tools": [{"name": "x", "input_schema": {"type": "object", "properties": 5}}]},
        "tools[0].input_schema",
    ),
    "two tools of one name": ({"tools": [TOOL, TOOL]}, "tools[1].name"),
    "bad tool name": ({"tools": [{"name": "a b", "input_schema": SCHEMA}]}, "tools[0].name"),
    "choice as text": ({"tools": [TOOL], "tool_choice": "any"}, "tool_choice"),
    "choice without tools": ({"tool_choice": {"type": "any"}}, "tool_choice"),
    "choice of an unknown tool": (
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "other"}},
        "tool_choice.name",
    ),
    "little thinking": ({"thinking": {"type": "enabled", "budget_tokens": 1023}}, "thinking.budget_tokens"),
    "thinking without budget": ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    "thinking beyond the limit": ({"thinking": THINKING, "max_tokens": 1024}, "max_tokens"),
    "thinking and a forced tool": (
        {"thinking": THINKING, "tools": [TOOL], "tool_choice": {"type": "any"}},
        "tool_choice",
    ),
    "thinking and a temperature": ({"thinking": THINKING, "temperature": 0.5}, "temperature"),
    "thinking and a beginning": (
        {"thinking": THINKING, "messages": [USER, _said(role="assistant")]},
        "messages",
    ),
    "a beginning that ends white": ({"messages": [USER, _said(_text("so "), role="assistant")]}, "messages"),
    "call without result": ({"messages": [USER, CALLED]}, "messages"),
    "call before another message": ({"messages": [USER, CALLED, USER]}, "messages[2].content"),
    "half of the results": (
        {"messages": [USER, _said(CALL, CALL | {"id": "toolu_2"}, role="assistant"), _said(_result())]},
        "messages",
    ),
    "result without call": ({"messages": [_said(_result())]}, "messages[0].content[0].tool_use_id"),
    "result given twice": (
        {"messages": [USER, CALLED, _said(_result(), _result())]},
        "messages[2].content[1].tool_use_id",
    ),
    "result after text": (
        {"messages": [USER, CALLED, _said(_text("so"), _result())]},
        "messages[2].content[1]",
    ),
    "id that is none": (
        {"messages": [USER, _said(CALL | {"id": "a.b"}, role="assistant")]},
        "messages[1].content[0].id",
    ),
    "id used twice": ({"messages": [USER, _said(CALL, CALL, role="assistant")]}, "messages[1].content[1].id"),
    "arguments as text": (
        {"messages": [USER, _said(CALL | {"input": "{}"}, role="assistant")]},
        "messages[1].content[0].input",
    ),
    "call of the user": ({"messages": [_said(CALL)]}, "messages[0].content[0].type"),
    "remote image": (
        {"messages": [_source(type="url", url="https://example.org/a.png")]},
        "messages[0].content[0].source.url",
    ),
    "image by file": (
        {"messages": [_source(type="file", file_id="file_1")]},
        "messages[0].content[0].source",
    ),
    "image of an unknown type": (
        {"messages": [_image(media_type="image/tiff")]},
        "messages[0].content[0].source",
    ),
    "image of another type": (
        {"messages": [_image(media_type="image/gif")]},
        "messages[0].content[0].source.data",
    ),
    "broken base64": ({"messages": [_image(data=DATA + "?")]}, "messages[0].content[0].source.data"),
    "document that cannot be read": (
        {"messages": [_said(_document(type="base64", media_type="application/pdf", data=DATA))]},
        "messages[0].content[0].source",
    ),
    "format without schema": (
        {"output_config": {"format": {"type": "json_schema"}}},
        "output_config.format.schema",
    ),
    "format that is no schema": (
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": 5}}}},
        "output_config.format.schema",
    ),
    "a container": ({"container": {"id": "c"}}, "container"),
    "altered thinking": (
        {
            "messages": [
                USER,
                _said(
                    {"type": "thinking", "thinking": "b", "signature": SIGNATURES.sign("a")},
                    _text("so"),
                    role="assistant",
                ),
                USER,
            ]
        },
        "messages[1].content[0].signature",
    ),
}


@pytest.mark.parametrize(("parameters", "param"), REFUSED.values(), ids=REFUSED)
def test_refused_with_a_path_and_a_sentence(parameters: dict[str, Any], param: str) -> None:
    with pytest.raises(ProblemError) as caught:
        _decode(**parameters)
    problem = caught.value.problem
    assert (problem.situation, problem.param) == ("invalid_request", param)
    assert problem.message.endswith(".")


def test_a_limit_is_required_for_an_answer_and_not_for_a_count() -> None:
    document = {"model": "m", "messages": [USER]}
    with pytest.raises(ProblemError) as caught:
        decode(document, "req_1", no_headers, SIGNATURES)
    assert caught.value.problem.param == "max_tokens"
    assert decode_count(document, "req_1", no_headers, SIGNATURES).generation.turns == (Turn("user", "hi"),)


NEWER: dict[str, tuple[dict[str, Any], str]] = {
    "temperature": ({"temperature": 1}, "temperature"),
    "top_p": ({"top_p": 0.9}, "top_p"),
    "top_k": ({"top_k": 5}, "top_k"),
    "citations of a user": (
        {"messages": [_said(_text("x", citations=[{"type": "char_location"}]))]},
        "messages[0].content[0].citations",
    ),
    "document of the assistant": (
        {"messages": [USER, _said(_document(type="text", data="x"), role="assistant"), USER]},
        "messages[1].content[0].type",
    ),
}


@pytest.mark.parametrize(("parameters", "param"), NEWER.values(), ids=NEWER)
def test_only_the_newer_version_refuses(parameters: dict[str, Any], param: str) -> None:
    for version in (None, "2023-06-01"):
        assert _decode(version, **parameters).generation.turns
    with pytest.raises(ProblemError) as caught:
        _decode(NEW, **parameters)
    assert caught.value.problem.param == param


def test_an_unknown_version_is_refused() -> None:
    with pytest.raises(ProblemError, match="2023-06-01, 2026-10-21"):
        _decode("2024-01-01")


def test_the_conversation_becomes_turns() -> None:
    asked = _decode(
        system=[_text("Be "), _text("brief.", cache_control={"type": "ephemeral"})],
        messages=[
            USER,
            _said(_text(" there")),
            _said(
                {"type": "thinking", "thinking": "hm", "signature": SIGNATURES.sign("hm")}, role="assistant"
            ),
            _said(_text("Looking."), CALL, CALL | {"id": "toolu_2"}, role="assistant"),
            _said(
                _result("toolu_2", content=[_text("no"), _image()["content"][0]], is_error=True),
                _result(),
                _text("and now?"),
                _document(type="text", media_type="text/plain", data=" Read this."),
            ),
        ],
        tools=[TOOL],
    )
    calls = (ToolCall("toolu_1", "look", '{"a":1.0}'), ToolCall("toolu_2", "look", '{"a":1.0}'))
    assert asked.generation.turns == (
        Turn("system", "Be brief."),
        Turn("user", "hi there"),
        Turn("assistant", "Looking.", tool_calls=calls),
        Turn("tool", "no", 1, tool_call_id="toolu_2", failed=True),
        Turn("tool", "", tool_call_id="toolu_1"),
        Turn("user", "and now? Read this."),
    )
    assert asked.generation.tools == (Tool("look", "Looks", SCHEMA),)
    assert asked.tool_bearing
    assert asked.image_param == "messages[4].content[0].content[1]"
    assert not asked.generation.continues


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        (None, ToolChoice("auto"), True),
        ({"type": "auto", "disable_parallel_tool_use": True}, ToolChoice("auto"), False),
        ({"type": "any"}, ToolChoice("required"), True),
        ({"type": "tool", "name": "look"}, ToolChoice("required", ("look",)), True),
        ({"type": "none"}, ToolChoice("none"), True),
    ],
)
def test_every_form_of_tool_choice(choice: Any, expected: ToolChoice, parallel: bool) -> None:
    asked = _decode(tools=[TOOL], tool_choice=choice).generation
    assert (asked.tool_choice, asked.parallel_tool_calls) == (expected, parallel)


@pytest.mark.parametrize(
    "parameters",
    [
        {"metadata": {"user_id": "u"}, "service_tier": "auto", "temperature": 0, "top_k": 40},
        {"cache_control": {"type": "ephemeral"}, "inference_geo": "us", "speed": "fast"},
        {"system": "", "tools": [], "stop_sequences": [], "thinking": {"type": "disabled"}},
        {"stream": None, "tools": None, "tool_choice": None, "stop_sequences": None, "system": None},
        {"messages": [{"role": "system", "content": "Be brief."}, USER]},
        {"something_new": {"deep": [1]}},
        {"tools": [TOOL | {"type": "custom", "strict": False, "eager_input_streaming": True}]},
    ],
)
def test_what_does_not_change_the_answer_is_accepted(parameters: dict[str, Any]) -> None:
    assert _decode(**parameters).generation.turns[-1] == Turn("user", "hi")


def test_limits_stops_and_thinking_reach_the_engine() -> None:
    asked = _decode(max_tokens=0, stop_sequences=["a", "b"], stream=True)
    assert (asked.generation.max_tokens, asked.generation.stop, asked.stream) == (0, ("a", "b"), True)
    thinking = _decode(thinking=THINKING | {"display": "omitted"})
    assert thinking.generation.reasoning
    assert thinking.hide_reasoning
    assert thinking.reasoning_param == "thinking"
    adaptive = _decode(thinking={"type": "adaptive"})
    assert (adaptive.generation.reasoning, adaptive.reasoning_param) == (True, None)
    beginning = _decode(messages=[USER, {"role": "assistant", "content": "So"}])
    assert beginning.generation.continues


@pytest.mark.parametrize("name", ["output_config", "output_format"])
def test_both_names_of_the_output_format(name: str) -> None:
    form = {"type": "json_schema", "schema": SCHEMA}
    asked = _decode(None, **{name: {"format": form} if name == "output_config" else form})
    assert asked.generation.output == OutputFormat("json_schema", SCHEMA)
    assert asked.output_param.startswith(name)


def test_foreign_missing_and_hidden_thinking_is_taken_as_it_is() -> None:
    elsewhere = Signatures(b"elsewhere").sign("other")
    blocks: list[Any] = [
        {"type": "thinking", "thinking": "x", "signature": elsewhere},
        {"type": "thinking", "thinking": "x", "signature": "EqQBCgIYAhIM"},
        {"type": "thinking", "thinking": "x", "signature": "not base64"},
        {"type": "thinking", "thinking": "x"},
        {"type": "thinking", "thinking": "", "signature": SIGNATURES.sign("hidden")},
        {"type": "redacted_thinking", "data": "opaque"},
    ]
    asked = _decode(messages=[USER, _said(*blocks, _text("so"), role="assistant"), USER])
    assert asked.generation.turns[1] == Turn("assistant", "so")
