"""Requests that are taken for others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from wiremark_server.faults.change import with_document
from wiremark_server.faults.edit import Ask, On, Question, Where, everywhere

_json = msgspec.json.Encoder().encode


def understood(
    operation: str, change: Callable[[dict[str, Any]], Any], where: Where = everywhere
) -> Question:
    """Requests that have a document are taken for another one; `change` edits a copy of it in place."""

    def apply(ask: Ask) -> Ask:
        document = msgspec.json.decode(_json(ask.document))
        change(document)
        return with_document(ask, document)

    return Question(On(operation, where=lambda ask: bool(ask.document) and where(ask)), apply)
