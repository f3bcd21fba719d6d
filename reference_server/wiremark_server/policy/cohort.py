"""Requests that are under way together take their steps together.

A processor finds the code of a step in its caches when the step was taken just before, for another request.
A request that goes through all steps at once finds none of them there. So it lets the others come as far as
it is at a few places on its way. With 64 connections that is a tenth of what a request costs the server; one
that is alone pays a turn of the event loop for each place. `benchmarks/server` has the numbers.
"""

from __future__ import annotations

import types
from collections.abc import Generator


@types.coroutine
def others() -> Generator[None]:
    """Return when everybody else who could go on has done so."""
    yield
