"""Looks for a request that breaks a property, and shortens it as long as it still does."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky

from wiremark_conformance.exchange import Exchange, Request
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, path
from wiremark_conformance.properties import Property, model_of
from wiremark_conformance.properties.generate import requests
from wiremark_conformance.target import Target

_SHRINKING = 300  # requests at most that are spent on making a failure shorter
_BUSY = frozenset({429, 502, 503, 504})

Send = Callable[[str, Request], Exchange]


class _BrokenError(Exception):
    """An example breaks the property; Hypothesis tells examples apart by what they raise."""


def search(wanted: Property, target: Target, send: Send, examples: int, start: int) -> Exchange | None:
    """The exchange of the shortest failing example found, else that of the last example.

    examples: how many are tried; start: the seed. None when the contract offers no such route.
    """
    last: Exchange | None = None
    failing: Exchange | None = None
    left = examples + _SHRINKING

    def attempt(body: bytes) -> None:
        nonlocal last, failing, left
        left -= 1
        if left < 0:
            return  # the time for shortening is over; what was found last stands
        request = _request(wanted, target, body)
        if request is None:
            return
        last = send(wanted.probe, request)
        if breaks(wanted, last):
            failing = last
            raise _BrokenError

    check = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )(seed(start)(given(requests(wanted, target))(attempt)))
    try:
        check()
    except (_BrokenError, Flaky):  # an endpoint that fails once and not again has failed all the same
        return failing
    return last


def breaks(wanted: Property, exchange: Exchange) -> bool:
    """Whether the answer is worth shortening the request for; judging is done by the checks."""
    status, failure = exchange.status, exchange.failure
    if status in _BUSY:
        return False
    if status is None or failure is not None:
        return failure is not None and failure.kind in {"reset", "truncated", "protocol", "timeout"}
    if status >= 500:
        return status != 501
    if wanted.kind == "valid":
        return status >= 400
    return wanted.kind == "invalid" and status < 400


def _request(wanted: Property, target: Target, body: bytes) -> Request | None:
    def draft(context: ProbeContext) -> Draft:
        surface = wanted.surface
        where = path(context, surface.operation, model=model_of(target, surface))
        return Draft("POST", where, body, headers=surface.headers)

    probe = Probe(wanted.probe, draft, capability=wanted.surface.capability)
    return probe.build(ProbeContext(target, {}))
