"""Faults that nobody writes one by one: they follow from the schemas, the order of events and the contract.

What must catch them follows from small tables of rules, first match first. Where a rule gives a sentence
instead of requirements, nobody outside can see the fault, and it is left out.

mutation.py  what can be wrong with a field
documents.py the fields of answers, refusals and lists
chunks.py    the fields of streamed chunks
order.py     the order of a stream's events
surfaces/    everything about operations that nobody wrote faults for
promises.py  situations answered otherwise than the contract promises, and by proxies
wrapping.py  whole answers that are JSON and no object
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from wiremark_server.faults.derived import chunks, documents, order, promises, surfaces, wrapping
from wiremark_server.faults.fault import Fault


def faults() -> Iterator[Fault]:
    return chain(
        documents.faults(),
        chunks.faults(),
        order.faults(),
        promises.faults(),
        wrapping.faults(),
        surfaces.faults(),
    )
