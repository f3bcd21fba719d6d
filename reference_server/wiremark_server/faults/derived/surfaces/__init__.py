"""Faults of a whole surface: an operation with its schemas is enough to derive them.

What must catch them is said by the surface as one pattern: any requirement of its own. Which of them
nobody outside can see, and why, stands in `unseen.yaml`.

surface.py   what a surface is
table.py     the surfaces
documents.py fields of answers, of events and of refusals
requests.py  parameters that are refused, or not looked at
streams.py   bytes between events, and the order of events
refusals.py  bad requests that are answered, and refusals in another form
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from wiremark_server.faults.derived.surfaces import documents, refusals, requests, streams
from wiremark_server.faults.derived.surfaces.surface import Unseen
from wiremark_server.faults.derived.surfaces.table import SURFACES
from wiremark_server.faults.fault import Fault


def faults() -> Iterator[Fault]:
    unseen = Unseen.load()
    for surface in SURFACES:
        for fault in chain.from_iterable(
            module.faults(surface) for module in (documents, requests, streams, refusals)
        ):
            if fault.name not in unseen:
                yield fault
