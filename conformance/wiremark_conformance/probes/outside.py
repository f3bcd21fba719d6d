"""Probes that are made in other ways than by one request each: they have no request in the table.

Generated requests and official SDKs leave their telling exchange under these names when they are asked
for; judging reads it like all others.
"""

from __future__ import annotations

from typing import Any

from wiremark_conformance.outcome import NotPromised
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext
from wiremark_conformance.properties import PROPERTIES
from wiremark_conformance.sdk import SCENARIOS


def _not_asked(what: str, option: str) -> Any:
    def draft(_: ProbeContext) -> Draft:
        raise NotPromised(f"no {what} were asked for ({option})")

    return draft


_generated = _not_asked("generated requests", "--wiremark-examples")
_official = _not_asked("official SDKs that are installed here", "--wiremark-sdk")

TABLE = (
    *(Probe(name, _generated, capability=wanted.surface.capability) for name, wanted in PROPERTIES.items()),
    *(Probe(name, _official, capability=scenario.capability) for name, scenario in SCENARIOS.items()),
)
