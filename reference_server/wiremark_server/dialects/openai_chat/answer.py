"""A whole chat answer: deltas folded into messages, and the document around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct, field

from wiremark_server.dialects.openai_chat.form import STANDARD, Extras, Form
from wiremark_server.dialects.openai_chat.tools import STANDARD_KINDS
from wiremark_server.dialects.openai_chat.tools import call as tool_call
from wiremark_server.domain.generation import (
    Delta,
    Finish,
    ReasoningDelta,
    TextDelta,
    TokenLogprob,
    ToolArgumentsDelta,
    ToolCallStart,
    Usage,
)

SERVICE_TIER = "default"


class Identity(Struct, frozen=True):
    """What every piece of one answer repeats.

    created: seconds since the epoch, UTC
    """

    id: str
    created: int
    model: str
    fingerprint: str


class _Call(Struct):
    id: str
    name: str
    fragments: list[str] = field(default_factory=list)


class _Choice(Struct):
    text: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    calls: list[_Call] = field(default_factory=list)
    finish: str | None = None


class Answer:
    """Gathers deltas in the order they come, then encodes them.

    kinds: the type of each tool that is no function, by name
    """

    __slots__ = ("_choices", "_extras", "_form", "_identity", "_kinds", "_with_logprobs")

    def __init__(
        self,
        identity: Identity,
        choices: int,
        *,
        logprobs: bool = False,
        kinds: Mapping[str, str] = STANDARD_KINDS,
        form: Form = STANDARD,
        extras: Extras | None = None,
    ) -> None:
        self._identity = identity
        self._kinds = kinds
        self._choices = [_Choice() for _ in range(choices)]
        self._form = form
        self._extras = extras
        self._with_logprobs = logprobs

    def add(self, deltas: Iterable[Delta]) -> None:
        for delta in deltas:
            choice = self._choices[delta.choice]
            match delta:
                case TextDelta():
                    (choice.refusal if delta.refusal else choice.text).append(delta.text)
                    if delta.logprobs:
                        choice.logprobs.extend(delta.logprobs)
                case ToolArgumentsDelta():
                    choice.calls[delta.index].fragments.append(delta.fragment)
                case ToolCallStart():
                    choice.calls.append(_Call(delta.id, delta.name))
                case ReasoningDelta():
                    choice.reasoning.append(delta.text)
                case Finish():
                    choice.finish = delta.reason

    def encode(self, usage: Usage) -> bytes:
        identity, extras = self._identity, self._extras
        return msgspec.json.encode(
            {
                "id": identity.id,
                "object": "chat.completion",
                "created": identity.created,
                "model": identity.model,
                "choices": [self._choice(index, choice) for index, choice in enumerate(self._choices)],
                "usage": {
                    **usage_document(usage),
                    **(extras.usage(usage, self._characters) if extras else {}),
                },
                "service_tier": SERVICE_TIER,
                "system_fingerprint": identity.fingerprint,
                **(extras.fields() if extras else {}),
            }
        )

    @property
    def _characters(self) -> int:
        return sum(len(text) for choice in self._choices for text in choice.text)

    def _choice(self, index: int, choice: _Choice) -> Mapping[str, Any]:
        text = "".join(choice.text)
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if (choice.calls or choice.refusal) and not text else text,
            "annotations": [],
            **self._form.message_nulls,
        }
        if choice.refusal:
            message["refusal"] = "".join(choice.refusal)
        if choice.reasoning:
            message |= self._form.reasoning("".join(choice.reasoning))
        if choice.calls:
            message["tool_calls"] = [
                tool_call(self._kinds.get(call.name, "function"), call.id, call.name, "".join(call.fragments))
                for call in choice.calls
            ]
        return {
            "index": index,
            "message": message,
            "logprobs": logprobs_document(choice.logprobs) if self._with_logprobs else None,
            "finish_reason": choice.finish,
        }


def usage_document(usage: Usage) -> Mapping[str, Any]:
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def logprobs_document(tokens: Iterable[TokenLogprob]) -> Mapping[str, Any]:
    return {
        "content": [
            {
                **_token(entry.token, entry.logprob),
                "top_logprobs": [_token(token, logprob) for token, logprob in entry.top],
            }
            for entry in tokens
        ],
        "refusal": None,
    }


def _token(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}
