from __future__ import annotations

import base64
from typing import Any

import pytest
from wiremark_server.dialects.openai_chat.request import decode
from wiremark_server.domain.asked import Asked
from wiremark_server.domain.generation import OutputFormat, ToolCall, ToolChoice, Turn
from wiremark_server.domain.problem import ProblemError

USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1.0}'}}
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n rest").decode()


def _image(url: str) -> dict[str, Any]:
    return {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}


def _decode(**parameters: Any) -> Asked:
    return decode({"model": "m", "messages": [USER]} | parameters, "req_1")


def _custom(**grammar: str) -> dict[str, Any]:
    form = {"type": "grammar", "grammar": grammar}
    return {"type": "custom", "custom": {"name": "x", "format": form}}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no messages": ({"messages": []}, "messages"),
    "null model": ({"model": None}, "model"),
    "no role": ({"messages": [{"content": "x"}]}, "messages[0].role"),
    "unknown role": ({"messages": [{"role": "bot", "content": "x"}]}, "messages[0].role"),
    "no content": ({"messages": [USER, {"role": "user"}]}, "messages[1].content"),
    "number as content": ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    "unknown part": (
        {"messages": [{"role": "user", "content": [{"type": "video"}]}]},
        "messages[0].content[0].type",
    ),
    "audio part": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}],
                }
            ]
        },
        "messages[0].content[0].type",
    ),
    "temperature": ({"temperature": 2.1}, "temperature"),
    "n of 0": ({"n": 0}, "n"),
    "max_tokens of 0": ({"max_tokens": 0}, "max_tokens"),
    "negative limit": ({"max_completion_tokens": -1}, "max_completion_tokens"),
    "decimal limit": ({"max_tokens": 10.0}, "max_tokens"),
    "text limit": ({"max_tokens": "10"}, "max_tokens"),
    "text boolean": ({"stream": "true"}, "stream"),
    "five stops": ({"stop": list("abcde")}, "stop"),
    "empty stop": ({"stop": ""}, "stop"),
    "alternatives without logprobs": ({"top_logprobs": 2}, "logprobs"),
    "seed beyond 64 bits": ({"seed": 2**63}, "seed"),
    "seed of 400 digits": ({"seed": 10**400}, "seed"),
    "stream options without stream": ({"stream_options": {"include_usage": True}}, "stream_options"),
    "tool choice without tools": ({"tool_choice": "required"}, "tool_choice"),
    "unknown tool choice": ({"tools": [TOOL], "tool_choice": "maybe"}, "tool_choice"),
    "choice of an unknown tool": (
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "other"}}},
        "tool_choice.function.name",
    ),
    "bad tool name": (
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        "tools[0].function.name",
    ),
    "custom tool with a grammar of the other kind": (
        {"tools": [_custom(syntax="lark", definition="start: WORD")]},
        "tools[0].custom.format.grammar.syntax",
    ),
    "custom tool whose grammar is no expression": (
        {"tools": [_custom(syntax="regex", definition="(")]},
        "tools[0].custom.format.grammar.definition",
    ),
    "custom tool chosen as a function": (
        {
            "tools": [{"type": "custom", "custom": {"name": "x"}}],
            "tool_choice": {"type": "function", "function": {"name": "x"}},
        },
        "tool_choice.function.name",
    ),
    "tool parameters that are no schema": (
        {"tools": [{"type": "function", "function": {"name": "x", "parameters": {"type": "thing"}}}]},
        "tools[0].function.parameters",
    ),
    "strict tool that is not": (
        {
            "tools": [
                {
                    "type": "function",
                    "function": {"name": "x", "strict": True, "parameters": {"type": "object"}},
                }
            ]
        },
        "tools[0].function.parameters",
    ),
    "unknown format": ({"response_format": {"type": "xml"}}, "response_format.type"),
    "format without schema": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
        "response_format.json_schema.schema",
    ),
    "format that is no schema": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": 5}}}},
        "response_format.json_schema.schema",
    ),
    "remote image": (
        {"messages": [_image("https://example.org/a.png")]},
        "messages[0].content[0].image_url.url",
    ),
    "broken base64": ({"messages": [_image(PNG + "?")]}, "messages[0].content[0].image_url.url"),
    "another type of image": (
        {"messages": [_image(PNG.replace("png", "jpeg"))]},
        "messages[0].content[0].image_url.url",
    ),
    "deprecated functions": ({"functions": [{"name": "x"}]}, "functions"),
    "spoken answer": ({"modalities": ["text", "audio"]}, "modalities"),
    "call without result": (
        {"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}]},
        "messages",
    ),
    "call without result before the next turn": (
        {"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}, USER]},
        "messages[2]",
    ),
    "result without call": (
        {"messages": [USER, {"role": "tool", "tool_call_id": "call_9", "content": ""}]},
        "messages[1].tool_call_id",
    ),
}


@pytest.mark.parametrize(("parameters", "param"), REFUSED.values(), ids=REFUSED)
def test_a_bad_request_is_told_where_it_is_bad(parameters: dict[str, Any], param: str) -> None:
    with pytest.raises(ProblemError) as caught:
        _decode(**parameters)
    assert (caught.value.problem.situation, caught.value.problem.param) == ("invalid_request", param)


def test_the_round_trip_names_the_call_at_fault() -> None:
    with pytest.raises(ProblemError, match="call_1"):
        _decode(messages=[USER, {"role": "assistant", "tool_calls": [CALL]}])
    with pytest.raises(ProblemError, match="call_9"):
        _decode(messages=[USER, {"role": "tool", "tool_call_id": "call_9", "content": ""}])


def test_a_refusal_never_quotes_the_value() -> None:
    with pytest.raises(ProblemError) as caught:
        _decode(temperature="my secret")
    assert "secret" not in caught.value.problem.message


def test_null_means_absent_for_every_optional_parameter() -> None:
    names = (
        "stream stream_options max_tokens max_completion_tokens n stop temperature top_p seed logprobs "
        "tools top_logprobs tool_choice parallel_tool_calls response_format reasoning_effort metadata user "
        "functions"
    )
    assert _decode(**dict.fromkeys(names.split())) == _decode()


def test_the_servers_own_answer_is_accepted_back() -> None:
    message = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "annotations": [],
        "audio": None,
        "reasoning_content": "hm",
        "tool_calls": [CALL],
        "unknown": {"x": 1},
    }
    result = {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "42"}]}
    asked = _decode(messages=[USER, message, result], tools=[TOOL])
    assert asked.generation.turns == (
        Turn("user", "hi"),
        Turn("assistant", "", tool_calls=(ToolCall("call_1", "look", '{"a": 1.0}'),)),
        Turn("tool", "42", tool_call_id="call_1"),
    )
    assert asked.tool_bearing


