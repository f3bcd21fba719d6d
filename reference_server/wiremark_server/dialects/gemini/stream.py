"""An answer in chunks, each a whole response with new parts; as events, or as the elements of one array.

Only the last chunk of a candidate has a finish reason; it comes with the candidate's last words and, on the
very last, the usage. Function calls come whole. A text delta costs one JSON string and one concatenation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wiremark_server.dialects import sse
from wiremark_server.dialects.format import Reply
from wiremark_server.dialects.gemini.answer import (
    BLOCKED,
    FINISH_REASONS,
    Call,
    Sign,
    blocked_prompt,
    head,
    logprobs_document,
    usage_document,
)
from wiremark_server.domain.generation import (
    Delta,
    Finish,
    ReasoningDelta,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStart,
    Usage,
)

_EMPTY: Mapping[str, Any] = {"text": ""}


class ContentStream:
    """Encodes the deltas of one answer."""

    def __init__(self, reply: Reply, sign: Sign) -> None:
        generation = reply.asked.generation
        self._reply = reply
        self._sign = sign if generation.reasoning else None
        self._array = reply.asked.framing == "array"
        self._begun = False
        self._tail = b"," + sse.encode(head(reply))[1:]
        self._open = b'{"candidates":[{"content":{"parts":[{"text":'
        self._text_tails = [
            b'}],"role":"model"},"index":%d}]' % index + self._tail for index in range(generation.n)
        ]
        self._calls: dict[int, Call] = {}  # by candidate: the one whose arguments come in
        self._called: set[int] = set()  # candidates that have made a call
        self._held: dict[int, TextDelta] = {}  # by candidate: may turn out to be its last words
        self._last: dict[int, tuple[Finish, Mapping[str, Any]]] = {}  # by candidate: kept back for `end`

    def encode(self, deltas: Iterable[Delta]) -> bytes:
        """The chunks of one step, ready to send; last words are kept back for `end`."""
        chunks: list[bytes] = []
        for delta in deltas:
            if not isinstance(delta, Finish):
                self._release(delta.choice, chunks)
            match delta:
                case TextDelta():
                    self._held[delta.choice] = delta
                case ToolArgumentsDelta():
                    self._calls[delta.choice].fragments.append(delta.fragment)
                case ToolCallStart():
                    self._complete(delta.choice, chunks)
                    self._calls[delta.choice] = Call(delta.id, delta.name)
                case ReasoningDelta():
                    if not self._reply.asked.hide_reasoning:
                        chunks.append(self._chunk(delta.choice, {"text": delta.text, "thought": True}))
                case Finish():
                    self._finish(delta, chunks)
        for choice in list(self._held):
            self._release(choice, chunks)
        return b"".join(map(self._framed, chunks))

    def end(self, usage: Usage) -> bytes:
        """The last chunk of each candidate; the usage stands on the last of all."""
        finishes = [finish for finish, _ in self._last.values()]
        if finishes and finishes[0].prompt_blocked:
            chunks = [sse.encode(blocked_prompt(self._reply, usage))]
        else:
            order = sorted(self._last)
            told = {"usageMetadata": usage_document(usage)}
            chunks = [self._final(choice, told if choice == order[-1] else {}) for choice in order]
        return b"".join(map(self._framed, chunks)) + (b"]" if self._array else b"")

    def _framed(self, chunk: bytes) -> bytes:
        if not self._array:
            return b"data: " + chunk + b"\n\n"
        lead, self._begun = (b",\r\n" if self._begun else b"["), True
        return lead + chunk

    def _release(self, choice: int, chunks: list[bytes]) -> None:
        """Send what was held of a candidate: it was not its last."""
        held = self._held.pop(choice, None)
        if held is None:
            return
        if held.logprobs:
            chunks.append(self._chunk(choice, {"text": held.text}, logprobs_document(held.logprobs)))
        else:
            chunks.append(self._open + sse.encode(held.text) + self._text_tails[choice])

    def _complete(self, choice: int, chunks: list[bytes]) -> None:
        """Send the call whose arguments came in, if there is one."""
        part = self._call(choice)
        if part is not None:
            chunks.append(self._chunk(choice, part))

    def _call(self, choice: int) -> Mapping[str, Any] | None:
        call = self._calls.pop(choice, None)
        if call is None:
            return None
        first = choice not in self._called
        self._called.add(choice)
        return call.part(self._sign if first else None)

    def _finish(self, finish: Finish, chunks: list[bytes]) -> None:
        choice = finish.choice
        held = self._held.get(choice)
        if held is not None and held.logprobs:
            self._release(choice, chunks)
        held = self._held.pop(choice, None)
        part = self._call(choice) or {"text": held.text if held is not None else ""}
        if self._sign is not None and choice not in self._called:
            part = {**part, "thoughtSignature": self._sign(str(part["text"]))}
        self._last[choice] = (finish, part)

    def _final(self, choice: int, told: Mapping[str, Any]) -> bytes:
        finish, part = self._last[choice]
        candidate: dict[str, Any] = {}
        if finish.reason != "content_filter" or part != _EMPTY:
            candidate["content"] = {"parts": [part], "role": "model"}
        candidate |= {"finishReason": FINISH_REASONS[finish.reason], "index": choice}
        if finish.reason == "content_filter":
            candidate["safetyRatings"] = BLOCKED
        return sse.encode({"candidates": [candidate], **told, **head(self._reply)})

    def _chunk(self, choice: int, part: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> bytes:
        candidate = {"content": {"parts": [part], "role": "model"}, "index": choice, **(more or {})}
        return sse.encode({"candidates": [candidate], **head(self._reply)})
