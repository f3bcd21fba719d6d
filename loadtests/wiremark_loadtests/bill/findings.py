"""What an audit finds, and the price that the contract promises. Pure; shared by every audit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from wiremark_schemas.contracts import Contract, Model, Price

Kind = Literal[
    "missing",  # answered, and not in the ledger or never settled there
    "unexplained",  # in the ledger, and no client asked for it
    "doubled",  # more than one row for one request, or two answers with one id
    "wrong-amount",  # charged other than the contract's price
    "wrong-usage",  # other token counts than the client was told
    "free-success",  # answered, and charged nothing
    "charged-failure",  # charged for a request that was refused or failed
    "webhook-missing",  # a task ended, and the webhook that was wanted never came
    "negative-balance",
    "wrong-total",  # the balance moved by something else than the charges
    "rate-limit-exceeded",  # more requests were let through than the endpoint told the key it may make
]
_PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """One difference; amounts in µUSD, None where there is nothing to name."""

    kind: Kind
    request_id: str | None
    expected: int | None
    charged: int | None
    message: str


class UnknownModelError(Exception):
    """A row or receipt names a model that the contract does not list: its price is not known."""


def price_of(price: Price, prompt_tokens: int, completion_tokens: int) -> int:
    """µUSD for one request: token prices summed, rounded up once, plus the flat amount."""
    parts = price.input_per_million * prompt_tokens + price.output_per_million * completion_tokens
    return -(-parts // _PER_MILLION) + price.per_request


@dataclass
class Books:
    """Findings and sums while an audit runs."""

    contract: Contract
    found: list[Discrepancy] = field(default_factory=list)
    expected: int = 0
    _models: dict[str, Model] = field(default_factory=dict)

    def add(
        self, kind: Kind, request_id: str | None, expected: int | None, charged: int | None, message: str
    ) -> None:
        self.found.append(Discrepancy(kind, request_id, expected, charged, message))

    def price(
        self, model: str, prompt_tokens: int, completion_tokens: int, charged: int | None = None
    ) -> int:
        """Where several providers offer the model each has its price, and `charged` may be any of them."""
        found = self._models.get(model)
        if found is None:
            found = self.contract.model(model)
            if found is None:
                raise UnknownModelError(
                    f"the contract {self.contract.name!r} has no price for the model {model!r}, "
                    "which was billed"
                )
            self._models[model] = found
        if charged is not None and found.offers:
            offered = {price_of(offer.price, prompt_tokens, completion_tokens) for offer in found.offers}
            if charged in offered:
                return charged
        return price_of(found.price, prompt_tokens, completion_tokens)
