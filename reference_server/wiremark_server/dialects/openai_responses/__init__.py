"""OpenAI Responses: request documents in, answers and event streams out. Pure, but for what is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_server.dialects.format import HeaderOf, Reply
from wiremark_server.dialects.openai_responses import request
from wiremark_server.dialects.openai_responses.answer import Answer
from wiremark_server.dialects.openai_responses.dialogue import Dialogue
from wiremark_server.dialects.openai_responses.sealed import Seals
from wiremark_server.dialects.openai_responses.stream import ResponseStream
from wiremark_server.domain.asked import Asked


class ResponsesFormat:
    """The format of `responses.create`, for requests that stand alone or for one dialogue."""

    name = "responses"

    def __init__(self, seals: Seals, dialogue: Dialogue | None = None) -> None:
        self._seals = seals
        self._dialogue = dialogue or Dialogue()

    def within(self, dialogue: Dialogue) -> ResponsesFormat:
        """The same format for a request that has something around it."""
        return ResponsesFormat(self._seals, dialogue)

    def decode(self, document: Mapping[str, Any], request_id: str, header: HeaderOf) -> Asked:  # noqa: ARG002
        return request.decode(document, request_id, self._dialogue.earlier, self._seals)

    def whole(self, reply: Reply) -> Answer:
        return Answer(reply, self._dialogue, self._seals)

    def stream(self, reply: Reply) -> ResponseStream:
        return ResponseStream(reply, self._dialogue, self._seals)
