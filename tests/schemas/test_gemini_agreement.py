"""The schemas of Gemini against the types of the `google-genai` SDK.

Its types have every field optional, and many that only other Google products have. So: what our schemas name,
the SDK has under the same name and of the same kind; and what the SDK reads and gives back, they let through.
"""

from __future__ import annotations

import collections.abc
import enum
import json
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from google.genai import types
from pydantic import BaseModel
from wiremark_schemas import registry
from wiremark_schemas.explain import violations

from tests.conformance.judging import good_gemini
from tests.schemas.sdk_types import assert_valid, found, kinds_of_schema, options, referred

# A place in our schemas and the SDK's type of it.
PLACES: list[tuple[str, type[BaseModel]]] = [
    ("gemini/content", types.Content),
    ("gemini/content#/$defs/part", types.Part),
    ("gemini/content#/$defs/blob", types.Blob),
    ("gemini/content#/$defs/fileData", types.FileData),
    ("gemini/content#/$defs/functionCall", types.FunctionCall),
    ("gemini/content#/$defs/functionResponse", types.FunctionResponse),
    ("gemini/generate.response", types.GenerateContentResponse),
    ("gemini/generate.response#/$defs/candidate", types.Candidate),
    ("gemini/generate.response#/$defs/promptFeedback", types.GenerateContentResponsePromptFeedback),
    ("gemini/generate.response#/$defs/safetyRating", types.SafetyRating),
    ("gemini/generate.response#/$defs/logprobsResult", types.LogprobsResult),
    ("gemini/generate.response#/$defs/logprobsCandidate", types.LogprobsResultCandidate),
    ("gemini/usage", types.GenerateContentResponseUsageMetadata),
    ("gemini/usage#/$defs/modalityCount", types.ModalityTokenCount),
    ("gemini/generate.request#/$defs/functionDeclaration", types.FunctionDeclaration),
    ("gemini/generate.request#/$defs/functionCallingConfig", types.FunctionCallingConfig),
    ("gemini/generate.request#/$defs/thinkingConfig", types.ThinkingConfig),
    ("gemini/generate.request#/$defs/safetySetting", types.SafetySetting),
    ("gemini/generate.request#/$defs/generationConfig", types.GenerationConfig),
    ("gemini/schema", types.Schema),
    ("gemini/count_tokens.response", types.CountTokensResponse),
    ("gemini/model", types.Model),
]
# On the wire, and read by the SDK under another name or not at all.
ONLY_ON_THE_WIRE = {
    "gemini/model": {"baseModelId", "supportedGenerationMethods"},
    "gemini/usage": {"serviceTier"},
    "gemini/count_tokens.response": {"promptTokensDetails", "cacheTokensDetails"},
    "gemini/generate.request#/$defs/generationConfig": {"imageConfig"},
}


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _kinds(annotation: Any) -> set[str]:
    """The JSON types that an annotation of the SDK reads."""
    kinds: set[str] = set()
    for option in options(annotation):
        origin = get_origin(option)
        if option is type(None):
            kinds.add("null")
        elif option is Any:
            kinds |= {"object", "array", "string", "number", "integer", "boolean"}
        elif origin in {list, collections.abc.Sequence}:
            kinds.add("array")
        elif origin in {dict, collections.abc.Mapping} or (
            isinstance(option, type) and issubclass(option, BaseModel)
        ):
            kinds.add("object")
        elif isinstance(option, type) and issubclass(option, bool):
            kinds.add("boolean")
        elif isinstance(option, type) and issubclass(option, int):
            kinds |= {"integer"}
        elif isinstance(option, type) and issubclass(option, float):
            kinds |= {"number", "integer"}
        else:  # text, bytes, times, words of closed lists
            kinds.add("string")
    return kinds


def _json_kinds(kinds: set[str]) -> set[str]:
    """The JSON types among what a schema allows; words of closed lists are text."""
    known = {"null", "boolean", "integer", "number", "array", "object"}
    return {kind if kind in known else "string" for kind in kinds}


