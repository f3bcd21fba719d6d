"""Content blocks of a messages request: which kinds are taken where, and what they come to."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from wiremark_server.dialects import images
from wiremark_server.dialects.anthropic_messages.version import OLDEST, Version
from wiremark_server.dialects.signature import Signatures
from wiremark_server.domain import problem
from wiremark_server.domain.generation import ToolCall

Block = Mapping[str, Any]
Placed = tuple[str, Block]
"""A block and its JSON path."""
Place = Literal["user", "assistant", "system", "result"]

_TOOL_ID = re.compile(r"[A-Za-z0-9_-]+")
_IMAGE_TYPES = {f"image/{kind}": kind for kind in ("png", "jpeg", "webp", "gif")}


def placed(content: str | Sequence[Block] | None, param: str) -> list[Placed]:
    """The blocks of a content with their paths; a text is one block."""
    if isinstance(content, str):
        return [(param, {"type": "text", "text": content})]
    return [(f"{param}[{position}]", block) for position, block in enumerate(content or ())]


@dataclass(slots=True)
class Said:
    """What the blocks of one message, or of one tool result, come to."""

    texts: list[str] = field(default_factory=list)
    images: int = 0
    calls: list[ToolCall] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)


class BlockReader:
    """Reads the blocks of one request. `first_image` is the JSON path of the first image so far."""

    def __init__(self, version: Version, signatures: Signatures) -> None:
        self.first_image: str | None = None
        self._version = version
        self._signatures = signatures

    def read(self, blocks: Iterable[Placed], place: Place) -> Said:
        """Raises ProblemError with the JSON path of a block that cannot be taken in this place."""
        said = Said()
        for param, block in blocks:
            take = _TAKEN[place].get(block["type"])
            if take is None:
                raise problem.invalid_request(
                    f"Unsupported content at '{param}': no {block['type']!r} blocks are taken there.",
                    f"{param}.type",
                )
            if place == "user":
                self._check_citations(param, block)
            take(self, param, block, said)
        return said

    def _check_citations(self, param: str, block: Block) -> None:
        if self._version != OLDEST and block["type"] == "text" and block.get("citations"):
            raise problem.invalid_request(
                f"Unsupported content at '{param}.citations': the text of a user has none in the version "
                f"{self._version}.",
                f"{param}.citations",
            )

    # -- one method for each kind -----------------------------------------------------------------------

    def text(self, param: str, block: Block, said: Said) -> None:  # noqa: ARG002 - one signature
        said.texts.append(block["text"])

    def image(self, param: str, block: Block, said: Said) -> None:
        source, where = block["source"], f"{param}.source"
        if source["type"] == "base64" and source["media_type"] in _IMAGE_TYPES:
            images.check_base64(_IMAGE_TYPES[source["media_type"]], source["data"], f"{where}.data")
        elif source["type"] == "url":
            images.check(source["url"], f"{where}.url")
        else:
            raise problem.invalid_request(
                f"Unsupported value for '{where}': this server reads images of the type base64 "
                f"({', '.join(_IMAGE_TYPES)}).",
                where,
            )
        said.images += 1
        self.first_image = self.first_image or param

    def document(self, param: str, block: Block, said: Said) -> None:
        source = block["source"]
        if source["type"] == "text":
            said.texts.append(source["data"])
        elif source["type"] == "content":
            inner = self.read(placed(source["content"], f"{param}.source.content"), "result")
            said.texts += inner.texts
            said.images += inner.images
        else:
            raise problem.invalid_request(
                f"Unsupported value for '{param}.source': this server reads documents of the types text and "
                "content.",
                f"{param}.source",
            )

    def document_of_assistant(self, param: str, block: Block, said: Said) -> None:
        if self._version != OLDEST:
            raise problem.invalid_request(
                f"Unsupported content at '{param}': a message of the assistant has no document blocks in the "
                f"version {self._version}.",
                f"{param}.type",
            )
        self.document(param, block, said)

    def thinking(self, param: str, block: Block, said: Said) -> None:  # noqa: ARG002 - one signature
        """Thinking is not part of the prompt of later turns; it only has to be what was sent."""
        # Thinking that was not shown comes back empty, with the signature of what was not shown.
        signature = block.get("signature") or ""
        if block["thinking"] and self._signatures.altered(block["thinking"], signature):
            raise problem.invalid_request(
                f"Invalid 'signature' at '{param}': thinking blocks are sent back as they came.",
                f"{param}.signature",
            )

    def redacted_thinking(self, param: str, block: Block, said: Said) -> None:
        """Opaque, and accepted."""

    def tool_use(self, param: str, block: Block, said: Said) -> None:
        where, call_id = f"{param}.id", block["id"]
        if not _TOOL_ID.fullmatch(call_id):
            raise problem.invalid_request(
                f"Invalid value for '{where}': expected text matching ^[a-zA-Z0-9_-]+$.", where
            )
        if any(call.id == call_id for call in said.calls):
            raise problem.invalid_request(f"Invalid value for '{where}': {call_id!r} is used twice.", where)
        said.calls.append(ToolCall(call_id, block["name"], msgspec.json.encode(block["input"]).decode()))


_Take = Callable[[BlockReader, str, Block, Said], None]
_OF_OTHERS: Mapping[str, _Take] = {
    "text": BlockReader.text,
    "image": BlockReader.image,
    "document": BlockReader.document,
}
_TAKEN: Mapping[Place, Mapping[str, _Take]] = {
    "user": _OF_OTHERS,
    "result": _OF_OTHERS,
    "system": {"text": BlockReader.text},
    "assistant": {
        "text": BlockReader.text,
        "thinking": BlockReader.thinking,
        "redacted_thinking": BlockReader.redacted_thinking,
        "tool_use": BlockReader.tool_use,
        "document": BlockReader.document_of_assistant,
    },
}
