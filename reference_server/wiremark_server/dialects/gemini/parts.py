"""Parts of contents: which kinds are taken from whom, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from wiremark_server.dialects import images
from wiremark_server.dialects.signature import Signatures
from wiremark_server.domain import problem

Part = Mapping[str, Any]

_IMAGES = {f"image/{kind}": kind for kind in ("png", "jpeg", "webp", "gif")}
_DATA = (
    *("text", "inlineData", "fileData", "functionCall", "functionResponse"),
    *("executableCode", "codeExecutionResult"),
)


@dataclass(frozen=True, slots=True)
class Function:
    """A call or a response. id: "" where the client gave none; text: arguments or result as JSON"""

    param: str
    id: str
    name: str
    text: str
    failed: bool = False


@dataclass(slots=True)
class Said:
    """What the parts of one content come to."""

    texts: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)  # JSON paths
    calls: list[Function] = field(default_factory=list)
    responses: list[Function] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def call_proof(name: str, arguments: Mapping[str, Any]) -> str:
    """What the signature of a call vouches for: numbers may change their spelling on the way, names not."""
    return f"{name}({','.join(sorted(arguments))})"


class PartReader:
    """Reads the parts of one request."""

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures

    def read(self, parts: Iterable[Part], param: str, taken: frozenset[str]) -> Said:
        """Raises ProblemError with the JSON path of a part that cannot be taken."""
        said = Said()
        for position, part in enumerate(parts):
            where = f"{param}.parts[{position}]"
            kinds = [kind for kind in _DATA if kind in part]
            if len(kinds) != 1:
                raise problem.invalid_request(
                    f"Invalid value for '{where}': a part has exactly one kind of data, such as 'text'.",
                    where,
                )
            take = _READERS.get(kinds[0])
            if take is None or kinds[0] not in taken:
                raise problem.invalid_request(
                    f"Unsupported value for '{where}': no '{kinds[0]}' is taken there.", f"{where}.{kinds[0]}"
                )
            if not part.get("thought"):  # what the model thought is not part of later prompts
                take(self, f"{where}.{kinds[0]}", part, said)
        return said

    # -- one method for each kind -----------------------------------------------------------------------

    def text(self, param: str, part: Part, said: Said) -> None:  # noqa: ARG002 - one signature
        said.texts.append(part["text"])

    def image(self, param: str, part: Part, said: Said) -> None:
        kind = _IMAGES.get(part["inlineData"]["mimeType"].lower())
        if kind is None:
            raise problem.invalid_request(
                f"Unsupported MIME type at '{param}': this server reads {', '.join(_IMAGES)}.",
                f"{param}.mimeType",
            )
        images.check_base64(kind, _standard(part["inlineData"]["data"]), f"{param}.data")
        said.images.append(param)

    def call(self, param: str, part: Part, said: Said) -> None:
        call = part["functionCall"]
        arguments = call.get("args") or {}
        signature = part.get("thoughtSignature")
        if signature and self._signatures.altered(call_proof(call["name"], arguments), _standard(signature)):
            raise problem.invalid_request(
                f"Thought signature is not valid at '{param}': a call goes back as it came, together "
                "with its signature.",
                param,
            )
        text = msgspec.json.encode(arguments).decode()
        said.calls.append(Function(param, call.get("id") or "", call["name"], text))

    def response(self, param: str, part: Part, said: Said) -> None:
        given = part["functionResponse"]
        text = msgspec.json.encode(given["response"]).decode()
        said.responses.append(
            Function(param, given.get("id") or "", given["name"], text, "error" in given["response"])
        )


_READERS: Mapping[str, Callable[[PartReader, str, Part, Said], None]] = {
    "text": PartReader.text,
    "inlineData": PartReader.image,
    "functionCall": PartReader.call,
    "functionResponse": PartReader.response,
}


def _standard(data: str) -> str:
    """Base64 in its standard alphabet, with its padding; proto3 JSON takes the other one, too."""
    text = data.translate(_ALPHABET).rstrip("=")
    return text + "=" * (-len(text) % 4)


_ALPHABET = str.maketrans("-_", "+/")
