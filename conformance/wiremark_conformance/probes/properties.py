"""Where the telling exchanges of property checks are kept: they are not in the table of requests.

`properties.search` makes them when examples are asked for; judging then reads them like all others.
"""

from __future__ import annotations

from wiremark_conformance.outcome import NotPromised
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext
from wiremark_conformance.properties import PROPERTIES


def _not_asked(_: ProbeContext) -> Draft:
    raise NotPromised("no generated requests were asked for (--wiremark-examples)")


TABLE = tuple(
    Probe(name, _not_asked, capability=wanted.surface.capability) for name, wanted in PROPERTIES.items()
)
