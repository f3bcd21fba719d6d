"""The schemas of the Responses surface against the types of the `openai` SDK."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import (
    EasyInputMessage,
    FunctionTool,
    InputTokenCountResponse,
    Response,
    ResponseErrorEvent,
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputRefusal,
    ResponseOutputText,
    ResponseReasoningItem,
    ResponseStreamEvent,
    ResponseTextConfig,
    ResponseUsage,
    response_item_list,
    response_output_text,
)
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import BaseModel
from wiremark_schemas import registry

from tests.schemas.sdk_types import (
    Drawing,
    Sampler,
    assert_valid,
    fields,
    found,
    held,
    options,
    place_differences,
    samplers,
)

ADDED = {"ResponseFunctionToolCall": {"id": "fc_1"}}  # a stream without it raises in the newest SDKs
FIXED = {"max_output_tokens": 16, "conversation": None, "input": "Hello", "model": "m"}
SAMPLERS = samplers(fixed=FIXED, added=ADDED)
HELD = samplers(fixed={"max_output_tokens": 16}, added=ADDED)

EVENTS = {fields(event)["type"][0].__args__[0]: event for event in options(ResponseStreamEvent)}
ITEMS = {
    fields(item)["type"][0].__args__[0]: item for item in options(fields(Response)["output"][0].__args__[0])
}
INPUTS = options(options(fields(ResponseCreateParamsNonStreaming)["input"][0])[1].__args__[0])
TOOLS = options(options(fields(ResponseCreateParamsNonStreaming)["tools"][0])[0].__args__[0])
CHOICES = [
    choice
    for choice in options(fields(ResponseCreateParamsNonStreaming)["tool_choice"][0])
    if hasattr(choice, "__annotations__")
]

ANSWERS: list[tuple[str, type[BaseModel]]] = [
    ("openai/responses.response", Response),
    ("openai/responses.usage", ResponseUsage),
    ("openai/responses.input_items", response_item_list.ResponseItemList),
    ("openai/responses.input_tokens", InputTokenCountResponse),
]


# ------------------------------------------------------------------- from the SDK to our schemas


@pytest.mark.parametrize("sampler", HELD, ids=str)
@pytest.mark.parametrize(("schema", "model"), ANSWERS)
def test_what_the_sdk_can_hold_is_valid(schema: str, model: type[BaseModel], sampler: Sampler) -> None:
    for document in held(model, sampler):
        assert_valid(schema, document)


@pytest.mark.parametrize("kind", ITEMS)
def test_an_item_of_every_type_is_valid_as_output(kind: str) -> None:
    for sampler in HELD[:4]:
        for document in held(ITEMS[kind], sampler):
            assert_valid("openai/responses.item", document)


@pytest.mark.parametrize("kind", EVENTS)
def test_an_event_of_every_type_is_valid(kind: str) -> None:
    for sampler in HELD[:4]:
        for document in held(EVENTS[kind], sampler):
            assert_valid("openai/responses.event", document)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize("params", [ResponseCreateParamsNonStreaming, ResponseCreateParamsStreaming])
def test_a_request_that_the_sdk_can_send_is_valid(params: Any, sampler: Sampler) -> None:
    assert_valid("openai/responses.request", {"model": "m", "input": "Hello"} | sampler.structure(params))


@pytest.mark.parametrize("kind", INPUTS, ids=lambda kind: kind.__name__)
def test_an_input_item_of_every_type_that_the_sdk_can_send_is_valid(kind: Any) -> None:
    for sampler in SAMPLERS:
        assert_valid("openai/responses.input-item", sampler.structure(kind))


@pytest.mark.parametrize("kind", TOOLS, ids=lambda kind: kind.__name__)
def test_a_tool_of_every_type_that_the_sdk_can_send_is_valid(kind: Any) -> None:
    for sampler in SAMPLERS[:4]:
        assert_valid("openai/responses.tool", sampler.structure(kind))


@pytest.mark.parametrize("kind", CHOICES, ids=lambda kind: kind.__name__)
def test_a_tool_choice_of_every_type_that_the_sdk_can_send_is_valid(kind: Any) -> None:
    for sampler in SAMPLERS:
        document = {"model": "m", "input": "Hello", "tool_choice": sampler.structure(kind)}
        assert_valid("openai/responses.request", document)


# ------------------------------------------------------------------- from our schemas to the SDK


@pytest.mark.parametrize(("schema", "model"), ANSWERS[1:])  # a response is made of items, which follow
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_a_schema_allows_the_sdk_can_construct_and_give_back(
    schema: str, model: type[BaseModel], data: st.DataObject
) -> None:
    document = Drawing(data).instance(found(schema))
    assert_valid(schema, document)
    built = model.construct(**document)  # type: ignore[deprecated,unused-ignore]  # as the client does
    assert built.model_dump(mode="json", exclude_unset=True, warnings=False) == document


@pytest.mark.parametrize("kind", ["message", "function_call", "custom_tool_call", "reasoning"])
@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_an_item_that_the_schema_allows_the_sdk_knows_by_its_type(kind: str, data: st.DataObject) -> None:
    document = Drawing(data).instance(found(f"openai/responses.item#/$defs/{kind}")) | {"type": kind}
    response = Response.construct(output=[document])  # type: ignore[deprecated,unused-ignore]
    assert type(response.output[0]) is ITEMS[kind]


# ----------------------------------------------------------------------- property by property

EVENT = "openai/responses.event#/$defs/"
ITEM = "openai/responses.item#/$defs/"
PAIRS: dict[str, tuple[Any, str]] = {
    "request": (ResponseCreateParamsNonStreaming, "openai/responses.request#"),
    "response": (Response, "openai/responses.response#"),
    "usage": (ResponseUsage, "openai/responses.usage#"),
    "text": (ResponseTextConfig, "openai/responses.text#"),
    "function": (FunctionTool, "openai/responses.tool#/$defs/function"),
    "input message": (EasyInputMessage, "openai/responses.input-item#/$defs/message"),
    "message": (ResponseOutputMessage, ITEM + "message"),
    "text part": (ResponseOutputText, ITEM + "output_text"),
    "token": (response_output_text.Logprob, ITEM + "logprob"),
    "refusal": (ResponseOutputRefusal, ITEM + "refusal"),
    "function call": (ResponseFunctionToolCall, ITEM + "function_call"),
    "reasoning": (ResponseReasoningItem, ITEM + "reasoning"),
    "error event": (ResponseErrorEvent, EVENT + "error"),
    **{kind: (model, EVENT + kind) for kind, model in EVENTS.items() if kind != "error"},
}

# Words that grow, which the schemas leave open and `responses.*.strict` lists.
OPEN = ("status", "type", "phase", "service_tier", "truncation", "prompt_cache_retention", "tool_choice")
# Judged by the schema around: the type tells the parts apart, the number is the published form's.
AROUND = ("only the SDK has type", "has sequence_number", "requires type", "requires sequence_number")

ALLOWED = {
    "error event: only the SDK requires message": "or nested in error, as on other surfaces",
    "error event: only the schema has error": "as above",
    "function call: the schema refuses for id: null": "a stream without it raises in the newest SDKs",
    "input message: only the schema has id": "an output message comes back as input",
    "input message: only the schema has status": "as above",
    "request: the schema adds to prompt_cache_retention: in-memory": "the word of earlier releases",
    "response: only the schema has store": "published, and sent by the reference endpoint",
    "response.function_call_arguments.done: only the schema has name": "published, not in every release",
    "response.output_text.delta: only the schema has obfuscation": "padding that the request may turn off",
    "token: only the SDK requires bytes": "many servers do not have them",
    "token: only the SDK requires top_logprobs": "as above",
    "token: the schema allows null for the required bytes": "as above",
    "token: the schema allows null for the required top_logprobs": "as above",
}


def test_both_sides_know_the_same_events_and_items() -> None:
    known = registry.load("openai/responses.event")
    assert set(known["properties"]["type"]["enum"]) == set(EVENTS)
    strict = registry.load("openai/responses.item")["$defs"]["strict"]
    assert set(strict["properties"]["type"]["enum"]) == set(ITEMS)


def test_both_sides_know_the_same_properties_with_the_same_types() -> None:
    different = {text for label, (kind, at) in PAIRS.items() for text in place_differences(label, kind, at)}
    growing = tuple(f"the schema adds to {name}: text" for name in OPEN)
    assert {text for text in different if not text.endswith((*AROUND, *growing))} == set(ALLOWED)
