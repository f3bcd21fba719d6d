"""The requests that the suite makes: each once, judged by many checks.

`PROBES` is in dependency order: a probe stands after those it needs.
"""

from __future__ import annotations

from wiremark_conformance.probes import (
    billing,
    bodies,
    chat,
    completions,
    embeddings,
    errors,
    limits,
    models,
    openapi,
    parameters,
    parts,
    structured,
    tools,
)
from wiremark_conformance.probes.table import Probe, ProbeContext, ProbeTable

__all__ = ["PROBES", "Probe", "ProbeContext"]

PROBES = ProbeTable(
    (
        *models.TABLE,
        *chat.TABLE,
        *tools.TABLE,
        *parameters.TABLE,
        *structured.TABLE,
        *parts.TABLE,
        *completions.TABLE,
        *embeddings.TABLE,
        *errors.TABLE,
        *bodies.TABLE,
        *limits.TABLE,
        *openapi.TABLE,
        *billing.TABLE,
    )
)
