"""The wire schemas against the types of the official `openai` SDK, both ways.

From the SDK: instances of its types, every optional field set, unset and null, every literal in
turn, are valid under our main schemas. To the SDK: instances drawn from our strict schemas pass its
models in strict mode, and instances of the main schemas pass the lenient construction that its
client uses. And property by property: what one side knows and the other does not is listed below
with its reason, so that a new SDK field fails a test here rather than being missed.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.pagination import SyncPage
from openai.types import CompletionUsage, ErrorObject, Model
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionAssistantMessageParam,
    ChatCompletionChunk,
    ChatCompletionDeveloperMessageParam,
    ChatCompletionFunctionMessageParam,
    ChatCompletionMessage,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionSystemMessageParam,
    ChatCompletionTokenLogprob,
    ChatCompletionToolMessageParam,
    ChatCompletionUserMessageParam,
    chat_completion,
    chat_completion_chunk,
)
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.shared_params import FunctionDefinition, ResponseFormatJSONSchema
from pydantic import BaseModel
from wiremark_schemas import registry

from tests.schemas.sdk_types import (
    SAMPLERS,
    Drawing,
    Sampler,
    assert_valid,
    differences,
    fields,
    node,
    referred,
)

# ------------------------------------------------------------------- from the SDK to our schemas


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize(
    ("schema", "model"),
    [
        ("openai/chat.response", ChatCompletion),
        ("openai/chat.chunk", ChatCompletionChunk),
        ("openai/usage", CompletionUsage),
        ("openai/model", Model),
    ],
)
def test_what_the_sdk_can_hold_is_valid(schema: str, model: type[BaseModel], sampler: Sampler) -> None:
    instance = model.model_validate(sampler.structure(model), strict=True)
    for dump in (instance.model_dump(mode="json"), instance.model_dump(mode="json", exclude_unset=True)):
        assert_valid(schema, dump)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_an_error_and_a_page_of_models_of_the_sdk_are_valid(sampler: Sampler) -> None:
    error = ErrorObject.model_validate(sampler.structure(ErrorObject), strict=True)
    assert_valid("openai/error", {"error": error.model_dump(mode="json")})
    page = SyncPage[Model](object="list", data=[Model.model_validate(sampler.structure(Model))])
    assert_valid("openai/models.list", page.model_dump(mode="json"))


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize("params", [CompletionCreateParamsNonStreaming, CompletionCreateParamsStreaming])
def test_a_request_that_the_sdk_can_send_is_valid(params: Any, sampler: Sampler) -> None:
    assert_valid("openai/chat.request", sampler.structure(params))


MESSAGES: dict[str, Any] = {
    "developer": ChatCompletionDeveloperMessageParam,
    "system": ChatCompletionSystemMessageParam,
    "user": ChatCompletionUserMessageParam,
    "assistant": ChatCompletionAssistantMessageParam,
    "tool": ChatCompletionToolMessageParam,
    "function": ChatCompletionFunctionMessageParam,
}


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize("role", MESSAGES)
def test_a_message_of_every_role_that_the_sdk_can_send_is_valid(role: str, sampler: Sampler) -> None:
    assert_valid("openai/chat.message", sampler.structure(MESSAGES[role]))


# ------------------------------------------------------------------- from our schemas to the SDK

STRICT: list[tuple[str, type[BaseModel]]] = [
    ("openai/chat.response.strict", ChatCompletion),
    ("openai/chat.chunk.strict", ChatCompletionChunk),
    ("openai/usage", CompletionUsage),
    ("openai/model", Model),
]
MAIN: list[tuple[str, type[BaseModel]]] = [
    ("openai/chat.response", ChatCompletion),
    ("openai/chat.chunk", ChatCompletionChunk),
    ("openai/models.list", SyncPage[Model]),
]


@pytest.mark.parametrize(("schema", "model"), STRICT)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_a_strict_schema_allows_the_sdk_takes_strictly(
    schema: str, model: type[BaseModel], data: st.DataObject
) -> None:
    document = Drawing(data).instance(node(schema))
    assert_valid(schema, document)  # the drawing itself is right
    model.model_validate(document, strict=True)


@pytest.mark.parametrize(("schema", "model"), MAIN)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_a_main_schema_allows_the_sdk_can_construct_and_give_back(
    schema: str, model: type[BaseModel], data: st.DataObject
) -> None:
    document = Drawing(data).instance(node(schema))
    assert_valid(schema, document)
    built = model.construct(**document)  # type: ignore[deprecated,unused-ignore]  # as the client does
    assert built.model_dump(mode="json", exclude_unset=True) == document


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_the_error_schema_allows_the_sdk_takes_strictly(data: st.DataObject) -> None:
    document = Drawing(data).instance(node("openai/error"))
    assert_valid("openai/error", document)
    ErrorObject.model_validate(document["error"], strict=True)


# ----------------------------------------------------------------------- property by property

PAIRS: dict[str, tuple[Any, str]] = {
    "request": (CompletionCreateParamsNonStreaming, "openai/chat.request#"),
    "function": (FunctionDefinition, "openai/tool#/$defs/function"),
    "response format": (ResponseFormatJSONSchema, "openai/response-format#"),
    **{f"{role} message": (shape, f"openai/chat.message#/$defs/{role}") for role, shape in MESSAGES.items()},
    "response": (ChatCompletion, "openai/chat.response#"),
    "response choice": (chat_completion.Choice, "openai/chat.response#/$defs/choice"),
    "response message": (ChatCompletionMessage, "openai/chat.response#/$defs/message"),
    "chunk": (ChatCompletionChunk, "openai/chat.chunk#"),
    "chunk choice": (chat_completion_chunk.Choice, "openai/chat.chunk#/$defs/choice"),
    "delta": (chat_completion_chunk.ChoiceDelta, "openai/chat.chunk#/$defs/delta"),
    "delta tool call": (chat_completion_chunk.ChoiceDeltaToolCall, "openai/chat.chunk#/$defs/tool-call"),
    "tool call": (ChatCompletionMessageFunctionToolCall, "openai/tool-call#"),
    "logprobs": (chat_completion.ChoiceLogprobs, "openai/logprobs#"),
    "token": (ChatCompletionTokenLogprob, "openai/logprobs#/$defs/token"),
    "usage": (CompletionUsage, "openai/usage#"),
    "model": (Model, "openai/model#"),
    "error": (ErrorObject, "openai/error#/$defs/error"),
}

ALLOWED = {
    "developer message: only the SDK has role": "the role is judged by the message schema around it",
    "system message: only the SDK has role": "as above",
    "user message: only the SDK has role": "as above",
    "assistant message: only the SDK has role": "as above",
    "tool message: only the SDK has role": "as above",
    "function message: only the SDK has role": "as above",
    "assistant message: only the schema has annotations": "a server emits it, so it comes back",
    "assistant message: only the schema has reasoning_content": "an extension that comes back on tool turns",
    "response message: only the schema has reasoning_content": "an extension that agents read",
    "delta: only the schema has reasoning_content": "an extension that agents read",
    "response format: only the SDK has json_schema": "required by the schema when the type is json_schema",
    "tool call: only the SDK has function": "required by the schema when the type is function",
    "request: the schema adds to prompt_cache_retention: in-memory": "the word of earlier releases",
    "request: the schema adds to function_call: text": "its words are in an if/then, judged elsewhere",
    "request: the schema adds to tool_choice: text": "its words are in an if/then, judged elsewhere",
    "response: the schema adds to service_tier: text": "servers have tiers of their own; strict has the list",
    "chunk: the schema adds to service_tier: text": "servers have tiers of their own; strict has the list",
    "delta: the schema adds to role: text": "the role of a stream is a check of its own; strict has the list",
    "delta tool call: the schema adds to type: text": "the type in a stream is a check of its own",
    "response format: the schema adds to type: json_object, text": "one schema for three SDK types",
    "tool call: the schema adds to type: custom": "one schema for two SDK types",
}


def test_both_sides_know_the_same_properties_with_the_same_types() -> None:
    found: set[str] = set()
    for label, (structure, place) in PAIRS.items():
        schema, _, pointer = place.partition("#")
        _, resolver = node(schema)
        resolved = resolver.lookup(f"{registry.BASE_URI}{schema}.json#{pointer}")
        found.update(differences(label, structure, (resolved.contents, resolved.resolver)))
    assert found == set(ALLOWED)


def test_what_the_sdk_requires_the_main_schemas_require_as_well() -> None:
    for label, (structure, place) in PAIRS.items():
        schema, _, pointer = place.partition("#")
        resolved = node(schema)[1].lookup(f"{registry.BASE_URI}{schema}.json#{pointer}")
        required = {name for name, (_, needed) in fields(structure).items() if needed}
        optional_here = {"role", "function", "json_schema"}  # by the schema around it, or by an if/then
        followed = resolved.contents
        if "$ref" in followed:
            followed = referred((followed, resolved.resolver))[0]
        assert required - optional_here <= set(followed.get("required", ())), label
