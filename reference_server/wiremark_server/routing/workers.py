"""Which models have a worker at the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from wiremark_schemas.contracts import Model


class Workers:
    """Presence of workers by model, as heartbeats would tell it; begins with what the contract says."""

    def __init__(self, models: Iterable[Model], staffed: Callable[[str], bool] = lambda _: True) -> None:
        """staffed: whether the engine has anybody to answer for a model that no provider offers"""
        known = list(models)
        self._present = {model.id: model.available for model in known}
        self._offered = {model.id for model in known if model.offers}
        self._staffed = staffed

    def present(self, model_id: str) -> bool:
        """Whether a request to the model would be served. Raises KeyError for no such model."""
        return self._present[model_id] and (model_id in self._offered or self._staffed(model_id))

    def set(self, model_id: str, *, present: bool) -> None:
        """A model's last worker leaves, or its first one comes. Raises KeyError for no such model."""
        if model_id not in self._present:
            raise KeyError(model_id)
        self._present[model_id] = present
