"""OpenAI Chat Completions, and the legacy Completions that stream alike."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_loadtests.formats.base import Ask, Broken, Tokens, counts, decode

_DONE = b"[DONE]"
# Inside a JSON string the quotes of this text would be escaped, so a match is a key of the chunk itself.
_FINISH = re.compile(rb'"finish_reason"\s*:\s*"')
_TEXT_FIELDS = ("content", "refusal", "reasoning_content", "reasoning")


# Likewise: an answer of the usual form has these keys once each.
_PROMPT, _COMPLETION = (
    re.compile(rb'"%b"\s*:\s*(\d+)\s*[,}]' % name) for name in (b"prompt_tokens", b"completion_tokens")
)


class _Chunks:
    """Streams of `data: {…}` that end with [DONE]."""

    headers: tuple[str, ...] = ()
    stream_query = ""
    _kind: str

    def contents(self, payloads: list[bytes]) -> list[bytes]:
        if _DONE not in payloads:
            raise Broken("broken-stream:no-done")
        if payloads.index(_DONE) != len(payloads) - 1:
            raise Broken("broken-stream:data-after-done")
        finishes = sum(1 for _ in _FINISH.finditer(b"\n".join(payloads)))
        if finishes != 1:
            raise Broken("broken-stream:no-finish" if not finishes else "broken-stream:many-finishes")
        return payloads[:-1]

    def usage(self, payloads: Sequence[bytes]) -> Tokens | None:
        """The last usage told, looking at the last events only."""
        for data in reversed(payloads[-4:]):
            if data == _DONE:
                continue
            told = counts(decode(data).get("usage"), "prompt_tokens", "completion_tokens")
            if told is not None:
                return told
        return None

    def glance(self, body: bytes) -> Tokens | None:
        if not (body.startswith(b"{") and body.endswith(b"}") and len(_FINISH.findall(body)) == 1):
            return None
        prompt, completion = _PROMPT.findall(body), _COMPLETION.findall(body)
        if len(prompt) != 1 or len(completion) != 1:
            return None
        return int(prompt[0]), int(completion[0])

    def check(self, payloads: Sequence[bytes]) -> None:
        """Each is a chunk of one and the same answer."""
        ids = set()
        for data in payloads:
            chunk = decode(data)
            if chunk.get("object") != self._kind:
                raise Broken("broken-stream:not-a-chunk")
            ids.add(chunk.get("id"))
        if len(ids) > 1:
            raise Broken("broken-stream:id-changes")


def _choices(chunk: Mapping[str, Any]) -> list[Any]:
    choices = chunk.get("choices")
    if not isinstance(choices, list):
        raise Broken("broken-stream:no-choices")
    return choices


class Chat(_Chunks):
    _kind = "chat.completion.chunk"

    def operation(self, *, stream: bool) -> str:  # noqa: ARG002  one path for both
        return "chat.create"

    def body(self, ask: Ask) -> dict[str, Any]:
        content: Any = ask.prompt
        if ask.images:
            parts = [{"type": "image_url", "image_url": {"url": image.url}} for image in ask.images]
            content = [{"type": "text", "text": ask.prompt}, *parts]
        question = [{"role": "user", "content": content}] if ask.prompt else []
        body: dict[str, Any] = {
            "model": ask.model,
            "messages": [*ask.history, *question],
            "max_tokens": ask.max_tokens,
        }
        if ask.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if ask.tools:
            body["tools"] = [{"type": "function", "function": tool} for tool in ask.tools]
        if ask.schema is not None:
            form = {"name": "answer", "schema": ask.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return body

    def bears_token(self, event: Mapping[str, Any]) -> bool:
        for choice in _choices(event):
            delta = choice.get("delta") if isinstance(choice, dict) else None
            if not isinstance(delta, dict):
                raise Broken("broken-stream:no-delta")
            if delta.get("tool_calls") or any(delta.get(field) for field in _TEXT_FIELDS):
                return True
        return False

    def plain(self, document: Mapping[str, Any]) -> tuple[Tokens | None, str]:
        tokens = counts(document.get("usage"), "prompt_tokens", "completion_tokens")
        match document.get("choices"):
            case [{"message": dict(), "finish_reason": str()}, *_]:
                return tokens, ""
        return tokens, "broken-answer:no-finished-choice"

    def next_turn(self, asked: Sequence[Mapping[str, Any]], reply: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The conversation after an answer; a tool that was called has answered."""
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": json.dumps({"ok": True})}
            for call in reply.get("tool_calls") or ()
        ]
        return [*(dict(message) for message in asked), dict(reply), *results]

    def reply(self, payloads: Sequence[bytes]) -> dict[str, Any]:
        """The assistant's message of a whole stream."""
        content = ""
        calls: dict[int, dict[str, Any]] = {}
        for data in payloads:
            if data == _DONE:
                continue
            for choice in _choices(decode(data)):
                delta = choice.get("delta") or {}
                content += delta.get("content") or ""
                for part in delta.get("tool_calls") or ():
                    call = calls.setdefault(
                        part["index"],
                        {"id": "", "type": "function", "function": {"name": "", "arguments": ""}},
                    )
                    call["id"] = part.get("id") or call["id"]
                    for name in ("name", "arguments"):
                        call["function"][name] += (part.get("function") or {}).get(name) or ""
        message: dict[str, Any] = {"role": "assistant", "content": content or None}
        if calls:
            message["tool_calls"] = [calls[index] for index in sorted(calls)]
        elif not content:
            message["content"] = ""
        return message


class Completions(_Chunks):
    _kind = "text_completion"

    def operation(self, *, stream: bool) -> str:  # noqa: ARG002  one path for both
        return "completions.create"

    def body(self, ask: Ask) -> dict[str, Any]:
        body: dict[str, Any] = {"model": ask.model, "prompt": ask.prompt, "max_tokens": ask.max_tokens}
        if ask.stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body

    def bears_token(self, event: Mapping[str, Any]) -> bool:
        return any(isinstance(choice, dict) and choice.get("text") for choice in _choices(event))

    def plain(self, document: Mapping[str, Any]) -> tuple[Tokens | None, str]:
        tokens = counts(document.get("usage"), "prompt_tokens", "completion_tokens")
        match document.get("choices"):
            case [{"text": str(), "finish_reason": str()}, *_]:
                return tokens, ""
        return tokens, "broken-answer:no-finished-choice"
