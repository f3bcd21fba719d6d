"""The contract's form of a chat answer, where the reference leaves it open."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wiremark_schemas.contracts import AnswerForm

from wiremark_server.dialects.format import Reply
from wiremark_server.domain.generation import Usage

_MICRO = 1_000_000
_ID = "chatcmpl-{random}"
# Two names, because clients of two families read one each.
_REASONING = ("reasoning_content", "reasoning")
_MESSAGE_NULLS = ("refusal",)


class Form:
    """Compiled from a contract's `answer`; what it leaves open is as the reference has it.

    message_nulls: fields with which every message begins; what a message has replaces them
    """

    def __init__(self, promised: AnswerForm) -> None:
        self.promised = promised
        self.message_nulls: Mapping[str, Any] = dict.fromkeys((*_MESSAGE_NULLS, *promised.message_nulls))
        self._id = promised.id or _ID
        self._tells = bool(promised.fields or promised.usage_fields)

    def id(self, created: int, request_id: str) -> str:
        """The id of an answer made at `created`, unique because request ids are."""
        told = self._id.replace("{random}", request_id.removeprefix("req_"))
        return told.replace("{created}", str(created))

    def extras(self, reply: Reply) -> Extras | None:
        """What an answer tells beyond the reference; None when that is nothing."""
        return Extras(self.promised, reply) if self._tells else None

    def reasoning(self, text: str) -> Mapping[str, Any]:
        """The fields that carry a piece of reasoning. An answer has one stretch of it, with one index."""
        fields: dict[str, Any] = dict.fromkeys(self.promised.reasoning or _REASONING, text)
        if self.promised.details:
            fields["reasoning_details"] = [
                {"type": "reasoning.text", "text": text, "format": "unknown", "index": 0}
            ]
        return fields


@dataclass(frozen=True, slots=True)
class Extras:
    """What one answer tells beyond the reference."""

    promised: AnswerForm
    reply: Reply

    def fields(self) -> Mapping[str, Any]:
        """Of the answer and every chunk. To be asked for once there is a delta."""
        return {name: _TOLD[told](self.reply) for name, told in self.promised.fields.items()}

    def usage(self, usage: Usage, characters: int) -> Mapping[str, Any]:
        """Of the usage; `characters` are those of the answer's texts."""
        return {
            name: characters if told == "response_characters" else _TOLD_OF_USAGE[told](self.reply, usage)
            for name, told in self.promised.usage_fields.items()
        }


_TOLD: Mapping[str, Callable[[Reply], Any]] = {"provider": lambda reply: reply.provider()}
_TOLD_OF_USAGE: Mapping[str, Callable[[Reply, Usage], Any]] = {
    "provider": lambda reply, _: reply.provider(),
    "prompt_characters": lambda reply, _: sum(len(turn.text) for turn in reply.asked.generation.turns),
    "cost_usd": lambda reply, usage: reply.charged(usage) / _MICRO,
    "latency_ms": lambda reply, _: reply.elapsed_ms(),
}

STANDARD = Form(AnswerForm())
