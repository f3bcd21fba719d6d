"""What an answer tells beyond the reference, in the fields that its contract names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wiremark_schemas.contracts import Contract

from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised


def answers(view: View) -> tuple[Mapping[str, Any], ...]:
    """The whole answer, or every chunk of a stream."""
    return view.chunks if view.is_stream else (view.object,)


def field_of(fields: Mapping[str, str], told: str) -> str:
    """The name of the field that tells it. Raises NotPromised."""
    for name, what in fields.items():
        if what == told:
            return name
    raise NotPromised(f"the contract promises no field that tells {told!r}")


def provider(view: View) -> Any:
    """Who answered, as the answer says; None when the contract promises no such field."""
    fields = view.target.contract.answer.fields
    if "provider" not in fields.values():
        return None
    name = field_of(fields, "provider")
    return next((answer.get(name) for answer in answers(view)), None)


def offers(entries: Iterator[Mapping[str, Any]], contract: Contract) -> dict[str, list[Mapping[str, Any]]]:
    """What the model list tells of every provider, by model. Raises NotPromised."""
    name = field_of(contract.catalogue, "offers")
    found: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        listed = entry.get(name)
        if isinstance(listed, list):
            found[str(entry.get("id"))] = [offer for offer in listed if isinstance(offer, dict)]
    return found
