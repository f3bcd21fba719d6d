"""Which provider answers: the one asked for, or the best by availability, price and latency."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wiremark_schemas.contracts import Contract, Model, Price

from wiremark_server.clock import Clock
from wiremark_server.domain import problem
from wiremark_server.domain.generation import Generation
from wiremark_server.engine.protocol import EngineRun
from wiremark_server.routing.choice import Choice
from wiremark_server.routing.health import Health
from wiremark_server.routing.routed import RoutedRun
from wiremark_server.routing.upstream import Upstream, Work

LATENCY_FLOOR_MS = 50.0
"""Below this, being faster counts for nothing."""
_LEAST_AVAILABILITY = 0.01


class Route:
    """The providers that may answer one request, in the order in which they are asked."""

    def __init__(
        self, model: str, choices: Sequence[Choice], clock: Clock, document: Mapping[str, Any] | None
    ) -> None:
        self._model = model
        self._choices = choices
        self._clock = clock
        self._document = document
        self._run: RoutedRun | None = None

    def run(self, generation: Generation, prompt_tokens: int) -> EngineRun:
        """Start answering by the first provider that can."""
        attempts = [
            (
                choice,
                Work(generation, choice.offer.model or self._model, prompt_tokens, self._document),
            )
            for choice in self._choices
        ]
        self._run = RoutedRun(self._model, attempts, prompt_tokens, self._clock)
        return self._run

    @property
    def chosen(self) -> Choice | None:
        """Who answers; None as long as nobody has begun."""
        return self._run.chosen if self._run is not None else None

    @property
    def prices(self) -> tuple[Price, ...]:
        """Of everybody who may answer."""
        return tuple(choice.offer.price for choice in self._choices)

    @property
    def price(self) -> Price:
        """Of the one who answers; of the first before that."""
        return (self.chosen or self._choices[0]).offer.price


class Router:
    """The providers of a contract and how they do."""

    def __init__(self, contract: Contract, clock: Clock, upstreams: dict[str, Upstream]) -> None:
        """upstreams: by provider; every provider of the contract has one"""
        self._clock = clock
        self._field = contract.provider_field
        self.upstreams = upstreams
        self.models = tuple(model for model in contract.models if model.offers)
        self.health = {
            offer.provider: Health(clock, held_down=not offer.available)
            for model in self.models
            for offer in model.offers
        }

    def offers(self, model: Model) -> list[Choice]:
        """Every offer of a model, the best first."""
        return ranked(
            Choice(offer, self.health[offer.provider], self.upstreams[offer.provider])
            for offer in model.offers
        )

    def route(self, model: Model, document: Mapping[str, Any], *, chat: bool) -> Route | None:
        """Who may answer the request; None for a model without offers.

        chat: the document is a chat request, which a provider understands as it is

        Raises ProblemError for a provider that does not offer the model, or when none is available.
        """
        choices = self.offers(model)
        if not choices:
            return None
        wanted = document.get(self._field) if self._field else None
        if wanted is not None:
            choices = [choice for choice in choices if choice.offer.provider == wanted]
            if not choices:
                raise problem.invalid_request(
                    f"Invalid value for '{self._field}': expected one of the providers of {model.id!r}: "
                    f"{', '.join(offer.provider for offer in model.offers)}; or leave it out.",
                    self._field,
                )
        able = [choice for choice in choices if choice.available]
        if not able:
            raise problem.no_worker(model.id)
        return Route(model.id, able, self._clock, document if chat else None)


def ranked(choices: Iterable[Choice]) -> list[Choice]:
    """The best first: available, then by price and latency relative to the best, divided by reliability."""
    known = list(choices)
    if not known:
        return []
    cheapest = min(_cost(choice) for choice in known)
    fastest = min(_latency(choice) for choice in known)

    def score(choice: Choice) -> tuple[bool, float]:
        reliability = max(choice.health.availability, _LEAST_AVAILABILITY)
        relative = _cost(choice) / cheapest + _latency(choice) / fastest
        return not choice.available, relative / reliability

    return sorted(known, key=score)


def _cost(choice: Choice) -> float:
    price = choice.offer.price
    return max(price.input_per_million + price.output_per_million + price.per_request, 1)


def _latency(choice: Choice) -> float:
    return max(choice.latency_ms, LATENCY_FLOOR_MS)
