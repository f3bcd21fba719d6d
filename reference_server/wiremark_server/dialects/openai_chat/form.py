"""The contract's form of a chat answer, where the reference leaves it open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wiremark_schemas.contracts import AnswerForm

_ID = "chatcmpl-{random}"
# Two names, because clients of two families read one each.
_REASONING = ("reasoning_content", "reasoning")
_MESSAGE_NULLS = ("refusal",)


@dataclass(frozen=True, slots=True)
class Form:
    """Compiled from a contract's `answer`; what it leaves open is as the reference has it."""

    promised: AnswerForm

    def id(self, created: int, request_id: str) -> str:
        """The id of an answer made at `created`, unique because request ids are."""
        template = self.promised.id or _ID
        return template.format(created=created, random=request_id.removeprefix("req_"))

    @property
    def message_nulls(self) -> Mapping[str, Any]:
        """Fields with which every message begins; what a message has replaces them."""
        return dict.fromkeys((*_MESSAGE_NULLS, *self.promised.message_nulls))

    def reasoning(self, text: str) -> Mapping[str, str]:
        """The fields that carry a piece of reasoning."""
        return dict.fromkeys(self.promised.reasoning or _REASONING, text)


STANDARD = Form(AnswerForm())
