"""Legal but awkward behaviour, in the spirit of Pebble: on all of it the suite must stay silent.

The order is that in which they take hold: what is said, then how it is written, then how it is cut up.
"""

from __future__ import annotations

from wiremark_server.faults.fault import Variant
from wiremark_server.faults.variants import answers, endpoints, gemini, heads, responses, streams, tools, wire

VARIANTS: tuple[Variant, ...] = (
    *answers.TABLE,
    *streams.TABLE,
    *tools.TABLE,
    *endpoints.TABLE,
    *heads.TABLE,
    *responses.TABLE,
    *gemini.TABLE,
    *wire.TABLE,
)
