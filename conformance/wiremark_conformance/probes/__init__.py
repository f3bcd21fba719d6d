"""The requests that the suite makes: each once, judged by many checks.

`PROBES` is in dependency order: a probe stands after those it needs.
"""

from __future__ import annotations

from wiremark_conformance.probes import (
    billing,
    bodies,
    chat,
    clients,
    completions,
    custom_tools,
    embeddings,
    errors,
    gemini,
    gemini_endpoint,
    gemini_functions,
    idempotency,
    limits,
    media,
    messages,
    messages_endpoint,
    messages_thinking,
    messages_tools,
    models,
    openapi,
    outside,
    parameters,
    parts,
    responses,
    responses_state,
    responses_tools,
    reuse,
    routing,
    structured,
    surfaces,
    tools,
)
from wiremark_conformance.probes.table import Probe, ProbeContext, ProbeTable

__all__ = ["PROBES", "Probe", "ProbeContext"]

_TABLES = (
    models.TABLE,
    chat.TABLE,
    tools.TABLE,
    parameters.TABLE,
    structured.TABLE,
    custom_tools.TABLE,
    parts.TABLE,
    completions.TABLE,
    embeddings.TABLE,
    errors.TABLE,
    bodies.TABLE,
    limits.TABLE,
    idempotency.TABLE,
    messages.TABLE,
    messages_tools.TABLE,
    messages_thinking.TABLE,
    messages_endpoint.TABLE,
    responses.TABLE,
    responses_tools.TABLE,
    responses_state.TABLE,
    gemini.TABLE,
    gemini_functions.TABLE,
    gemini_endpoint.TABLE,
    openapi.TABLE,
    outside.TABLE,
    routing.TABLE,
    reuse.TABLE,
    clients.TABLE,
    surfaces.TABLE,
    media.TABLE,
    billing.TABLE,  # last: the books are read when everything is in them
)
PROBES = ProbeTable(tuple(probe for table in _TABLES for probe in table))
