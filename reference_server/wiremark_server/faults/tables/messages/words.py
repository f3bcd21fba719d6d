"""What the tables of messages share: their contract, questions about requests, refusals in their form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from wiremark_server.edge.handler import new_request_id
from wiremark_server.faults.edit import (
    Ask,
    Edit,
    Head,
    Headers,
    Instead,
    On,
    Reply,
    Where,
)
from wiremark_server.faults.fault import Fault, Layer

MESSAGES = "messages.create"
CONTRACT = "anthropic"
REFUSALS = On(None, "refusal")
NEAR = ("messages.*", "contract.messages.*", "billing.messages.*", "formats.*")
_json = msgspec.json.Encoder().encode


def fault(
    name: str, layer: Layer, text: str, *edits: Edit, catches: tuple[str, ...], allows: tuple[str, ...] = ()
) -> Fault:
    return Fault(f"messages.{name}", layer, text, edits, catches, allows, contract=CONTRACT)


def blocks(ask: Ask) -> list[Any]:
    """Every block of every message."""
    found = ask.document.get("messages")
    messages = [m for m in found if isinstance(m, dict)] if isinstance(found, list) else []
    contents = [m.get("content") for m in messages]
    return [b for content in contents if isinstance(content, list) for b in content if isinstance(b, dict)]


def with_block(*kinds: str) -> Where:
    return lambda ask: any(block.get("type") in kinds for block in blocks(ask))


def last_role(ask: Ask) -> Any:
    found = ask.document.get("messages")
    return (
        found[-1].get("role") if isinstance(found, list) and found and isinstance(found[-1], dict) else None
    )


def answer(on: On, status_: int, document: Callable[[str], Any]) -> Instead:
    """A fixed answer with a request id; `document` is made from the id."""

    def reply(_: Ask) -> Reply:
        request_id = new_request_id()
        headers = [(b"request-id", request_id.encode()), (b"content-type", b"application/json")]
        return Reply(status_, headers, _json(document(request_id)))

    return Instead(on, reply)


def refusal(kind: str) -> Callable[[str], Any]:
    error = {"type": kind, "message": "This is not supported."}
    return lambda request_id: {"type": "error", "error": error, "request_id": request_id}


def of_status(found: int, edit: Callable[[int, Headers], int]) -> Head:
    return Head(REFUSALS, lambda code, headers: edit(code, headers) if code == found else code)


def becomes(value: int) -> Callable[[int, Headers], int]:
    return lambda _found, _headers: value
