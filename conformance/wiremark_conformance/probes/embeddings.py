"""Probes of embeddings: short texts, each asked for in the form that is in question."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.outcome import NotPromised
from wiremark_conformance.probes.models import UNKNOWN_MODEL
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, path

TEXT = "The sea is calm today."
BATCH = (TEXT, "Invoice 4711 is overdue.", TEXT)
DIMENSIONS = 8
LARGEST_BATCH = 2048  # inputs, as the reference documents
# Token ids that every vocabulary of some size has; what they stand for does not matter.
TOKENS = [791, 9581, 374, 19858]


def embed(context: ProbeContext, body: dict[str, Any]) -> Draft:
    """A request with the contract's model for embeddings, else the model under test."""
    listed = (model.id for model in context.target.contract.models if not model.writes)
    model = next(listed, context.target.model)
    return Draft("POST", path(context, "embeddings.create"), {"model": model, **body})


def _dimensions(context: ProbeContext, length: int) -> Draft:
    return embed(context, {"input": TEXT, "encoding_format": "float", "dimensions": length})


def _too_many(context: ProbeContext) -> Draft:
    """Dear where it is not refused, so only an endpoint that claims embeddings is asked."""
    if not context.target.claims("embeddings"):
        raise NotPromised("the contract does not claim 'embeddings', only allows them")
    return embed(context, {"input": ["a"] * (LARGEST_BATCH + 1)})


def _body(**body: Any) -> Any:
    return lambda context: embed(context, body)


TABLE = (
    Probe("embeddings.plain", _body(input=TEXT, encoding_format="float"), capability="embeddings"),
    Probe("embeddings.default", _body(input=TEXT), capability="embeddings"),
    Probe("embeddings.batch", _body(input=list(BATCH), encoding_format="float"), capability="embeddings"),
    Probe("embeddings.base64", _body(input=TEXT, encoding_format="base64"), capability="embeddings.base64"),
    Probe("embeddings.dimensions", lambda c: _dimensions(c, DIMENSIONS), capability="embeddings.dimensions"),
    Probe("embeddings.tokens", _body(input=TOKENS, encoding_format="float"), capability="embeddings.tokens"),
    Probe(
        "embeddings.tokens.batch",
        _body(input=[TOKENS, TOKENS[:2]], encoding_format="float"),
        capability="embeddings.tokens",
    ),
    Probe("embeddings.empty-text", _body(input=""), capability="embeddings"),
    Probe("embeddings.empty-list", _body(input=[]), capability="embeddings"),
    Probe("embeddings.too-many", _too_many, capability="embeddings"),
    Probe("embeddings.unknown-format", _body(input=TEXT, encoding_format="hex"), capability="embeddings"),
    Probe("embeddings.unknown-model", _body(model=UNKNOWN_MODEL, input=TEXT), capability="embeddings"),
)
