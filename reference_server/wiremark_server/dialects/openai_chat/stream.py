"""A chat answer as server-sent events.

The hot path of the server: a text delta costs one JSON string and one concatenation, because everything
that repeats is encoded once per stream. Order per choice: role, fragments, finish; then usage if asked, then
[DONE].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wiremark_server.dialects import sse
from wiremark_server.dialects.openai_chat.answer import (
    SERVICE_TIER,
    Identity,
    logprobs_document,
    usage_document,
)
from wiremark_server.dialects.openai_chat.form import STANDARD, Extras, Form
from wiremark_server.dialects.openai_chat.tools import ARGUMENTS, STANDARD_KINDS
from wiremark_server.dialects.openai_chat.tools import call as tool_call
from wiremark_server.domain.generation import (
    Delta,
    Finish,
    ReasoningDelta,
    TextDelta,
    ToolArgumentsDelta,
    ToolCallStart,
    Usage,
)

DONE = b"data: [DONE]\n\n"
_json = sse.encode


class ChatStream:
    """Encodes the deltas of one answer.

    include_usage: every chunk carries `usage: null`, and `end` sends the usage chunk
    kinds:         the type of each tool that is no function, by name
    """

    def __init__(
        self,
        identity: Identity,
        choices: int,
        *,
        include_usage: bool,
        kinds: Mapping[str, str] = STANDARD_KINDS,
        form: Form = STANDARD,
        extras: Extras | None = None,
    ) -> None:
        self._identity = identity
        self._kinds = kinds
        self._kind: dict[tuple[int, int], str] = {}  # of a call that is no function's, by choice and index
        self._usage = include_usage
        self._choices = choices
        self._form = form
        self._extras = extras
        self._characters = 0
        self._begun = [False] * choices
        self._head = b""
        if extras is None:
            self._prepare({})

    def _prepare(self, more: Mapping[str, Any]) -> None:
        """Encode what repeats. With extras it waits for the first delta: before, nobody knows who answers."""
        head = _json(
            {
                "id": self._identity.id,
                "object": "chat.completion.chunk",
                "created": self._identity.created,
                "model": self._identity.model,
                "service_tier": SERVICE_TIER,
                "system_fingerprint": self._identity.fingerprint,
                **more,
            }
        )
        self._head = b"data: " + head[:-1]
        self._tail = tail = b',"usage":null}\n\n' if self._usage else b"}\n\n"
        self._open = [
            self._head + b',"choices":[{"index":%d,"delta":' % index for index in range(self._choices)
        ]
        self._text = [opening + b'{"content":' for opening in self._open]
        self._text_tail = b'},"logprobs":null,"finish_reason":null}]' + tail
        self._delta_tail = b',"logprobs":null,"finish_reason":null}]' + tail

    def encode(self, deltas: Iterable[Delta]) -> bytes:
        """The frames of one step, ready to send."""
        frames: list[bytes] = []
        if self._extras is not None:
            if not self._head:
                self._prepare(self._extras.fields())
            deltas = list(deltas)
            self._characters += sum(len(delta.text) for delta in deltas if type(delta) is TextDelta)
        for delta in deltas:
            index = delta.choice
            if not self._begun[index]:
                self._begin(index, delta, frames)
            if type(delta) is TextDelta and not delta.logprobs and not delta.refusal:
                frames += (self._text[index], _json(delta.text), self._text_tail)
            else:
                frames.append(self._frame(delta))
        return b"".join(frames)

    def end(self, usage: Usage) -> bytes:
        """The usage chunk when asked for, then the terminator."""
        if not self._usage:
            return DONE
        if not self._head and self._extras is not None:
            self._prepare(self._extras.fields())
        extras = self._extras.usage(usage, self._characters) if self._extras else {}
        told = _json({**usage_document(usage), **extras})
        return self._head + b',"choices":[],"usage":' + told + b"}\n\n" + DONE

    def _begin(self, index: int, first: Delta, frames: list[bytes]) -> None:
        """The role chunk. Choices open in ascending order, since clients insert by position."""
        for choice in range(index + 1):
            if not self._begun[choice]:
                self._begun[choice] = True
                # A turn of tool calls alone has no content; "" would make some clients end with "" for null.
                silent = choice == index and (
                    isinstance(first, ToolCallStart | ReasoningDelta)
                    or (isinstance(first, TextDelta) and first.refusal)
                )
                role: dict[str, Any] = {
                    "role": "assistant",
                    **({} if silent else {"content": ""}),
                    "refusal": None,
                }
                frames.append(self._open[choice] + _json(role) + self._delta_tail)

    def _frame(self, delta: Delta) -> bytes:
        match delta:
            case TextDelta(refusal=True):
                return self._delta(delta.choice, {"refusal": delta.text})
            case TextDelta():
                logprobs = _json(logprobs_document(delta.logprobs))
                return (
                    self._text[delta.choice]
                    + _json(delta.text)
                    + b'},"logprobs":'
                    + logprobs
                    + b',"finish_reason":null}]'
                    + self._tail
                )
            case ReasoningDelta():
                return self._delta(delta.choice, self._form.reasoning(delta.text))
            case ToolCallStart():
                kind = self._kinds.get(delta.name, "function")
                if kind != "function":
                    self._kind[delta.choice, delta.index] = kind
                call = {"index": delta.index, **tool_call(kind, delta.id, delta.name, "")}
                return self._delta(delta.choice, {"tool_calls": [call]})
            case ToolArgumentsDelta():
                kind = self._kind.get((delta.choice, delta.index), "function")
                call = {"index": delta.index, kind: {ARGUMENTS[kind]: delta.fragment}}
                return self._delta(delta.choice, {"tool_calls": [call]})
            case Finish():
                reason = _json(delta.reason)
                return (
                    self._open[delta.choice]
                    + b'{},"logprobs":null,"finish_reason":'
                    + reason
                    + b"}]"
                    + self._tail
                )

    def _delta(self, choice: int, delta: Mapping[str, Sequence[Any] | str]) -> bytes:
        return self._open[choice] + _json(delta) + self._delta_tail
