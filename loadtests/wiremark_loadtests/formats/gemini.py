"""Google Gemini: generateContent and streamGenerateContent as server-sent events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_loadtests.formats.base import Ask, Broken, Tokens, counts, decode


class Gemini:
    headers: tuple[str, ...] = ()
    stream_query = "?alt=sse"

    def operation(self, *, stream: bool) -> str:
        return "gemini.stream" if stream else "gemini.generate"

    def body(self, ask: Ask) -> dict[str, Any]:
        images = [{"inlineData": {"mimeType": "image/png", "data": image.data}} for image in ask.images]
        settings: dict[str, Any] = {"maxOutputTokens": ask.max_tokens}
        if ask.schema is not None:
            settings |= {"responseMimeType": "application/json", "responseJsonSchema": ask.schema}
        body: dict[str, Any] = {
            "contents": [*ask.history, {"role": "user", "parts": [{"text": ask.prompt}, *images]}],
            "generationConfig": settings,
        }
        if ask.tools:
            declared = [
                {
                    "name": tool["name"],
                    "description": tool.get("description", ""),
                    "parametersJsonSchema": tool["parameters"],
                }
                for tool in ask.tools
            ]
            body["tools"] = [{"functionDeclarations": declared}]
        return body

    def contents(self, payloads: list[bytes]) -> list[bytes]:
        if not payloads or not any(_finish(decode(data)) for data in payloads[-2:]):
            raise Broken("broken-stream:no-finish")
        return payloads

    def usage(self, payloads: Sequence[bytes]) -> Tokens | None:
        for data in reversed(payloads[-2:]):
            told = _usage(decode(data))
            if told is not None:
                return told
        return None

    def bears_token(self, event: Mapping[str, Any]) -> bool:
        for candidate in event.get("candidates") or ():
            for part in (candidate.get("content") or {}).get("parts") or ():
                if part.get("text") or part.get("functionCall"):
                    return True
        return False

    def check(self, payloads: Sequence[bytes]) -> None:
        for data in payloads:
            decode(data)

    def glance(self, body: bytes) -> Tokens | None:  # noqa: ARG002  always decoded
        return None

    def plain(self, document: Mapping[str, Any]) -> tuple[Tokens | None, str]:
        return _usage(document), "" if _finish(document) else "broken-answer:no-finished-candidate"


def _finish(event: Mapping[str, Any]) -> bool:
    return any(candidate.get("finishReason") for candidate in event.get("candidates") or ())


def _usage(event: Mapping[str, Any]) -> Tokens | None:
    """Thoughts are output too."""
    told = event.get("usageMetadata")
    if not isinstance(told, dict):
        return None
    thoughts = told.get("thoughtsTokenCount") or 0
    found = counts({"candidatesTokenCount": 0, **told}, "promptTokenCount", "candidatesTokenCount")
    return None if found is None else (found[0], found[1] + thoughts)
