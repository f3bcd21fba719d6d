"""Anthropic Messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_loadtests.formats.base import Ask, Broken, Tokens, counts, decode

_DELTAS = ("text", "partial_json", "thinking")


class Messages:
    headers: tuple[str, ...] = ("anthropic-version: 2023-06-01",)
    stream_query = ""

    def operation(self, *, stream: bool) -> str:  # noqa: ARG002  one path for both
        return "messages.create"

    def body(self, ask: Ask) -> dict[str, Any]:
        content: Any = ask.prompt
        if ask.images:
            sources = [
                {"type": "base64", "media_type": "image/png", "data": image.data} for image in ask.images
            ]
            content = [
                *({"type": "image", "source": source} for source in sources),
                {"type": "text", "text": ask.prompt},
            ]
        body: dict[str, Any] = {
            "model": ask.model,
            "max_tokens": ask.max_tokens,
            "messages": [*ask.history, {"role": "user", "content": content}],
        }
        if ask.stream:
            body["stream"] = True
        if ask.tools:
            body["tools"] = [
                {
                    "name": tool["name"],
                    "description": tool.get("description", ""),
                    "input_schema": tool["parameters"],
                }
                for tool in ask.tools
            ]
        return body

    def contents(self, payloads: list[bytes]) -> list[bytes]:
        ends = [
            i
            for i, data in enumerate(payloads)
            if b'"message_stop"' in data and _type(data) == "message_stop"
        ]
        if not ends:
            raise Broken("broken-stream:no-message-stop")
        if ends != [len(payloads) - 1]:
            raise Broken("broken-stream:data-after-message-stop")
        if _type(payloads[0]) != "message_start":
            raise Broken("broken-stream:no-message-start")
        return payloads[1:-1]

    def usage(self, payloads: Sequence[bytes]) -> Tokens | None:
        """Input as told at the start, output as told last; both may be told again at the end."""
        if not payloads:
            return None
        message = decode(payloads[0]).get("message")
        first = message.get("usage") if isinstance(message, dict) else None
        told = dict(first) if isinstance(first, dict) else {}
        for data in payloads[-4:]:
            event = decode(data)
            if event.get("type") == "error":
                raise Broken("stream-error")
            last = event.get("usage")
            if isinstance(last, dict):
                told |= {name: value for name, value in last.items() if value is not None}
        return counts(told, "input_tokens", "output_tokens")

    def bears_token(self, event: Mapping[str, Any]) -> bool:
        delta = event.get("delta")
        if event.get("type") != "content_block_delta" or not isinstance(delta, dict):
            return False
        return any(delta.get(name) for name in _DELTAS)

    def check(self, payloads: Sequence[bytes]) -> None:
        """Blocks open and close one after the other, and deltas belong to the open one."""
        is_open: int | None = None
        for data in payloads:
            event = decode(data)
            kind, index = event.get("type"), event.get("index")
            if kind == "content_block_start":
                if is_open is not None:
                    raise Broken("broken-stream:block-in-block")
                is_open = index
            elif kind in {"content_block_delta", "content_block_stop"}:
                if is_open != index:
                    raise Broken("broken-stream:block-not-open")
                is_open = None if kind == "content_block_stop" else is_open
        if is_open is not None:
            raise Broken("broken-stream:block-left-open")

    def glance(self, body: bytes) -> Tokens | None:  # noqa: ARG002  always decoded
        return None

    def plain(self, document: Mapping[str, Any]) -> tuple[Tokens | None, str]:
        tokens = counts(document.get("usage"), "input_tokens", "output_tokens")
        match document:
            case {"type": "message", "content": list(), "stop_reason": str()}:
                return tokens, ""
        return tokens, "broken-answer:no-finished-message"


def _type(data: bytes) -> Any:
    return decode(data).get("type")
