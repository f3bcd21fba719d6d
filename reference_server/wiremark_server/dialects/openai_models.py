"""The models routes: catalogue entries with the contract's extension fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from wiremark_schemas.contracts import Contract, Model

from wiremark_server.routing.choice import Choice
from wiremark_server.routing.router import Router
from wiremark_server.routing.workers import Workers

_MICRO = 1_000_000


class Catalogue:
    """A contract's models as they are at the moment of asking."""

    def __init__(self, contract: Contract, workers: Workers, router: Router) -> None:
        self._fields = contract.catalogue
        self._credit = contract.credit or 1
        self._workers = workers
        self._router = router

    def entry(self, model: Model) -> Mapping[str, Any]:
        """One model object. Extension fields never hide the four standard ones."""
        return {
            **model.extensions,
            **{name: _VALUES[told](self, model) for name, told in self._fields.items()},
            "id": model.id,
            "object": "model",
            "created": model.created,
            "owned_by": model.owned_by,
        }

    def list(self, models: Iterable[Model]) -> bytes:
        return msgspec.json.encode({"object": "list", "data": [self.entry(model) for model in models]})

    def one(self, model: Model) -> bytes:
        return msgspec.json.encode(self.entry(model))

    def available(self, model: Model) -> bool:
        choices = self._router.offers(model)
        return self._workers.present(model.id) and (not choices or choices[0].available)

    def offers(self, model: Model) -> Sequence[Mapping[str, Any]]:
        """Every provider's price and how it does, the one who would be asked first."""
        return tuple(offer_document(choice) for choice in self._router.offers(model))

    def best(self, model: Model, field: str) -> Any:
        """Of the provider that would be asked now."""
        choices = self._router.offers(model)
        return offer_document(choices[0])[field] if choices else None

    def credits(self, model: Model) -> float:
        """The flat price; a whole number of credits is told as one."""
        whole, rest = divmod(model.price.per_request, self._credit)
        return whole if not rest else model.price.per_request / self._credit


def offer_document(choice: Choice) -> Mapping[str, Any]:
    price = choice.offer.price
    return {
        "provider": choice.offer.provider,
        "available": choice.available,
        "latency_ms": choice.latency_ms,
        "input_usd_per_million": price.input_per_million / _MICRO,
        "output_usd_per_million": price.output_per_million / _MICRO,
    }


def usd(microusd: int) -> str:
    """Dollars as text, exact, with at least two decimals: `0.15`, `0.000001`."""
    whole, micro = divmod(microusd, _MICRO)
    decimals = f"{micro:06}".rstrip("0").ljust(2, "0")
    return f"{whole}.{decimals}"


_VALUES: Mapping[str, Callable[[Catalogue, Model], Any]] = {
    "available": Catalogue.available,
    "credits_per_request": Catalogue.credits,
    "context_tokens": lambda _, model: model.context_tokens,
    "max_output_tokens": lambda _, model: model.max_output_tokens,
    "type": lambda _, model: "vision" if "vision" in model.capabilities else "llm",
    "provider": lambda catalogue, model: catalogue.best(model, "provider"),
    "latency_ms": lambda catalogue, model: catalogue.best(model, "latency_ms"),
    "input_usd_per_million": lambda catalogue, model: catalogue.best(model, "input_usd_per_million"),
    "output_usd_per_million": lambda catalogue, model: catalogue.best(model, "output_usd_per_million"),
    "offers": Catalogue.offers,
    "usd_per_request": lambda _, model: usd(model.price.per_request),
}
"""What a contract's `catalogue` fields can tell."""
