"""A whole legacy completion: deltas folded into texts, and the document around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from wiremark_server.dialects.format import Reply
from wiremark_server.dialects.openai_chat.answer import usage_document
from wiremark_server.domain.generation import Delta, Finish, Generation, TextDelta, TokenLogprob, Usage


def head(reply: Reply) -> dict[str, Any]:
    """What an answer and each of its chunks begin with."""
    return {
        "id": f"cmpl-{reply.request_id.removeprefix('req_')}",
        "object": "text_completion",
        "created": reply.created,
        "model": reply.model,
        "system_fingerprint": reply.fingerprint,
    }


def prompts(generation: Generation) -> list[str]:
    """The prompt of every choice."""
    return [part.turns[0].text for part in generation.parts for _ in range(part.n)]


def logprobs_document(tokens: Sequence[TokenLogprob], offset: int) -> Mapping[str, Any]:
    """Four lists of one length. offset: characters of the choice's text before the first of the tokens"""
    offsets = []
    for entry in tokens:
        offsets.append(offset)
        offset += len(entry.token)
    return {
        "tokens": [entry.token for entry in tokens],
        "token_logprobs": [entry.logprob for entry in tokens],
        # The token that was taken is always among them, so there may be one more than was asked for.
        "top_logprobs": [{entry.token: entry.logprob, **dict(entry.top)} for entry in tokens],
        "text_offset": offsets,
    }


class Answer:
    """Gathers deltas in the order they come; `encode` gives the response body."""

    def __init__(self, reply: Reply) -> None:
        generation = reply.asked.generation
        self._reply = reply
        self._texts = [[text] if reply.asked.echo else [] for text in prompts(generation)]
        self._tokens: list[list[TokenLogprob]] = [[] for _ in self._texts]
        self._finish: list[str | None] = [None] * len(self._texts)
        self._with_logprobs = generation.logprobs is not None

    def add(self, deltas: Iterable[Delta]) -> None:
        for delta in deltas:
            match delta:
                case TextDelta():
                    self._texts[delta.choice].append(delta.text)
                    self._tokens[delta.choice].extend(delta.logprobs)
                case Finish():
                    self._finish[delta.choice] = delta.reason

    def encode(self, usage: Usage) -> bytes:
        return msgspec.json.encode(
            {
                **head(self._reply),
                "choices": [self._choice(index) for index in range(len(self._texts))],
                "usage": usage_document(usage),
            }
        )

    def _choice(self, index: int) -> Mapping[str, Any]:
        tokens = self._tokens[index]
        return {
            "text": "".join(self._texts[index]),
            "index": index,
            "logprobs": logprobs_document(tokens, 0) if self._with_logprobs else None,
            "finish_reason": self._finish[index],
        }
