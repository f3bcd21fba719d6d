"""OpenAI Responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_loadtests.formats.base import Ask, Broken, Tokens, counts, decode

_ENDS = {"response.completed", "response.incomplete"}


class Responses:
    headers: tuple[str, ...] = ()
    stream_query = ""

    def operation(self, *, stream: bool) -> str:  # noqa: ARG002  one path for both
        return "responses.create"

    def body(self, ask: Ask) -> dict[str, Any]:
        content: Any = ask.prompt
        if ask.images:
            parts = [{"type": "input_image", "image_url": image.url} for image in ask.images]
            content = [{"type": "input_text", "text": ask.prompt}, *parts]
        body: dict[str, Any] = {
            "model": ask.model,
            "input": [*ask.history, {"role": "user", "content": content}],
            "max_output_tokens": ask.max_tokens,
            "store": False,
        }
        if ask.stream:
            body["stream"] = True
        if ask.tools:
            body["tools"] = [{"type": "function", **tool} for tool in ask.tools]
        if ask.schema is not None:
            form = {"type": "json_schema", "name": "answer", "schema": ask.schema, "strict": True}
            body["text"] = {"format": form}
        return body

    def contents(self, payloads: list[bytes]) -> list[bytes]:
        payloads = _without_done(payloads)
        if not payloads or decode(payloads[-1]).get("type") not in _ENDS:
            raise Broken("broken-stream:no-end")
        return payloads[:-1]

    def usage(self, payloads: Sequence[bytes]) -> Tokens | None:
        """Told by the last event."""
        payloads = _without_done(payloads)
        if not payloads:
            return None
        event = decode(payloads[-1])
        if event.get("type") in {"error", "response.failed"}:
            raise Broken("stream-error")
        response = event.get("response")
        told = response.get("usage") if isinstance(response, dict) else None
        return counts(told, "input_tokens", "output_tokens")

    def bears_token(self, event: Mapping[str, Any]) -> bool:
        return str(event.get("type", "")).endswith(".delta") and bool(event.get("delta"))

    def check(self, payloads: Sequence[bytes]) -> None:
        """Numbered one after the other."""
        numbers = [decode(data).get("sequence_number") for data in payloads]
        if numbers != list(range(len(numbers))):
            raise Broken("broken-stream:sequence")

    def glance(self, body: bytes) -> Tokens | None:  # noqa: ARG002  always decoded
        return None

    def plain(self, document: Mapping[str, Any]) -> tuple[Tokens | None, str]:
        tokens = counts(document.get("usage"), "input_tokens", "output_tokens")
        match document:
            case {"object": "response", "status": "completed" | "incomplete", "output": list()}:
                return tokens, ""
        return tokens, "broken-answer:no-finished-response"


def _without_done(payloads: Sequence[bytes]) -> list[bytes]:
    """The events; Open Responses ends its streams with [DONE] as well, OpenAI's end without."""
    events = list(payloads)
    return events[:-1] if events[-1:] == [b"[DONE]"] else events
