"""What the tables of Gemini share: its operations, its parts, how a fault of it is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wiremark_server.faults.change import Change, body
from wiremark_server.faults.edit import Ask, Body, Edit, Where, everywhere
from wiremark_server.faults.fault import Fault, Layer

CONTRACT = "gemini"
GENERATE, STREAM = "gemini.generate", "gemini.stream"
NEAR = ("gemini.*", "billing.gemini.*", "http.*")
PART = "/candidates/*/content/parts/*"


def fault(
    name: str, layer: Layer, text: str, *edits: Edit, catches: tuple[str, ...], allows: tuple[str, ...] = NEAR
) -> Fault:
    return Fault(f"gemini.{name}", layer, text, edits, catches, allows, contract=CONTRACT)


def answers(change: Change, where: Where = everywhere) -> Body:
    """Change whole answers."""
    return body(change, GENERATE, "answer", where)


def config(ask: Ask) -> Any:
    """The generationConfig of a request, empty when it has none."""
    found = ask.document.get("generationConfig")
    return found if isinstance(found, dict) else {}


def contents(document: Any) -> Iterator[Any]:
    """The content of every candidate that has one."""
    for candidate in document.get("candidates", ()):
        if isinstance(candidate.get("content"), dict):
            yield candidate["content"]
