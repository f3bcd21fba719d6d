"""What the wire schemas accept and refuse, case by case."""

from __future__ import annotations

from typing import Any

import pytest
from wiremark_schemas import registry
from wiremark_schemas.explain import violations

USER = {"role": "user", "content": "Hello"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


def request(**parameters: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [USER], **parameters}


def response(
    *, message: dict[str, Any] | None = None, choice: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The least that every client needs, with a choice and its message overlaid."""
    said = {"role": "assistant", "content": "Hi", **(message or {})}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1764547200,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": said, **(choice or {})}],
    }


def chunk(*, delta: dict[str, Any] | None = None, **choice: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1764547200,
        "model": "m",
        "choices": [{"index": 0, "delta": delta or {}, **choice}],
    }


def without(document: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != key}


def places(schema: str, document: Any) -> list[str]:
    """The pointers at which the document departs from the schema."""
    return [violation.pointer for violation in violations(registry.validator(schema), document)]


ACCEPTED_PARAMETERS: list[dict[str, Any]] = [
    {},
    {"stream": True, "stream_options": {"include_usage": True}},
    {"max_tokens": 1},
    {"max_completion_tokens": 4096},
    {"max_tokens": 10.0},  # an integer, as JSON Schema counts
    {"temperature": 0, "top_p": 1},
    {"temperature": 2},
    {"frequency_penalty": -2, "presence_penalty": 2},
    {"n": 128},
    {"stop": "END"},
    {"stop": ["a", "b", "c", "d"]},
    {"logprobs": True, "top_logprobs": 20},
    {"top_logprobs": 0},
    {"logit_bias": {"50256": -100}},
    {"seed": -(2**63)},
    {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False},
    {"tools": []},
    {"tools": [{"type": "function", "function": {"name": "f", "strict": None}}]},
    {"tools": [{"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}]},
    {"tool_choice": {"type": "function", "function": {"name": "f"}}},
    {"tool_choice": {"type": "custom", "custom": {"name": "f"}}},
    {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}}},
    {"function_call": {"name": "f"}, "functions": [{"name": "f"}]},
    {"response_format": {"type": "json_object"}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}}},
    {"reasoning_effort": "xhigh"},
    {"audio": {"voice": {"id": "v"}, "format": "mp3"}, "modalities": ["text", "audio"]},
    {"metadata": {str(position): "x" for position in range(16)}},
    {"a_parameter_of_next_year": {"deep": [1]}},
]

REFUSED_PARAMETERS: list[tuple[dict[str, Any], str]] = [
    ({"model": ""}, "/model"),
    ({"model": None}, "/model"),
    ({"messages": []}, "/messages"),
    ({"messages": "Hello"}, "/messages"),
    ({"stream": "true"}, "/stream"),
    ({"stream": 1}, "/stream"),
    ({"max_tokens": 0}, "/max_tokens"),
    ({"max_tokens": -1}, "/max_tokens"),
    ({"max_tokens": "10"}, "/max_tokens"),
    ({"max_tokens": True}, "/max_tokens"),
    ({"max_completion_tokens": 1.5}, "/max_completion_tokens"),
    ({"temperature": 2.1}, "/temperature"),
    ({"temperature": "hot"}, "/temperature"),
    ({"top_p": -0.1}, "/top_p"),
    ({"frequency_penalty": 2.5}, "/frequency_penalty"),
    ({"presence_penalty": -3}, "/presence_penalty"),
    ({"n": 0}, "/n"),
    ({"n": 129}, "/n"),
    ({"stop": []}, "/stop"),
    ({"stop": list("abcde")}, "/stop"),
    ({"stop": [1]}, "/stop/0"),
    ({"logprobs": True, "top_logprobs": 21}, "/top_logprobs"),
    ({"logprobs": False, "top_logprobs": 2}, "/logprobs"),
    ({"logit_bias": {"1": 101}}, "/logit_bias/1"),
    ({"seed": 2**63}, "/seed"),
    ({"tools": [{"type": "function"}]}, "/tools/0"),
    ({"tools": [{"type": "function", "function": {"name": "with space"}}]}, "/tools/0/function/name"),
    ({"tools": [{"type": "function", "function": {"name": "x" * 65}}]}, "/tools/0/function/name"),
    ({"tools": [{"type": "retrieval"}]}, "/tools/0/type"),
    ({"tool_choice": "maybe"}, "/tool_choice"),
    ({"tool_choice": {"type": "function"}}, "/tool_choice"),
    (
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "none"}}},
        "/tool_choice/allowed_tools",
    ),
    ({"response_format": "json"}, "/response_format"),
    ({"response_format": {"type": "yaml"}}, "/response_format/type"),
    ({"response_format": {"type": "json_schema", "json_schema": {}}}, "/response_format/json_schema"),
    ({"reasoning_effort": "very"}, "/reasoning_effort"),
    ({"metadata": {"k": "x" * 513}}, "/metadata/k"),
    ({"metadata": {str(position): "x" for position in range(17)}}, "/metadata"),
    ({"safety_identifier": "x" * 65}, "/safety_identifier"),
]

ACCEPTED_MESSAGES: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief."},
    {"role": "system", "content": [{"type": "text", "text": "Be brief."}], "name": "rules"},
    {"role": "user", "content": ""},
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]},
    {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}]},
    {"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]},
    {"role": "assistant", "tool_calls": [CALL]},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
    {"role": "assistant", "content": "Hi", "tool_calls": [], "function_call": None},
    {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "12"}]},
    {"role": "function", "name": "look_up", "content": None},
]

REFUSED_MESSAGES: list[tuple[Any, str]] = [
    ("Hello", ""),
    ({"content": "Hello"}, ""),
    ({"role": "robot", "content": "Hello"}, "/role"),
    ({"role": "user"}, ""),
    ({"role": "user", "content": None}, "/content"),
    ({"role": "user", "content": []}, "/content"),
    ({"role": "user", "content": [{"type": "video"}]}, "/content/0/type"),
    ({"role": "user", "content": [{"type": "image_url", "image_url": "https://x"}]}, "/content/0/image_url"),
    ({"role": "system", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, "/content/0/type"),
    ({"role": "tool", "content": "12"}, ""),
    ({"role": "assistant", "tool_calls": [{"type": "function"}]}, "/tool_calls/0"),
    (
        {"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]},
        "/tool_calls/0/function/arguments",
    ),
]


@pytest.mark.parametrize("parameters", ACCEPTED_PARAMETERS, ids=str)
def test_a_request_with_these_parameters_is_accepted(parameters: dict[str, Any]) -> None:
    assert places("openai/chat.request", request(**parameters)) == []


@pytest.mark.parametrize(("parameters", "place"), REFUSED_PARAMETERS, ids=str)
def test_a_request_out_of_range_is_refused_at_its_place(parameters: dict[str, Any], place: str) -> None:
    assert place in places("openai/chat.request", request(**parameters))


def test_null_stands_for_every_absent_optional_parameter() -> None:
    known = registry.load("openai/chat.request")["properties"]
    nulls = {name: None for name in known if name not in {"model", "messages"}}
    assert places("openai/chat.request", request(**nulls)) == []


@pytest.mark.parametrize("message", ACCEPTED_MESSAGES, ids=str)
def test_a_message_of_this_kind_is_accepted(message: dict[str, Any]) -> None:
    assert places("openai/chat.message", message) == []


@pytest.mark.parametrize(("message", "place"), REFUSED_MESSAGES, ids=str)
def test_a_bad_message_is_refused_at_its_place(message: Any, place: str) -> None:
    assert place in places("openai/chat.message", message)


def test_the_message_of_an_answer_may_be_sent_back_as_it_is() -> None:
    message = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "reasoning_content": "Let me look.",
        "tool_calls": [CALL],
        "a_key_of_this_server": 1,
    }
    assert places("openai/chat.response", response(message=message)) == []
    assert places("openai/chat.message", message) == []


@pytest.mark.parametrize("key", ["id", "object", "created", "model", "choices"])
def test_an_answer_and_a_chunk_need_their_five_head_keys(key: str) -> None:
    assert places("openai/chat.response", without(response(), key)) == [""]
    assert places("openai/chat.chunk", without(chunk(), key)) == [""]


@pytest.mark.parametrize(
    ("overlay", "place"),
    [
        ({"message": {"content": [{"type": "text", "text": "Hi"}]}}, "/choices/0/message/content"),
        ({"message": {"role": "user"}}, "/choices/0/message/role"),
        ({"choice": {"finish_reason": None}}, "/choices/0/finish_reason"),
        ({"choice": {"finish_reason": "eos"}}, "/choices/0/finish_reason"),
        ({"choice": {"index": "0"}}, "/choices/0/index"),
        ({"choice": {"index": True}}, "/choices/0/index"),
        ({"message": {"tool_calls": [without(CALL, "id")]}}, "/choices/0/message/tool_calls/0"),
        ({"message": {"tool_calls": [without(CALL, "type")]}}, "/choices/0/message/tool_calls/0"),
    ],
    ids=str,
)
def test_an_answer_that_breaks_clients_is_refused(overlay: dict[str, Any], place: str) -> None:
    assert place in places("openai/chat.response", response(**overlay))


def test_what_only_the_published_schema_requires_is_in_the_strict_schemas_alone() -> None:
    assert places("openai/chat.response", response()) == []
    assert places("openai/chat.response.strict", response()) == ["/choices/0", "/choices/0/message"]
    full = response(message={"refusal": None}, choice={"logprobs": None})
    assert places("openai/chat.response.strict", full) == []
    assert places("openai/chat.chunk", chunk()) == []
    assert places("openai/chat.chunk.strict", chunk()) == ["/choices/0"]
    assert places("openai/chat.chunk.strict", chunk(finish_reason=None)) == []


def test_the_bytes_of_a_token_are_required_by_the_strict_schema_alone() -> None:
    token = {"token": "Hi", "logprob": -0.5, "top_logprobs": []}
    answer = response(message={"refusal": None}, choice={"logprobs": {"content": [token], "refusal": None}})
    assert places("openai/chat.response", answer) == []
    assert places("openai/chat.response.strict", answer) == ["/choices/0/logprobs/content/0"]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (chunk(delta={"tool_calls": [{"id": "call_1"}]}), "/choices/0/delta/tool_calls/0"),
        (chunk(delta={"content": ["Hi"]}), "/choices/0/delta/content"),
        (chunk(finish_reason=""), "/choices/0/finish_reason"),
        ({**chunk(), "choices": None}, "/choices"),
        ({**chunk(), "choices": [{"index": 0, "delta": None}]}, "/choices/0/delta"),
        ({**chunk(), "choices": [{"delta": {}}]}, "/choices/0"),
        ({**chunk(), "object": "chat.completion"}, "/object"),
    ],
    ids=str,
)
def test_a_chunk_that_breaks_clients_is_refused(document: dict[str, Any], place: str) -> None:
    assert place in places("openai/chat.chunk", document)


def test_the_usage_chunk_and_null_usage_are_accepted() -> None:
    assert places("openai/chat.chunk", {**chunk(), "choices": [], "usage": USAGE}) == []
    assert places("openai/chat.chunk", {**chunk(), "usage": None}) == []


@pytest.mark.parametrize(
    ("overlay", "place"),
    [
        ({"prompt_tokens": True}, "/prompt_tokens"),
        ({"completion_tokens": "4"}, "/completion_tokens"),
        ({"total_tokens": -1}, "/total_tokens"),
        ({"prompt_tokens_details": {"cached_tokens": 0.5}}, "/prompt_tokens_details/cached_tokens"),
    ],
    ids=str,
)
def test_counts_are_integers_from_zero(overlay: dict[str, Any], place: str) -> None:
    assert places("openai/usage", {**USAGE, **overlay}) == [place]


def test_an_error_has_four_keys_and_the_lenient_form_only_a_message() -> None:
    error = {
        "message": "No such model.",
        "type": "invalid_request_error",
        "param": None,
        "code": "model_not_found",
    }
    assert places("openai/error", {"error": error}) == []
    lenient = registry.validator("openai/error", "lenient")
    for key in ("message", "type", "param", "code"):
        assert places("openai/error", {"error": without(error, key)}) == ["/error"]
        assert lenient.is_valid({"error": without(error, key)}) is (key != "message")
    assert places("openai/error", {"error": {**error, "code": 404}}) == ["/error/code"]
    bodies: list[Any] = [{"error": "No such model."}, {"detail": "Not Found"}, [], None]
    for body in bodies:
        assert not lenient.is_valid(body)


def test_a_catalogue_is_a_list_object_of_whole_models() -> None:
    model = {"id": "org/model:8b", "object": "model", "created": 1764547200, "owned_by": "org"}
    assert places("openai/models.list", {"object": "list", "data": [{**model, "context_length": 8192}]}) == []
    assert places("openai/models.list", [model]) == [""]
    assert places("openai/models.list", {"object": "list", "models": [model]}) == [""]
    for key in model:
        assert places("openai/models.list", {"object": "list", "data": [without(model, key)]}) == ["/data/0"]
