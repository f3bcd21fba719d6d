"""The requests that the suite makes: each once, judged by many checks.

`PROBES` is in dependency order: a probe stands after those it needs.
"""

from __future__ import annotations

from wiremark_conformance.probes import billing, chat, errors, limits, models, tools
from wiremark_conformance.probes.table import Probe, ProbeContext, ProbeTable

__all__ = ["PROBES", "Probe", "ProbeContext", "why_not"]

PROBES = ProbeTable((*models.TABLE, *chat.TABLE, *tools.TABLE, *errors.TABLE, *limits.TABLE, *billing.TABLE))


def why_not(name: str, context: ProbeContext) -> str:
    """Why a probe was not made, as a sentence for a verdict."""
    return PROBES[name].obstacle(context) or f"the probe {name} was not made in this run"
