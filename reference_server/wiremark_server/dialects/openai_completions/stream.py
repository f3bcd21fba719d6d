"""A legacy completion as server-sent events: chunks are whole answers with a fragment of the text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wiremark_server.dialects import sse
from wiremark_server.dialects.format import Reply
from wiremark_server.dialects.openai_chat.answer import usage_document
from wiremark_server.dialects.openai_chat.stream import DONE
from wiremark_server.dialects.openai_completions.answer import head, logprobs_document, prompts
from wiremark_server.domain.generation import Delta, Finish, TextDelta, Usage


class CompletionStream:
    """Encodes the deltas of one answer; with `echo` each choice begins with its prompt."""

    def __init__(self, reply: Reply) -> None:
        generation = reply.asked.generation
        self._head = b"data: " + sse.encode(head(reply))[:-1]
        self._include_usage = reply.asked.include_usage
        self._tail = b',"usage":null}\n\n' if self._include_usage else b"}\n\n"
        self._echoes = prompts(generation) if reply.asked.echo else []
        self._offsets = [0] * generation.choices
        self._with_logprobs = generation.logprobs is not None

    def encode(self, deltas: Iterable[Delta]) -> bytes:
        """The frames of one step, ready to send."""
        frames: list[bytes] = []
        if self._echoes:
            frames += [self._chunk(index, text) for index, text in enumerate(self._echoes)]
            self._echoes = []
        for delta in deltas:
            match delta:
                case TextDelta():
                    frames.append(self._text(delta))
                case Finish():
                    frames.append(self._chunk(delta.choice, "", finish_reason=delta.reason))
        return b"".join(frames)

    def end(self, usage: Usage) -> bytes:
        """The usage chunk when asked for, then the terminator."""
        if not self._include_usage:
            return DONE
        return self._head + b',"choices":[],"usage":' + sse.encode(usage_document(usage)) + b"}\n\n" + DONE

    def _text(self, delta: TextDelta) -> bytes:
        if not self._with_logprobs:
            return self._chunk(delta.choice, delta.text)
        logprobs = logprobs_document(delta.logprobs, self._offsets[delta.choice])
        self._offsets[delta.choice] += len(delta.text)
        return self._chunk(delta.choice, delta.text, logprobs=logprobs)

    def _chunk(
        self, index: int, text: str, *, logprobs: Any = None, finish_reason: str | None = None
    ) -> bytes:
        choice = {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish_reason}
        return self._head + b',"choices":[' + sse.encode(choice) + b"]" + self._tail
