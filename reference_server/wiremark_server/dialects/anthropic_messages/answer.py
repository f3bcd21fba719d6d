"""A whole answer: deltas folded into content blocks, and the document around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from wiremark_server.dialects.format import Reply
from wiremark_server.domain.generation import (
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStart,
    Usage,
)

Kind = Literal["text", "thinking", "tool_use"]
Sign = Callable[[str], str]

_STOP_REASONS: Mapping[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def stop_reason(finish: Finish) -> str:
    return "stop_sequence" if finish.stop is not None else _STOP_REASONS[finish.reason]


def tool_id(call_id: str) -> str:
    """Our ids under the prefix that this format's clients know."""
    return f"toolu_{call_id.removeprefix('call_')}"


def head(reply: Reply) -> dict[str, Any]:
    """What a message says before it has content."""
    return {
        "id": f"msg_{reply.request_id.removeprefix('req_')}",
        "type": "message",
        "role": "assistant",
        "model": reply.model,
    }


def usage_document(usage: Usage) -> dict[str, Any]:
    """Here, unlike elsewhere, what came from a cache is not part of the input tokens."""
    return {
        "input_tokens": usage.prompt - usage.cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.completion,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }


def full_usage(usage: Usage) -> dict[str, Any]:
    """The usage of a message, as against that of a delta."""
    return {
        **usage_document(usage),
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }


@dataclass(slots=True)
class _Block:
    kind: Kind
    id: str = ""
    name: str = ""
    fragments: list[str] = field(default_factory=list)


class Answer:
    """Gathers deltas in the order they come; `encode` gives the response body."""

    def __init__(self, reply: Reply, sign: Sign) -> None:
        self._reply = reply
        self._sign = sign
        self._blocks: list[_Block] = []
        self._finish: Finish | None = None

    def add(self, deltas: Iterable[Delta]) -> None:
        for delta in deltas:
            match delta:
                case TextDelta():
                    self._open("text").fragments.append(delta.text)
                case ToolArgumentsDelta():
                    self._blocks[-1].fragments.append(delta.fragment)
                case ToolCallStart():
                    self._blocks.append(_Block("tool_use", tool_id(delta.id), delta.name))
                case ReasoningDelta():
                    self._open("thinking").fragments.append(delta.text)
                case Finish():
                    self._finish = delta

    def encode(self, usage: Usage) -> bytes:
        finish = self._finish
        return msgspec.json.encode(
            {
                **head(self._reply),
                "content": [self._block(block) for block in self._blocks],
                "stop_reason": None if finish is None else stop_reason(finish),
                "stop_sequence": None if finish is None else finish.stop,
                "usage": full_usage(usage),
            }
        )

    def _open(self, kind: Kind) -> _Block:
        """The block that text of this kind goes to: the last one, or a new one."""
        if not self._blocks or self._blocks[-1].kind != kind:
            self._blocks.append(_Block(kind))
        return self._blocks[-1]

    def _block(self, block: _Block) -> Mapping[str, Any]:
        text = "".join(block.fragments)
        if block.kind == "text":
            return {"type": "text", "text": text}
        if block.kind == "thinking":
            shown = "" if self._reply.asked.hide_reasoning else text
            return {"type": "thinking", "thinking": shown, "signature": self._sign(text)}
        return {"type": "tool_use", "id": block.id, "name": block.name, "input": _arguments(text)}


def _arguments(text: str) -> msgspec.Raw:
    """The arguments of a call, byte for byte; an empty object when the budget cut them off."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return msgspec.Raw(b"{}")
    return msgspec.Raw(text.encode())
