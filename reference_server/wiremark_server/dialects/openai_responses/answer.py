"""The document of a response, and a whole answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from wiremark_server.dialects.format import Reply
from wiremark_server.dialects.openai_chat.answer import SERVICE_TIER
from wiremark_server.dialects.openai_responses.dialogue import Dialogue
from wiremark_server.dialects.openai_responses.output import Output
from wiremark_server.dialects.openai_responses.sealed import Seals
from wiremark_server.domain.generation import Delta, Usage

Status = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
_REASONS: Mapping[str, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}


def response_id(request_id: str) -> str:
    return f"resp_{request_id.removeprefix('req_')}"


class Documents:
    """The response as it looks at any time of its making."""

    def __init__(self, reply: Reply, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._head = {
            "id": response_id(reply.request_id),
            "object": "response",
            "created_at": reply.created,
            "model": reply.model,
            **reply.asked.settings,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "service_tier": SERVICE_TIER,
            "store": dialogue.stored,
        }

    def at(
        self,
        status: Status,
        output: Sequence[Mapping[str, Any]] = (),
        usage: Usage | None = None,
        error: Mapping[str, Any] | None = None,
        reason: str | None = None,
    ) -> dict[str, Any]:
        return {
            **self._head,
            "status": status,
            "completed_at": int(self._dialogue.now()) if status == "completed" else None,
            "error": error,
            "incomplete_details": {"reason": reason} if reason else None,
            "output": output,
            "usage": usage_document(usage) if usage else None,
        }

    def final(self, output: Output, usage: Usage) -> dict[str, Any]:
        """What the finished answer is, by the reason why it stopped."""
        reason = _REASONS.get(output.finish or "")
        status: Status = "incomplete" if reason else "completed"
        return self.at(status, output.items, usage, reason=reason)


def usage_document(usage: Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }


def _unheard(name: str, fields: Mapping[str, Any]) -> None:
    """Nobody follows the making of a whole answer."""


class Answer:
    """Gathers the deltas of one answer; `encode` gives the response body."""

    def __init__(self, reply: Reply, dialogue: Dialogue, seals: Seals) -> None:
        self._documents = Documents(reply, dialogue)
        self._keep = dialogue.keep
        self._output = Output(reply, seals, _unheard)

    def add(self, deltas: Iterable[Delta]) -> None:
        self._output.add(deltas)

    def encode(self, usage: Usage) -> bytes:
        document = msgspec.json.encode(self._documents.final(self._output, usage))
        self._keep(document)
        return document
