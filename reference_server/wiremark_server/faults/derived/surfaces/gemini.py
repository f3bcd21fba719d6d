"""The surfaces of Google's Gemini API."""

from __future__ import annotations

from typing import Any

from wiremark_server.faults.derived.surfaces.surface import Surface
from wiremark_server.faults.frames import Frame

_CONTRACT = "gemini"
_TEXT = {"role": "model", "parts": [{"text": "Hello!"}]}
_ANSWER: dict[str, Any] = {
    "candidates": [{"content": _TEXT, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4},
    "modelVersion": "m",
    "responseId": "r",
}
_NULL = "*:null"  # proto3 JSON: null is as good as absent
_NEVER = (  # held by no answer of this server
    _NULL,
    "*/inlineData*",
    "*/fileData*",
    "*/functionResponse*",
    "*/executableCode",
    "*/codeExecutionResult",
    "*/videoMetadata",
    "*/mediaResolution",
    "*/partMetadata",
    "*/functionCall/id",
    "*/finishMessage",
    "*/safetyRatings*",
    "*/citationMetadata",
    "*/tokenCount",
    "*/groundingMetadata",
    "*/urlContextMetadata",
    "*/avgLogprobs",
    "*/tokenId",
    "*/logProbabilitySum",
    "*/blockReasonMessage",
    "*/cachedContentTokenCount",
    "*/toolUsePromptTokenCount",
    "*Details*",
    "*/serviceTier",
    "*/trafficType",
    "/createTime",
    "/modelStatus",
)


def _kind(frame: Frame) -> str:
    """What a chunk brings: a thought, text, or the end of its candidate, with which a call comes."""
    candidates = frame.value.get("candidates") if isinstance(frame.value, dict) else None
    if not candidates:
        return "other"
    if candidates[0].get("finishReason"):
        return "finish"
    parts = (candidates[0].get("content") or {}).get("parts") or [{}]
    return "thought" if parts[0].get("thought") else "text"


def _surface(name: str, operation: str, owns: str, response: str, request: str = "", **more: Any) -> Surface:
    asked = f"gemini/{request}" if request else ""
    answered = f"gemini/{response}" if response else ""
    near = {"refusals": "gemini.errors.*", "ids": "gemini.request-id", "near": "gemini.*"}
    return Surface(name, _CONTRACT, operation, owns, answered, asked, **{**near, **more})


SURFACES: tuple[Surface, ...] = (
    _surface(
        "gemini",
        "gemini.generate",
        "gemini.*",
        "generate.response",
        "generate.request",
        error="gemini/error",
        bad={"contents": 7},
        answer=_ANSWER,
        absent=_NEVER,
    ),
    _surface(
        "gemini-stream",
        "gemini.stream",
        "gemini.*",
        "",
        event="gemini/generate.response",
        answer=_ANSWER,
        kinds=("thought", "text", "finish"),
        kind=_kind,
        absent=(*_NEVER, "*/logprobsResult*"),
    ),
    _surface(
        "gemini-count",
        "gemini.count_tokens",
        "gemini.count.*",
        "count_tokens.response",
        "count_tokens.request",
        bad={"contents": 7},
        answer={"totalTokens": 3},
        absent=_NEVER,
    ),
    _surface(
        "gemini-embed",
        "gemini.embed",
        "gemini.embed.*",
        "embed.response",
        "embed.request",
        bad={"content": 7},
        answer={"embedding": {"values": [1.0]}},
        absent=_NEVER,
    ),
    _surface(
        "gemini-batch",
        "gemini.batch_embed",
        "gemini.embed.*",
        "batch_embed.response",
        "batch_embed.request",
        bad={"requests": 7},
        answer={"embeddings": [{"values": [1.0]}]},
        absent=_NEVER,
    ),
    _surface(
        "gemini-models",
        "models.list",
        "gemini.models.*",
        "models.list",
        answer={"models": [{"name": "models/m"}]},
        absent=(_NULL,),
    ),
    _surface(
        "gemini-model",
        "models.get",
        "gemini.models.*",
        "model",
        answer={"name": "models/wiremark-large"},
        absent=(_NULL,),
    ),
)