@pytest.mark.parametrize(("place", "model"), PLACES, ids=[place for place, _ in PLACES])
def test_what_a_schema_names_the_sdk_has_and_reads_alike(place: str, model: type[BaseModel]) -> None:
    at = found(place)
    if "$ref" in at[0]:
        at = referred(at)
    fields = _fields(model)
    ours = {name for name in at[0]["properties"] if name not in ONLY_ON_THE_WIRE.get(place, ())}
    assert ours - fields.keys() == set()
    for name in ours:
        mine = _json_kinds(kinds_of_schema((at[0]["properties"][name], at[1])))
        theirs = _kinds(fields[name])
        if name in {"type", "enum"} or not mine:  # any JSON, or both spellings of proto3 JSON
            continue
        assert mine & theirs, (name, mine, theirs)


def test_what_a_good_endpoint_answers_the_sdk_reads_and_the_schema_lets_through() -> None:
    read = 0
    for probe, given in good_gemini.answers("m", ["m", "n"]).items():
        body = given.get("chunks") or given["body"]
        for document in body if isinstance(body, list) else [body]:
            if "modelVersion" in document:
                assert_valid("gemini/generate.response", document)
                assert types.GenerateContentResponse.model_validate(document).response_id, probe
                read += 1
    assert read > 40


def _samples() -> Iterator[tuple[str, BaseModel]]:
    call = types.FunctionCall(id="1", name="f", args={"a": [1, None]})
    parts = [
        types.Part(text="Hm.", thought=True),
        types.Part(text="Hello", thought_signature=b"\xfb\xff"),
        types.Part(function_call=call),
        types.Part.from_bytes(data=b"\xfb\xff\x00", mime_type="image/png"),
        types.Part.from_function_response(name="f", response={"ok": True}),
        types.Part.from_uri(file_uri="gs://x", mime_type="image/png"),
    ]
    content = types.Content(role="model", parts=parts)
    yield "gemini/content", content
    for reason in types.FinishReason:
        candidate = types.Candidate(content=content, finish_reason=reason, index=0, avg_logprobs=-0.5)
        usage = types.GenerateContentResponseUsageMetadata(
            prompt_token_count=1, total_token_count=2, thoughts_token_count=1
        )
        yield (
            "gemini/generate.response",
            types.GenerateContentResponse(candidates=[candidate], usage_metadata=usage, response_id="r"),
        )
    for blocked in types.BlockedReason:
        feedback = types.GenerateContentResponsePromptFeedback(block_reason=blocked)
        yield "gemini/generate.response", types.GenerateContentResponse(prompt_feedback=feedback)


@pytest.mark.parametrize(("schema", "instance"), list(_samples()))
def test_what_the_sdk_holds_is_valid(schema: str, instance: BaseModel) -> None:
    document = json.loads(instance.model_dump_json(by_alias=True, exclude_none=True))
    assert_valid(schema, document)


def test_what_the_sdk_makes_of_a_type_is_a_schema_of_ours() -> None:
    class Colour(enum.Enum):
        RED = "red"

    class Thing(BaseModel):
        name: str
        size: int | None
        tags: list[str]
        colour: Colour

    from google.genai import _transformers as transformers

    made: Any = transformers.t_schema(None, Thing)
    assert not violations(
        registry.validator("gemini/schema"),
        json.loads(made.model_dump_json(by_alias=True, exclude_none=True)),
    )


def test_the_words_of_the_sdk_are_those_of_the_schemas() -> None:
    modes = found("gemini/generate.request#/$defs/functionCallingConfig/properties/mode")[0]["enum"]
    assert {mode.value for mode in types.FunctionCallingConfigMode} == set(modes)
    thresholds = found("gemini/generate.request#/$defs/safetySetting/properties/threshold")[0]["enum"]
    assert {threshold.value for threshold in types.HarmBlockThreshold} == set(thresholds)
    assert get_args(types.GenerationConfig.model_fields["stop_sequences"].annotation)
