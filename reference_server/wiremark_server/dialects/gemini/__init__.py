"""Google's Gemini: request documents in, answers, event streams and arrays out. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_server.dialects.format import Reply, RequestHead
from wiremark_server.dialects.gemini import request
from wiremark_server.dialects.gemini.answer import Answer
from wiremark_server.dialects.gemini.stream import ContentStream
from wiremark_server.dialects.signature import Signatures
from wiremark_server.domain.asked import Asked


class ContentFormat:
    """The format of `gemini.generate`."""

    name = "gemini.generate"
    _stream = False

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures

    def decode(self, document: Mapping[str, Any], request_id: str, head: RequestHead) -> Asked:
        return request.decode(document, request_id, head, self._signatures, stream=self._stream)

    def whole(self, reply: Reply) -> Answer:
        return Answer(reply, self._signatures.sign)

    def stream(self, reply: Reply) -> ContentStream:
        return ContentStream(reply, self._signatures.sign)


class StreamFormat(ContentFormat):
    """The format of `gemini.stream`: the same documents; that it is a stream, the path says."""

    name = "gemini.stream"
    _stream = True


class CountFormat(ContentFormat):
    """The format of `gemini.count_tokens`."""

    name = "gemini.count"

    def decode(self, document: Mapping[str, Any], request_id: str, head: RequestHead) -> Asked:
        return request.decode_count(document, request_id, head, self._signatures)
