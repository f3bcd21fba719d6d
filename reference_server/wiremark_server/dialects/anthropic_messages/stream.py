"""An answer as the events of a message stream.

message_start, then for each block content_block_start, its deltas, content_block_stop, then message_delta and
message_stop; one block is open at a time, and a ping follows the first block's start. A text delta costs one
JSON string and one concatenation, because everything that repeats is encoded once per block.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wiremark_server.dialects import sse
from wiremark_server.dialects.anthropic_messages.answer import (
    Kind,
    Sign,
    full_usage,
    head,
    stop_reason,
    tool_id,
    usage_document,
)
from wiremark_server.dialects.format import Reply
from wiremark_server.domain.generation import (
    Delta,
    Finish,
    ReasoningDelta,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStart,
    Usage,
)

_PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_DELTAS: Mapping[Kind, tuple[str, str]] = {
    "text": ("text_delta", "text"),
    "thinking": ("thinking_delta", "thinking"),
    "tool_use": ("input_json_delta", "partial_json"),
}


def _event(name: str, **fields: Any) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), sse.encode({"type": name, **fields}))


class MessageStream:
    """Encodes the deltas of one answer."""

    def __init__(self, reply: Reply, sign: Sign) -> None:
        self._reply = reply
        self._sign = sign
        self._begun = False
        self._index = -1  # of the block that is open, or was last
        self._kind: Kind | None = None  # of the block that is open
        self._lead = b""  # of a delta of that block, up to its text
        self._thought: list[str] = []
        self._finish: Finish | None = None

    def encode(self, deltas: Iterable[Delta]) -> bytes:
        """The events of one step, ready to send."""
        frames = [] if self._begun else [self._begin()]
        for delta in deltas:
            match delta:
                case TextDelta():
                    if self._kind != "text":
                        self._open("text", frames, {"text": ""})
                    frames += (self._lead, sse.encode(delta.text), b"}}\n\n")
                case ToolArgumentsDelta():
                    frames += (self._lead, sse.encode(delta.fragment), b"}}\n\n")
                case ToolCallStart():
                    call = {"id": tool_id(delta.id), "name": delta.name, "input": {}}
                    self._open("tool_use", frames, call)
                case ReasoningDelta():
                    self._think(delta.text, frames)
                case Finish():
                    self._finish = delta
                    self._close(frames)
        return b"".join(frames)

    def end(self, usage: Usage) -> bytes:
        """Why the message stops and what it took, then the terminator."""
        finish = self._finish
        delta = {
            "stop_reason": None if finish is None else stop_reason(finish),
            "stop_sequence": None if finish is None else finish.stop,
        }
        return _event("message_delta", delta=delta, usage=usage_document(usage)) + _STOP

    def _begin(self) -> bytes:
        self._begun = True
        prompt = self._reply.usage()
        usage = full_usage(Usage(prompt.prompt, 0, prompt.cached))
        message = {**head(self._reply), "content": [], "stop_reason": None, "stop_sequence": None}
        return _event("message_start", message={**message, "usage": usage})

    def _think(self, text: str, frames: list[bytes]) -> None:
        if self._kind != "thinking":
            self._open("thinking", frames, {"thinking": "", "signature": ""})
        self._thought.append(text)
        if not self._reply.asked.hide_reasoning:
            frames += (self._lead, sse.encode(text), b"}}\n\n")

    def _open(self, kind: Kind, frames: list[bytes], block: Mapping[str, Any]) -> None:
        self._close(frames)
        self._index += 1
        self._kind = kind
        delta, key = _DELTAS[kind]
        self._lead = (
            b"event: content_block_delta\ndata: "
            b'{"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":'
            % (self._index, delta.encode(), key.encode())
        )
        frames.append(_event("content_block_start", index=self._index, content_block={"type": kind, **block}))
        if self._index == 0:
            frames.append(_PING)

    def _close(self, frames: list[bytes]) -> None:
        """End the open block, if there is one; thinking is signed first."""
        if self._kind is None:
            return
        if self._kind == "thinking":
            signature = self._sign("".join(self._thought))
            self._thought.clear()
            delta = {"type": "signature_delta", "signature": signature}
            frames.append(_event("content_block_delta", index=self._index, delta=delta))
        frames.append(_event("content_block_stop", index=self._index))
        self._kind = None
