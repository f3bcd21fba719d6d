"""Who stands behind the providers of a contract: real servers by URL, simulated ones for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wiremark_schemas.contracts import Contract

from wiremark_server.engine.protocol import Engine
from wiremark_server.media.guard import Guard
from wiremark_server.routing.upstream import Simulated, Upstream

_IMAGE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Providers:
    """remotes: real servers by the name of the provider that they stand behind
    distant: simulated providers are as far away as their offers say, and images take a while
    guard:   of the addresses that users may send the server to
    """

    remotes: Mapping[str, Upstream] = field(default_factory=dict)
    distant: bool = False
    guard: Guard = field(default_factory=Guard)

    @property
    def image_seconds(self) -> float:
        """What the simulated studio takes for an image."""
        return _IMAGE_SECONDS if self.distant else 0.0

    def upstreams(self, contract: Contract, engine: Engine) -> dict[str, Upstream]:
        """One for every provider of the contract."""
        return {
            offer.provider: self._upstream(offer.provider, offer.latency_ms, engine)
            for model in contract.models
            for offer in model.offers
        }

    def _upstream(self, provider: str, latency_ms: int, engine: Engine) -> Upstream:
        remote = self.remotes.get(provider)
        if remote is not None:
            return remote
        return Simulated(engine, latency_ms / 1000 if self.distant else 0.0)

    async def close(self) -> None:
        """Let go of the real servers."""
        for remote in self.remotes.values():
            await remote.close()


SIMULATED = Providers()
