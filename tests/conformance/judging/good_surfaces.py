"""What an endpoint with several formats answers to the probes of them all."""

from __future__ import annotations

from functools import cache
from typing import Any

from wiremark_conformance.probes.surfaces import PATHS, PREFIXES, SURFACES
from wiremark_schemas import contracts

_ANSWERS: dict[str, Any] = {
    "chat": {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}}]},
    "responses": {"output": [{"type": "message"}]},
    "messages": {"content": [{"type": "text", "text": "Hello."}]},
    "gemini": {"candidates": [{"content": {"parts": [{"text": "Hello."}]}}]},
}
_REFUSAL = {"error": {"message": "The model is not served in this format.", "type": "invalid_request_error"}}


@cache
def _models() -> tuple[contracts.Model, ...]:
    return contracts.load("banana2").models


def is_ours(probe: str) -> bool:
    return probe.startswith("surface.")


def answers() -> dict[str, tuple[int, Any, list[Any] | None]]:
    """Status, body and events by probe."""
    models = _models()
    found: dict[str, tuple[int, Any, list[Any] | None]] = {}
    for form in SURFACES:
        for number in range(1, PATHS + 1):
            found[f"surface.{form}.whole.{number}"] = (200, dict(_ANSWERS[form]), None)
            found[f"surface.{form}.stream.{number}"] = (200, None, [_ANSWERS[form], _ANSWERS[form]])
        found[f"surface.{form}.key"] = (200, dict(_ANSWERS[form]), None)
        found[f"surface.{form}.wrong"] = (400, dict(_REFUSAL), None)
        listed = [{"id": m.id, "object": "model"} for m in models if m.speaks(form)]
        found[f"surface.{form}.list"] = (200, {"object": "list", "data": listed}, None)
    for form, prefixes in PREFIXES.items():
        for number in range(1, len(prefixes) + 1):
            found[f"surface.{form}.prefix.{number}"] = (200, dict(_ANSWERS[form]), None)
    found["surface.messages.auxiliary"] = (200, dict(_ANSWERS["chat"]), None)
    found["surface.gemini.stream.1"] = (200, [_ANSWERS["gemini"]], None)
    found["surface.messages.no-budget"] = (400, dict(_REFUSAL), None)
    return found
