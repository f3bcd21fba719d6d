"""The models routes: catalogue entries with the contract's extension fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from wiremark_schemas.contracts import Contract, Model

from wiremark_server.routing.workers import Workers

_MICRO = 1_000_000


class Catalogue:
    """A contract's models as they are at the moment of asking."""

    def __init__(self, contract: Contract, workers: Workers) -> None:
        self._fields = contract.catalogue
        self._credit = contract.credit or 1
        self._workers = workers

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
        return self._workers.present(model.id)

    def credits(self, model: Model) -> float:
        """The flat price; a whole number of credits is told as one."""
        whole, rest = divmod(model.price.per_request, self._credit)
        return whole if not rest else model.price.per_request / self._credit


def usd(microusd: int) -> str:
    """Dollars as text, exact, with at least two decimals: `0.15`, `0.000001`."""
    whole, micro = divmod(microusd, _MICRO)
    decimals = f"{micro:06}".rstrip("0").ljust(2, "0")
    return f"{whole}.{decimals}"


_VALUES: Mapping[str, Callable[[Catalogue, Model], Any]] = {
    "available": Catalogue.available,
    "credits_per_request": Catalogue.credits,
    "usd_per_request": lambda _, model: usd(model.price.per_request),
}
"""What a contract's `catalogue` fields can tell."""
