"""OpenAI Chat Completions: request documents in, answers and event streams out. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_server.dialects.format import HeaderOf, Reply
from wiremark_server.dialects.openai_chat import request
from wiremark_server.dialects.openai_chat.answer import Answer, Identity
from wiremark_server.dialects.openai_chat.form import Form
from wiremark_server.dialects.openai_chat.stream import ChatStream
from wiremark_server.dialects.openai_chat.tools import kinds
from wiremark_server.domain.asked import Asked


class ChatFormat:
    """The format of `chat.create`."""

    name = "chat"

    def __init__(self, form: Form) -> None:
        self._form = form

    def decode(self, document: Mapping[str, Any], request_id: str, header: HeaderOf) -> Asked:  # noqa: ARG002
        return request.decode(document, request_id)

    def whole(self, reply: Reply) -> Answer:
        generation = reply.asked.generation
        logprobs = generation.logprobs is not None
        return Answer(
            self._identity(reply),
            generation.n,
            logprobs=logprobs,
            kinds=kinds(generation.tools),
            form=self._form,
            extras=self._form.extras(reply),
        )

    def stream(self, reply: Reply) -> ChatStream:
        asked = reply.asked
        return ChatStream(
            self._identity(reply),
            asked.generation.n,
            include_usage=asked.include_usage,
            kinds=kinds(asked.generation.tools),
            form=self._form,
            extras=self._form.extras(reply),
        )

    def _identity(self, reply: Reply) -> Identity:
        return Identity(
            id=self._form.id(reply.created, reply.request_id),
            created=reply.created,
            model=reply.model,
            fingerprint=reply.fingerprint,
        )
