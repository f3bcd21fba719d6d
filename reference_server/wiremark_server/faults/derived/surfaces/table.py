"""The surfaces whose faults are derived. A new operation is one entry here."""

from __future__ import annotations

from wiremark_server.faults.change import DONE
from wiremark_server.faults.derived.surfaces.surface import Surface
from wiremark_server.faults.frames import Frame


def _completion(frame: Frame) -> str:
    """What a frame of a completions stream is: text, finish, usage or done."""
    if frame.text is not None:
        return "done" if frame.text == DONE else "other"
    choices = frame.value.get("choices") if isinstance(frame.value, dict) else None
    if not choices:
        return "usage" if choices == [] else "other"
    return "text" if choices[0].get("finish_reason") is None else "finish"


def _typed(frame: Frame) -> str:
    """Events that say themselves what they are."""
    return str(frame.value.get("type", "other")) if isinstance(frame.value, dict) else "other"


_COUNT = {"prompt_tokens": 5, "total_tokens": 5}
_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Hello!"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 2},
}

SURFACES = (
    Surface(
        "completions",
        "openai",
        "completions.create",
        "completions.*",
        "openai/completions.response",
        "openai/completions.request",
        "openai/completions.chunk",
        bad={"prompt": {}},
        answer={
            "id": "cmpl-1",
            "object": "text_completion",
            "created": 1764547200,
            "model": "m",
            "choices": [{"text": "Hello!", "index": 0, "logprobs": None, "finish_reason": "stop"}],
            "usage": {**_COUNT, "completion_tokens": 0},
        },
        kinds=("text", "finish", "usage", "done"),
        kind=_completion,
    ),
    Surface(
        "embeddings",
        "openai",
        "embeddings.create",
        "embeddings.*",
        "openai/embeddings.response",
        "openai/embeddings.request",
        bad={"input": {}},
        answer={
            "object": "list",
            "model": "m",
            "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}],
            "usage": _COUNT,
        },
    ),
    Surface(
        "messages",
        "anthropic",
        "messages.create",
        "messages.*",
        "anthropic/messages.response",
        "anthropic/messages.request",
        "anthropic/messages.event",
        "anthropic/error",
        bad={"messages": 17},
        answer=_MESSAGE,
        kinds=(
            "message_start",
            "content_block_start",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ),
        kind=_typed,
    ),
    Surface(
        "messages.count",
        "anthropic",
        "messages.count_tokens",
        "messages.*",
        "anthropic/count_tokens",
        "anthropic/messages.request",
        bad={"messages": 17},
        answer={"input_tokens": 5},
    ),
    Surface(
        "messages.models",
        "anthropic",
        "models.list",
        "messages.*",
        "anthropic/models.list",
        answer={"data": [], "has_more": False, "first_id": None, "last_id": None},
    ),
    Surface(
        "messages.model",
        "anthropic",
        "models.get",
        "messages.*",
        "anthropic/model",
        answer={"id": "m", "type": "model", "display_name": "M", "created_at": "2026-01-01T00:00:00Z"},
    ),
)
