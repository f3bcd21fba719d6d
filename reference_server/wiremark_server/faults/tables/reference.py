"""What some contracts promise of chat and models: seeds, reasoning, remote images, small contexts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wiremark_server.faults.asked import understood
from wiremark_server.faults.change import CHAT, body, has, messages, octets, refuse
from wiremark_server.faults.edit import Ask, On
from wiremark_server.faults.fault import Fault, named

_CONTRACT = "openai"
_chat = named("chat", _CONTRACT)
_thinking = named("chat.reasoning", "aimlapi")
_errors = named("errors", _CONTRACT)
_models = named("models", _CONTRACT)
_http = named("http", _CONTRACT)
_LARGE, _LIMIT = 1024 * 1024, 20 * 1024 * 1024  # bytes: of a picture, and of what the contract allows
_PAGES = 40_000  # characters
_PICTURE = "data:image/png;base64,iVBORw0KGgo="


def _images(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What stands for an image in any message."""
    for message in document.get("messages", ()):
        parts = message.get("content") if isinstance(message, dict) else None
        for part in parts if isinstance(parts, list) else ():
            image = part.get("image_url") if isinstance(part, dict) else None
            if isinstance(image, dict):
                yield image


def _elsewhere(ask: Ask) -> bool:
    return any(not str(image.get("url")).startswith("data:") for image in _images(ask.document))


def _fetched(document: dict[str, Any]) -> None:
    for image in _images(document):
        image["url"] = _PICTURE


def _thinks(ask: Ask) -> bool:
    """Requests that bring the reasoning of an earlier answer."""
    return any(isinstance(message, dict) and "reasoning_content" in message for message in messages(ask))


def _is_long(ask: Ask) -> bool:
    """A text of many pages, and no more than a body may hold."""
    texts = [message.get("content") for message in messages(ask) if isinstance(message, dict)]
    return len(ask.body) < _LARGE and any(isinstance(text, str) and len(text) > _PAGES for text in texts)


def _shortened(document: dict[str, Any]) -> None:
    for message in document["messages"]:
        message["content"] = message["content"][-400:]


def _own_words(document: Any) -> Any:
    """What is said is never said again."""
    for choice in document["choices"]:
        choice["message"]["content"] += document["id"]
    return document


def _last_part(document: Any) -> Any:
    return {**document, "id": document["id"].rpartition("/")[2]}


TABLE: tuple[Fault, ...] = (
    _chat(
        "seed.forgotten",
        "semantics",
        "Answers to one question with one seed differ.",
        body(_own_words, where=has("seed")),
        catches=("chat.seed.repeats", "chat.seed.stream"),
        bug="seed-ignored",
    ),
    _thinking(
        "refused-back",
        "semantics",
        "A message with its reasoning is refused as history.",
        refuse(On(CHAT, where=_thinks)),
        catches=("chat.reasoning.echo-back",),
        allows=("chat.echo-back",),
    ),
    _thinking(
        "switches-refused",
        "semantics",
        "Switches of reasoning that other servers have are refused.",
        refuse(On(CHAT, where=lambda ask: "chat_template_kwargs" in ask.document)),
        catches=("chat.reasoning.switches",),
    ),
    _chat(
        "stream.crlf",
        "wire",
        "Lines of a stream end with CR LF.",
        octets(lambda data: (data.replace(b"\n", b"\r\n"),), On(CHAT, "stream")),
        catches=("chat.stream.lf",),
        bug="sse-crlf",
    ),
    _chat(
        "vision.small-only",
        "semantics",
        "A picture of a megabyte is refused, although the contract allows it.",
        refuse(On(CHAT, where=lambda ask: _LARGE < len(ask.body) < _LIMIT), 413, "Too large."),
        catches=("chat.vision.large",),
    ),
    _chat(
        "vision.fetches-anything",
        "policy",
        "Images are fetched from any address, within the server's own network too.",
        understood(CHAT, _fetched, _elsewhere),
        catches=("chat.vision.internal-refused",),
    ),
    _errors(
        "context-overflow.cut",
        "semantics",
        "Of a prompt that is too long the beginning is dropped in silence.",
        understood(CHAT, _shortened, _is_long),
        catches=("errors.context-overflow",),
        bug="prompt-silently-truncated",
    ),
    _http(
        "name-twice",
        "shape",
        "A name stands twice in an answer.",
        octets(lambda data: (data.replace(b'"object":', b'"object":null,"object":', 1),), On(CHAT, "answer")),
        catches=("http.unique-names",),
    ),
    _http(
        "query-refused",
        "semantics",
        "Query parameters that nobody knows are refused.",
        refuse(On("models.list", where=lambda ask: "beta=" in ask.query)),
        catches=("http.unknown-query",),
    ),
    _models(
        "get.last-part",
        "semantics",
        "Of an id with a slash the last part is given back.",
        body(_last_part, "models.get"),
        catches=("models.get.slash",),
    ),
)
