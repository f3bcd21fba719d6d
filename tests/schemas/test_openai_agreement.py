"""The schemas of embeddings and legacy completions against the types of the `openai` SDK, both ways."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import (
    Completion,
    CompletionChoice,
    CreateEmbeddingResponse,
    Embedding,
    EmbeddingCreateParams,
)
from openai.types.completion_choice import Logprobs
from openai.types.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.create_embedding_response import Usage
from pydantic import BaseModel

from tests.schemas.sdk_types import (
    SAMPLERS,
    Drawing,
    Sampler,
    assert_valid,
    found,
    held,
    place_differences,
)

ANSWERS: list[tuple[str, type[BaseModel]]] = [
    ("openai/completions.response", Completion),
    ("openai/completions.chunk", Completion),
    ("openai/embeddings.response", CreateEmbeddingResponse),
]
STRICT: list[tuple[str, type[BaseModel]]] = [
    ("openai/completions.response#/$defs/strict", Completion),
    ("openai/embeddings.response#/$defs/strict", CreateEmbeddingResponse),
]
REQUESTS: list[tuple[str, Any]] = [
    ("openai/completions.request", CompletionCreateParamsNonStreaming),
    ("openai/completions.request", CompletionCreateParamsStreaming),
    ("openai/embeddings.request", EmbeddingCreateParams),
]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize(("schema", "model"), ANSWERS)
def test_what_the_sdk_can_hold_is_valid(schema: str, model: type[BaseModel], sampler: Sampler) -> None:
    for document in held(model, sampler):
        assert_valid(schema, document)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize(("schema", "params"), REQUESTS)
def test_a_request_that_the_sdk_can_send_is_valid(schema: str, params: Any, sampler: Sampler) -> None:
    assert_valid(schema, sampler.structure(params))


@pytest.mark.parametrize(("place", "model"), STRICT)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_a_strict_schema_allows_the_sdk_takes_strictly(
    place: str, model: type[BaseModel], data: st.DataObject
) -> None:
    document = Drawing(data).instance(found(place))
    assert_valid(place.partition("#")[0], document)
    model.model_validate(document, strict=True)


@pytest.mark.parametrize(("schema", "model"), ANSWERS)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_a_main_schema_allows_the_sdk_can_construct_and_give_back(
    schema: str, model: type[BaseModel], data: st.DataObject
) -> None:
    document = Drawing(data).instance(found(schema))
    assert_valid(schema, document)
    built = model.construct(**document)  # type: ignore[deprecated,unused-ignore]  # as the client does
    assert built.model_dump(mode="json", exclude_unset=True, warnings=False) == document


PAIRS: dict[str, tuple[Any, str]] = {
    "completion request": (CompletionCreateParamsNonStreaming, "openai/completions.request#"),
    "completion": (Completion, "openai/completions.response#"),
    "completion choice": (CompletionChoice, "openai/completions.response#/$defs/choice"),
    "completion logprobs": (
        Logprobs,
        "openai/completions.response#/$defs/choice/properties/logprobs",
    ),
    "chunk": (Completion, "openai/completions.chunk#"),
    "chunk choice": (CompletionChoice, "openai/completions.chunk#/$defs/choice"),
    "embedding request": (EmbeddingCreateParams, "openai/embeddings.request#"),
    "embeddings": (CreateEmbeddingResponse, "openai/embeddings.response#"),
    "embedding": (Embedding, "openai/embeddings.response#/$defs/embedding"),
    "embedding usage": (Usage, "openai/embeddings.response#/properties/usage"),
}

ALLOWED = {
    "chunk choice: only the SDK requires finish_reason": "null or absent until the last; strict asks for it",
    "chunk choice: the schema allows null for the required finish_reason": "as above",
    "embedding: the schema adds to embedding: text": "base64, which the SDK decodes first",
}


def test_both_sides_know_the_same_properties_with_the_same_types() -> None:
    different = {text for label, (kind, at) in PAIRS.items() for text in place_differences(label, kind, at)}
    assert different == set(ALLOWED)
