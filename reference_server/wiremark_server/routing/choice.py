"""A provider that may answer."""

from __future__ import annotations

from dataclasses import dataclass

from wiremark_schemas.contracts import Offer

from wiremark_server.routing.health import Health
from wiremark_server.routing.upstream import Upstream


@dataclass(frozen=True, slots=True)
class Choice:
    """An offer with the provider behind it."""

    offer: Offer
    health: Health
    upstream: Upstream

    @property
    def available(self) -> bool:
        return self.health.state != "down"

    @property
    def latency_ms(self) -> float:
        """Measured, else as expected."""
        measured = self.health.latency_ms
        return self.offer.latency_ms if measured is None else measured
