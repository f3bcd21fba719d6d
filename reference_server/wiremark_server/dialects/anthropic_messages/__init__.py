"""Anthropic Messages: request documents in, answers and event streams out. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_server.dialects.anthropic_messages import request
from wiremark_server.dialects.anthropic_messages.answer import Answer
from wiremark_server.dialects.anthropic_messages.stream import MessageStream
from wiremark_server.dialects.format import HeaderOf, Reply
from wiremark_server.dialects.signature import Signatures
from wiremark_server.domain.asked import Asked


class MessagesFormat:
    """The format of `messages.create`."""

    name = "messages"

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures

    def decode(self, document: Mapping[str, Any], request_id: str, header: HeaderOf) -> Asked:
        return request.decode(document, request_id, header, self._signatures)

    def whole(self, reply: Reply) -> Answer:
        return Answer(reply, self._signatures.sign)

    def stream(self, reply: Reply) -> MessageStream:
        return MessageStream(reply, self._signatures.sign)


class CountFormat(MessagesFormat):
    """The format of `messages.count_tokens`: the same documents, without a budget for the answer."""

    name = "messages.count"

    def decode(self, document: Mapping[str, Any], request_id: str, header: HeaderOf) -> Asked:
        return request.decode_count(document, request_id, header, self._signatures)
