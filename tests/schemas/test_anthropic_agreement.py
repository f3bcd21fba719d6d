"""The Anthropic schemas against the types of the official `anthropic` SDK, both ways."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.pagination import SyncPage
from anthropic.types import (
    ErrorResponse,
    InputJSONDelta,
    Message,
    MessageDeltaUsage,
    MessageTokensCount,
    ModelInfo,
    RawContentBlockDeltaEvent,
    RawContentBlockStartEvent,
    RawContentBlockStopEvent,
    RawMessageDeltaEvent,
    RawMessageStartEvent,
    RawMessageStopEvent,
    RedactedThinkingBlock,
    SignatureDelta,
    TextBlock,
    TextDelta,
    ThinkingBlock,
    ThinkingDelta,
    ToolParam,
    ToolUseBlock,
    Usage,
)
from anthropic.types.message_count_tokens_params import MessageCountTokensParams
from anthropic.types.message_create_params import (
    MessageCreateParamsNonStreaming,
    MessageCreateParamsStreaming,
)
from anthropic.types.raw_message_delta_event import Delta
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tests.schemas.sdk_types import (
    SAMPLERS,
    Drawing,
    Sampler,
    assert_valid,
    found,
    held,
    narrowed,
    place_differences,
)

EVENT = "anthropic/messages.event"
ANSWERS: list[tuple[str, type[BaseModel]]] = [
    ("anthropic/messages.response", Message),
    ("anthropic/usage", Usage),
    ("anthropic/count_tokens", MessageTokensCount),
    ("anthropic/model", ModelInfo),
    ("anthropic/error", ErrorResponse),
    (EVENT, RawMessageStartEvent),
    (EVENT, RawContentBlockStartEvent),
    (EVENT, RawContentBlockDeltaEvent),
    (EVENT, RawContentBlockStopEvent),
    (EVENT, RawMessageDeltaEvent),
    (EVENT, RawMessageStopEvent),
]


# What is documented beyond the types: a whole message says why it ended, a message_start is empty.
ADDED: dict[type[BaseModel], tuple[tuple[str, ...], dict[str, Any]]] = {
    Message: ((), {"stop_reason": "end_turn", "stop_sequence": None}),
    RawMessageStartEvent: (("message",), {"content": [], "stop_reason": None}),
    RawMessageDeltaEvent: (("delta",), {"stop_reason": "end_turn"}),
}


def documented(model: type[BaseModel], document: Any) -> Any:
    path, values = ADDED.get(model, ((), {}))
    inner = document
    for step in path:
        inner = inner[step]
    for name, value in values.items():
        if not value or not inner.get(name):
            inner[name] = value
    return document


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize(("schema", "model"), ANSWERS)
def test_what_the_sdk_can_hold_is_valid(schema: str, model: type[BaseModel], sampler: Sampler) -> None:
    for document in held(model, sampler):
        assert_valid(schema, documented(model, document))


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_a_page_of_models_of_the_sdk_is_valid(sampler: Sampler) -> None:
    entry = ModelInfo.model_validate(sampler.structure(ModelInfo))
    page = SyncPage[ModelInfo](data=[entry], has_more=False, first_id=entry.id, last_id=entry.id)
    assert_valid("anthropic/models.list", page.model_dump(mode="json"))


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize("params", [MessageCreateParamsNonStreaming, MessageCreateParamsStreaming])
def test_a_request_that_the_sdk_can_send_is_valid(params: Any, sampler: Sampler) -> None:
    assert_valid("anthropic/messages.request", sampler.structure(params))


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_a_count_that_the_sdk_can_ask_for_is_valid(sampler: Sampler) -> None:
    document = {**sampler.structure(MessageCountTokensParams), "max_tokens": 1}
    assert_valid("anthropic/messages.request", document)


# ------------------------------------------------------------------- from our schemas to the SDK

_NULL = {"type": "null"}
_BLOCKS = {
    "properties": {
        "type": {"enum": ["text", "thinking", "redacted_thinking", "tool_use"]},
        "citations": _NULL,
        "caller": _NULL,
    }
}
_USAGE = {
    "properties": {
        "service_tier": {"enum": ["standard", "priority", "batch", None]},
        "speed": {"enum": ["standard", "fast", None]},
        "server_tool_use": _NULL,
        "cache_creation": _NULL,
        "output_tokens_details": _NULL,
    }
}
_ELSEWHERE = {"container": _NULL, "diagnostics": _NULL, "stop_details": _NULL, "usage": _USAGE}


def _event(kind: str, **properties: Any) -> dict[str, Any]:
    return {"properties": {"type": {"const": kind}, **properties}}


_DELTA_TYPES = ["text_delta", "input_json_delta", "thinking_delta", "signature_delta"]
_DELTAS = {"properties": {"type": {"enum": _DELTA_TYPES}}}
_END = {"properties": {"container": _NULL, "stop_details": _NULL}}
# The signature of a thinking block may come by its delta alone, so its start is not drawn.
_STARTS = {"properties": {"type": {"enum": ["text", "redacted_thinking", "tool_use"]}, "citations": _NULL}}
# What our schemas leave open for types that the SDK has and we do not judge is not drawn.
STRICT: list[tuple[str, type[BaseModel], dict[str, Any]]] = [
    ("anthropic/messages.response", Message, {"properties": {"content": {"items": _BLOCKS}, **_ELSEWHERE}}),
    ("anthropic/usage", Usage, _USAGE),
    ("anthropic/usage#/$defs/delta", MessageDeltaUsage, _USAGE),
    ("anthropic/count_tokens", MessageTokensCount, {}),
    (
        EVENT,
        RawMessageStartEvent,
        _event("message_start", message={"properties": {**_ELSEWHERE, "stop_sequence": _NULL}}),
    ),
    (EVENT, RawContentBlockStartEvent, _event("content_block_start", content_block=_STARTS)),
    (EVENT, RawContentBlockDeltaEvent, _event("content_block_delta", delta=_DELTAS)),
    (EVENT, RawContentBlockStopEvent, _event("content_block_stop")),
    (
        EVENT,
        RawMessageDeltaEvent,
        _event(
            "message_delta", delta={"properties": {"container": _NULL, "stop_details": _NULL}}, usage=_USAGE
        ),
    ),
    (EVENT, RawMessageStopEvent, _event("message_stop")),
]


@pytest.mark.parametrize(
    ("place", "model", "overlay"), STRICT, ids=[model.__name__ for _, model, _ in STRICT]
)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_a_schema_allows_the_sdk_takes_strictly(
    place: str, model: type[BaseModel], overlay: dict[str, Any], data: st.DataObject
) -> None:
    document = Drawing(data).instance(found(place), narrowed(overlay))
    schema, _, pointer = place.partition("#")
    if not pointer:
        assert_valid(schema, document)  # the drawing itself is right
    model.model_validate(document, strict=True)


MAIN: list[tuple[str, type[BaseModel]]] = [
    ("anthropic/messages.response", Message),
    ("anthropic/model", ModelInfo),
    ("anthropic/count_tokens", MessageTokensCount),
]


@pytest.mark.parametrize(("schema", "model"), MAIN)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_what_a_schema_allows_the_sdk_can_construct_and_give_back(
    schema: str, model: type[BaseModel], data: st.DataObject
) -> None:
    document = Drawing(data).instance(found(schema))
    assert_valid(schema, document)
    built = model.construct(**document)  # type: ignore[deprecated,unused-ignore]  # as the client does
    assert built.model_dump(mode="json", exclude_unset=True, warnings=False).keys() == document.keys()


# ----------------------------------------------------------------------- property by property

_BLOCK = "anthropic/messages.response#/$defs/block/allOf"
_DELTA = f"{EVENT}#/$defs/delta/allOf"
PAIRS: dict[str, tuple[Any, str]] = {
    "request": (MessageCreateParamsNonStreaming, "anthropic/messages.request#"),
    "message": (Message, "anthropic/messages.response#"),
    "text": (TextBlock, f"{_BLOCK}/0/then"),
    "thinking": (ThinkingBlock, f"{_BLOCK}/1/then"),
    "redacted thinking": (RedactedThinkingBlock, f"{_BLOCK}/2/then"),
    "call": (ToolUseBlock, f"{_BLOCK}/3/then"),
    "usage": (Usage, "anthropic/usage#"),
    "delta usage": (MessageDeltaUsage, "anthropic/usage#/$defs/delta"),
    "text delta": (TextDelta, f"{_DELTA}/0/then"),
    "input delta": (InputJSONDelta, f"{_DELTA}/1/then"),
    "thinking delta": (ThinkingDelta, f"{_DELTA}/2/then"),
    "signature delta": (SignatureDelta, f"{_DELTA}/3/then"),
    "message start": (Message, f"{EVENT}#/$defs/start"),
    "message delta": (Delta, f"{EVENT}#/allOf/4/then/properties/delta"),
    "tool": (ToolParam, "anthropic/messages.request#/$defs/tool/allOf/0/then"),
    "count": (MessageTokensCount, "anthropic/count_tokens#"),
    "model": (ModelInfo, "anthropic/model#"),
    "error": (ErrorResponse, "anthropic/error#"),
}

_DELTA_NAMES = ("text", "input", "thinking", "signature")
_BY_TYPE = [*("text", "thinking", "redacted thinking", "call"), *(f"{n} delta" for n in _DELTA_NAMES)]
_OLDER = "the older version of the interface has it, the types of the newest SDK have not"
ALLOWED = {
    **dict.fromkeys((f"{name}: only the SDK has type" for name in _BY_TYPE), "judged around it"),
    **dict.fromkeys((f"{name}: only the SDK requires type" for name in _BY_TYPE), "judged around it"),
    "message: the schema refuses for stop_reason: null": "documented for messages that are not streamed",
    "message start: the schema refuses for stop_reason: end_turn, max_tokens, "
    "model_context_window_exceeded, pause_turn, refusal, stop_sequence, tool_use": "documented as null",
    "model: only the SDK requires lifecycle": "new; a requirement of its own",
    "model: the schema adds to line: text": "lines are added",
    "request: only the schema has temperature": _OLDER,
    "request: only the schema has top_k": _OLDER,
    "request: only the schema has top_p": _OLDER,
    "request: only the schema has output_format": "the older name of output_config.format",
    "tool: only the SDK has type": "judged around it",
    "tool: only the SDK has cache_control": "judged around it",
    "usage: the schema adds to service_tier: text": "servers have tiers of their own",
    "usage: the schema adds to speed: text": "servers have speeds of their own",
}


def test_both_sides_know_the_same_properties_with_the_same_types() -> None:
    different = {text for label, (kind, at) in PAIRS.items() for text in place_differences(label, kind, at)}
    assert different == set(ALLOWED)
