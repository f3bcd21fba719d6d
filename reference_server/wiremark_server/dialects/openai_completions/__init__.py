"""Legacy completions: request documents in, answers and event streams out. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_server.dialects.format import HeaderOf, Reply
from wiremark_server.dialects.openai_completions import request
from wiremark_server.dialects.openai_completions.answer import Answer
from wiremark_server.dialects.openai_completions.stream import CompletionStream
from wiremark_server.domain.asked import Asked


class CompletionFormat:
    """The format of `completions.create`."""

    name = "completions"

    def decode(self, document: Mapping[str, Any], request_id: str, header: HeaderOf) -> Asked:  # noqa: ARG002
        return request.decode(document, request_id)

    def whole(self, reply: Reply) -> Answer:
        return Answer(reply)

    def stream(self, reply: Reply) -> CompletionStream:
        return CompletionStream(reply)