def test_roles_and_parts_become_turns() -> None:
    messages = [
        {"role": "developer", "content": "be brief", "name": "d"},
        {"role": "user", "content": [{"type": "text", "text": "see "}, {"type": "text", "text": "this"}]},
        _image(PNG),
        {"role": "system", "content": "late"},
    ]
    asked = _decode(messages=messages)
    assert asked.generation.turns == (
        Turn("system", "be brief"),
        Turn("user", "see this"),
        Turn("user", "", images=1),
        Turn("system", "late"),
    )
    assert asked.image_param == "messages[2].content[0]"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, ToolChoice("none")),
        ({"tools": []}, ToolChoice("none")),
        ({"tools": [TOOL]}, ToolChoice("auto")),
        ({"tools": [TOOL], "tool_choice": "none"}, ToolChoice("none")),
        ({"tools": [TOOL], "tool_choice": "required"}, ToolChoice("required")),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "look"}}},
            ToolChoice("required", ("look",)),
        ),
        (
            {
                "tools": [TOOL],
                "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}},
            },
            ToolChoice("auto", ("look",)),
        ),
    ],
)
def test_tool_choice(given: dict[str, Any], wanted: ToolChoice) -> None:
    assert _decode(**given).generation.tool_choice == wanted


def test_of_two_limits_the_smaller_one_holds() -> None:
    assert _decode(max_tokens=9, max_completion_tokens=5).generation.max_tokens == 5


def test_stop_is_one_or_several() -> None:
    assert _decode(stop="x").generation.stop == ("x",)
    assert _decode(stop=["x", "y"]).generation.stop == ("x", "y")


def test_output_formats() -> None:
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    assert _decode(response_format=form).generation.output == OutputFormat("json_schema", schema)
    assert _decode(response_format={"type": "json_object"}).generation.output == OutputFormat("json_object")


def test_unknown_parameters_are_ignored() -> None:
    assert _decode(top_k=40, store=True, metadata={"a": "b"}) == _decode()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, False),
        ({"reasoning_effort": "low"}, True),
        ({"reasoning_effort": "none"}, False),
        ({"reasoning": {"effort": "high"}}, True),
        ({"reasoning": {"max_tokens": 100}}, True),
        ({"reasoning": {"enabled": True}}, True),
        ({"reasoning": {"enabled": False, "effort": "high"}}, False),
        ({"reasoning": {"effort": "none"}}, False),
        ({"reasoning": {}}, False),
        ({"reasoning": "high"}, False),
        ({"include_reasoning": True}, True),
        ({"thinking": {"type": "enabled"}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({"enable_thinking": True}, True),
        ({"enable_thinking": "yes"}, False),
        ({"chat_template_kwargs": {"enable_thinking": True}}, True),
        ({"chat_template_kwargs": {"enable_thinking": False}}, False),
        ({"chat_template_kwargs": None}, False),
    ],
)
def test_every_vendors_switch_of_reasoning_is_understood(given: dict[str, Any], wanted: bool) -> None:
    assert _decode(**given).generation.reasoning is wanted
