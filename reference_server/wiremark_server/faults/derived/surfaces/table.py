"""The surfaces whose faults are derived. A new operation is one entry here."""

from __future__ import annotations

from wiremark_server.faults.change import DONE
from wiremark_server.faults.derived.surfaces.gemini import SURFACES as GEMINI
from wiremark_server.faults.derived.surfaces.responses import RESPONSES
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


_COUNT = {"prompt_tokens": 5, "total_tokens": 5}

SURFACES: tuple[Surface, ...] = (
    *GEMINI,
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
        bugs={"event.*.missing": "completions-stream-fields-missing"},
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
        bugs={
            "answer.data.index.missing": "embeddings-index-missing",
            "answer.usage.missing": "embeddings-usage-missing-or-zero",
            "ignored.encoding_format": "embeddings-base64-ignored",
            "ignored.dimensions": "embeddings-dimensions-ignored",
        },
    ),
    RESPONSES,
)
