"""A whole answer: deltas folded into candidates, and the document around them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from wiremark_server.dialects.format import Reply
from wiremark_server.dialects.gemini.parts import call_proof
from wiremark_server.domain.generation import (
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    TokenLogprob,
    ToolArgumentsDelta,
    ToolCallStart,
    Usage,
)

Sign = Callable[[str], str]

# A call ends an answer like any other: that there is one stands in the parts.
FINISH_REASONS: Mapping[FinishReason, str] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
}
BLOCKED: Sequence[Mapping[str, Any]] = (
    {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True},
)


def head(reply: Reply) -> dict[str, Any]:
    """What every piece of one answer repeats."""
    return {"modelVersion": reply.model, "responseId": reply.request_id.removeprefix("req_")}


def usage_document(usage: Usage) -> dict[str, Any]:
    """Thoughts are counted apart from what the candidates say, and are part of the total."""
    found = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.completion - usage.reasoning,
        "totalTokenCount": usage.total,
    }
    if usage.reasoning:
        found["thoughtsTokenCount"] = usage.reasoning
    if usage.cached:
        found["cachedContentTokenCount"] = usage.cached
    return found


def blocked_prompt(reply: Reply, usage: Usage) -> dict[str, Any]:
    """The answer to a prompt that is not answered: no candidates, and why."""
    feedback = {"blockReason": "SAFETY", "safetyRatings": BLOCKED}
    return {"promptFeedback": feedback, "usageMetadata": usage_document(usage), **head(reply)}


@dataclass(slots=True)
class Call:
    """A function call while its arguments come in."""

    id: str
    name: str
    fragments: list[str] = field(default_factory=list)

    def part(self, sign: Sign | None) -> dict[str, Any] | None:
        """The part, signed by `sign` when there is one; None when the budget cut the arguments off."""
        text = "".join(self.fragments)
        try:
            arguments = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return None
        part: dict[str, Any] = {
            "functionCall": {"id": self.id, "name": self.name, "args": msgspec.Raw(text.encode())}
        }
        if sign is not None:
            part["thoughtSignature"] = sign(call_proof(self.name, arguments))
        return part


@dataclass(slots=True)
class _Candidate:
    thought: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish: Finish | None = None


class Answer:
    """Gathers deltas in the order they come; `encode` gives the response body."""

    def __init__(self, reply: Reply, sign: Sign) -> None:
        self._reply = reply
        self._sign = sign if reply.asked.generation.reasoning else None
        self._candidates = [_Candidate() for _ in range(reply.asked.generation.n)]

    def add(self, deltas: Iterable[Delta]) -> None:
        for delta in deltas:
            candidate = self._candidates[delta.choice]
            match delta:
                case TextDelta():
                    candidate.text.append(delta.text)
                    candidate.logprobs.extend(delta.logprobs)
                case ToolArgumentsDelta():
                    candidate.calls[delta.index].fragments.append(delta.fragment)
                case ToolCallStart():
                    candidate.calls.append(Call(delta.id, delta.name))
                case ReasoningDelta():
                    candidate.thought.append(delta.text)
                case Finish():
                    candidate.finish = delta

    def encode(self, usage: Usage) -> bytes:
        first = self._candidates[0].finish
        if first is not None and first.prompt_blocked:
            return msgspec.json.encode(blocked_prompt(self._reply, usage))
        candidates = [self._candidate(index, one) for index, one in enumerate(self._candidates)]
        return msgspec.json.encode(
            {"candidates": candidates, "usageMetadata": usage_document(usage), **head(self._reply)}
        )

    def _candidate(self, index: int, candidate: _Candidate) -> dict[str, Any]:
        finish = candidate.finish
        reason = FINISH_REASONS[finish.reason] if finish is not None else "OTHER"
        found: dict[str, Any] = {"finishReason": reason, "index": index}
        if reason == "SAFETY":
            return {**found, "safetyRatings": BLOCKED}
        if self._reply.asked.generation.logprobs is not None and candidate.logprobs:
            found |= logprobs_document(candidate.logprobs)
        return {"content": {"parts": self._parts(candidate), "role": "model"}, **found}

    def _parts(self, candidate: _Candidate) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        if candidate.thought and not self._reply.asked.hide_reasoning:
            parts.append({"text": "".join(candidate.thought), "thought": True})
        if candidate.text:
            text = "".join(candidate.text)
            signed = {"thoughtSignature": self._sign(text)} if self._sign and not candidate.calls else {}
            parts.append({"text": text, **signed})
        for number, call in enumerate(candidate.calls):
            part = call.part(self._sign if number == 0 else None)
            if part is not None:
                parts.append(part)
        return parts


def logprobs_document(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """The log probabilities of a candidate, and their mean."""
    return {
        "avgLogprobs": sum(token.logprob for token in tokens) / len(tokens),
        "logprobsResult": {
            "chosenCandidates": [_entry(token.token, token.logprob) for token in tokens],
            "topCandidates": [{"candidates": [_entry(*pair) for pair in token.top]} for token in tokens],
        },
    }


def _entry(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logProbability": logprob}
