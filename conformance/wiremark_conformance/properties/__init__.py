"""Property checks: requests generated from the schemas, each failure shrunk to its shortest form.

Only `search` and `generate` need Hypothesis, which the extra `properties` brings; they are imported when
examples are asked for and not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wiremark_conformance.target import Target

Kind = Literal["valid", "invalid", "any"]
Document = dict[str, Any]

_CONTENTS = [{"role": "user", "parts": [{"text": "Say hello."}]}]
_HELLO = [{"role": "user", "content": "Say hello."}]


@dataclass(frozen=True, slots=True)
class Surface:
    """A route that takes JSON.

    schema:     of its requests
    base:       the shortest good request for a model
    headers:    sent with each request
    """

    name: str
    operation: str
    capability: str
    schema: str
    base: Callable[[str], Document]
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Property:
    """What is promised of a kind of request on a surface; `probe` is where the telling exchange is kept."""

    surface: Surface
    kind: Kind

    @property
    def probe(self) -> str:
        return f"properties.{self.surface.name}.{self.kind}"


def model_of(target: Target, surface: Surface) -> str:
    """The model that is asked: for vectors the first that makes them, else the one under test, or another."""
    if surface.name == "embeddings":
        return next((model.id for model in target.contract.models if not model.writes), target.model)
    return target.model_for(surface.name)


SURFACES = (
    Surface(
        "chat",
        "chat.create",
        "chat",
        "openai/chat.request",
        lambda model: {"model": model, "messages": _HELLO, "max_tokens": 16},
    ),
    Surface(
        "completions",
        "completions.create",
        "completions",
        "openai/completions.request",
        lambda model: {"model": model, "prompt": "Say hello.", "max_tokens": 16},
    ),
    Surface(
        "embeddings",
        "embeddings.create",
        "embeddings",
        "openai/embeddings.request",
        lambda model: {"model": model, "input": "hello"},
    ),
    Surface(
        "messages",
        "messages.create",
        "messages",
        "anthropic/messages.request",
        lambda model: {"model": model, "messages": _HELLO, "max_tokens": 16},
        (("anthropic-version", "2023-06-01"),),
    ),
    Surface(
        "responses",
        "responses.create",
        "responses",
        "openai/responses.request",
        lambda model: {"model": model, "input": "Say hello.", "max_output_tokens": 16, "store": False},
    ),
    Surface(
        "gemini",
        "gemini.generate",
        "gemini",
        "gemini/generate.request",
        lambda _: {"contents": _CONTENTS, "generationConfig": {"maxOutputTokens": 16}},
    ),
)
PROPERTIES: Mapping[str, Property] = {
    found.probe: found
    for surface in SURFACES
    for kind in ("valid", "invalid", "any")
    for found in [Property(surface, kind)]
}
