"""An answer as the events of a response stream: numbered, each named twice, [DONE] at the end.

The published form has no [DONE]; Open Responses asks for it, and the official clients take both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from wiremark_server.dialects import sse
from wiremark_server.dialects.format import Reply
from wiremark_server.dialects.openai_responses.answer import Documents
from wiremark_server.dialects.openai_responses.dialogue import Dialogue
from wiremark_server.dialects.openai_responses.output import Output
from wiremark_server.dialects.openai_responses.sealed import Seals
from wiremark_server.domain.generation import Delta, Usage

DONE = b"data: [DONE]\n\n"


class ResponseStream:
    """Encodes the deltas of one answer."""

    def __init__(self, reply: Reply, dialogue: Dialogue, seals: Seals) -> None:
        self._background = bool(reply.asked.settings["background"])
        self._documents = Documents(reply, dialogue)
        self._keep = dialogue.keep
        self._output = Output(reply, seals, self._tell)
        self._usage = reply.usage
        self._number = 0
        self._frames: list[bytes] = []

    @property
    def queued(self) -> bytes:
        """The response before anything was done for it."""
        return msgspec.json.encode(self._documents.at("queued"))

    def encode(self, deltas: Iterable[Delta]) -> bytes:
        """The events of one step, ready to send."""
        if not self._number:
            self._begin()
        self._output.add(deltas)
        return self._taken()

    def end(self, usage: Usage) -> bytes:
        """How the response ended, then the terminator."""
        document = self._documents.final(self._output, usage)
        self._close(document)
        return self._taken() + DONE

    def fail(self, envelope: Mapping[str, Any]) -> bytes:
        """The same after a failure, which is told by the dialect's error document.

        The error event has its fields flat, as published, and nested, as clients raise it.
        """
        error = envelope["error"]
        told = {name: error[name] for name in ("code", "message", "param")}
        self._tell("error", {**told, "error": error})
        failed = {"code": error["code"] or "server_error", "message": error["message"]}
        self._close(self._documents.at("failed", self._output.items, self._usage(), failed))
        return self._taken() + DONE

    def cancelled(self, usage: Usage) -> bytes:
        """The document of the response, stopped where it is; no event tells of it."""
        return msgspec.json.encode(self._documents.at("cancelled", self._output.items, usage))

    def _begin(self) -> None:
        if self._background:
            self._tell("response.created", {"response": self._documents.at("queued")})
            self._tell("response.queued", {"response": self._documents.at("queued")})
            self._keep(msgspec.json.encode(self._documents.at("in_progress")))
        else:
            self._tell("response.created", {"response": self._documents.at("in_progress")})
        self._tell("response.in_progress", {"response": self._documents.at("in_progress")})

    def _close(self, document: Mapping[str, Any]) -> None:
        self._tell(f"response.{document['status']}", {"response": document})
        self._keep(msgspec.json.encode(document))

    def _tell(self, name: str, fields: Mapping[str, Any]) -> None:
        event = {"type": name, "sequence_number": self._number, **fields}
        self._number += 1
        self._frames.append(b"event: %s\ndata: %s\n\n" % (name.encode(), sse.encode(event)))

    def _taken(self) -> bytes:
        taken = b"".join(self._frames)
        self._frames.clear()
        return taken
