"""The books: what exactly is a finding, what cannot be told."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.exchange import TransportFailure

from tests.conformance.judging.spoiling import Change, answered_as, body, header, status, together


def _row(probe: str, **values: Any) -> Change:
    return lambda w: w.row(probe).update(values)


def _no_row(probe: str) -> Change:
    return lambda w: w.rows().remove(w.row(probe))


def _unanswered(probe: str) -> Change:
    failure = TransportFailure("reset", "the connection was reset")
    return lambda w: w[probe].__dict__.update(status=None, failure=failure)


_LATER = body("billing.usage", has_more=True)
_REFUSED = "errors.unknown-model"

TABLE = [
    ("billing.plain.recorded", body("billing.usage", data={}), "untestable"),
    ("billing.plain.recorded", lambda w: w.rows().append("a row"), "untestable"),
    ("billing.plain.recorded", together(_no_row("chat.plain"), _LATER), "untestable"),
    ("billing.plain.recorded", together(_row("chat.plain", state="held"), _LATER), "finding"),
    # an offer says who answered, and only its own price is due
    ("billing.plain.charge", body("chat.plain", provider="gone"), "finding"),
    (
        "billing.plain.charge",
        together(body("chat.plain", provider="gone"), _row("chat.plain", amount_microusd=3)),
        "pass",
    ),
    ("billing.plain.charge", body("chat.plain", provider="nobody"), "pass"),
    ("billing.plain.charge", _row("chat.plain", cached=True, amount_microusd=0), "pass"),
    ("billing.plain.charge", _row("chat.plain", cached=True), "finding"),
    # what is free: refusals that were asked for, by their status
    ("billing.refused-free", _unanswered("errors.temperature"), "pass"),
    ("billing.refused-free", together(status(_REFUSED, 400), _row(_REFUSED, amount_microusd=1)), "finding"),
    (
        "billing.refused-free",
        together(
            answered_as(_REFUSED, "chat.plain"),
            header(_REFUSED, "x-request-id", f"req-{_REFUSED}"),
            _row(_REFUSED, amount_microusd=1),
        ),
        "pass",
    ),
    (
        "billing.refused-free",
        together(status("chat.plain", 500), _row("chat.plain", amount_microusd=1)),
        "pass",
    ),
    ("billing.cached-free", _no_row("cache.repeat"), "pass"),
    # what the cache answered is told by the row or by the header
    ("billing.cached-free", _row("cache.repeat", cached=False), "pass"),
    ("billing.cached-free", _row("cache.repeat", cached=False, amount_microusd=5), "finding"),
    (
        "billing.cached-free",
        together(_row("cache.repeat", amount_microusd=5), header("cache.repeat", "x-cache", "miss")),
        "finding",
    ),
    (
        "billing.cached-free",
        together(
            _row("cache.repeat", cached=False, amount_microusd=5), header("cache.repeat", "x-cache", "miss")
        ),
        "untestable",
    ),
]
