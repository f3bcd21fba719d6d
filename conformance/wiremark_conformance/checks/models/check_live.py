"""What the list tells of the moment: who can be served, at which price."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from wiremark_schemas.contracts import Contract, Model

from wiremark_conformance.checking import check
from wiremark_conformance.checks.models.check_list import entries
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.values import is_number, shown

_MICRO = 1_000_000


def _credits(contract: Contract, model: Model) -> Any:
    return model.price.per_request / (contract.credit or 1)


def _usd(found: Any, microusd: int) -> bool:
    """Whether dollars, as a number or as text, are exactly that many µUSD."""
    try:
        return round(float(found) * _MICRO, 3) == microusd
    except (TypeError, ValueError):
        return False


def _offered(found: Any, model: Model) -> bool:
    """Whether an entry for a provider has its price, and says how it does."""
    if not isinstance(found, dict):
        return False
    offer = model.offer(found.get("provider"))
    return (
        offer is not None
        and isinstance(found.get("available"), bool)
        and is_number(found.get("latency_ms"))
        and _usd(found.get("input_usd_per_million"), offer.price.input_per_million)
        and _usd(found.get("output_usd_per_million"), offer.price.output_per_million)
    )


# What a contract's `catalogue` field tells, and whether a value found is that.
_TRUE: Mapping[str, Callable[[Any, Contract, Model], bool]] = {
    "available": lambda found, _, __: isinstance(found, bool),
    "credits_per_request": lambda found, contract, model: found == _credits(contract, model),
    "usd_per_request": lambda found, _, model: _usd(found, model.price.per_request),
    "context_tokens": lambda found, _, model: found == model.context_tokens,
    "max_output_tokens": lambda found, _, model: found == model.max_output_tokens,
    "type": lambda found, _, model: found == ("vision" if "vision" in model.capabilities else "llm"),
    "provider": lambda found, _, model: not model.offers or model.offer(found) is not None,
    "latency_ms": lambda found, _, model: not model.offers or is_number(found),
    "input_usd_per_million": lambda found, _, model: (
        not model.offers or any(_usd(found, offer.price.input_per_million) for offer in model.offers)
    ),
    "output_usd_per_million": lambda found, _, model: (
        not model.offers or any(_usd(found, offer.price.output_per_million) for offer in model.offers)
    ),
    "offers": lambda found, _, model: isinstance(found, list) and all(_offered(o, model) for o in found),
}


def _told(view: View) -> Iterator[tuple[Model, str, str, Any]]:
    """Model, field, what the field tells, and what it says, for every listed model of the contract."""
    contract = view.target.contract
    if not contract.catalogue:
        raise NotPromised("the contract promises no such fields")
    for entry in entries(view):
        model = contract.model(str(entry.get("id")))
        if model is not None:
            for name, told in contract.catalogue.items():
                yield model, name, told, entry.get(name)


@check("models.list.live", "models.list")
def live(view: View) -> Outcome:
    for model, name, told, found in _told(view):
        if not _TRUE[told](found, view.target.contract, model):
            return f"{model.id}: `{name}` is {shown(found)}, which is not its {told}"
    return None


def _available(view: View) -> dict[str, bool]:
    """Availability by model, as the list tells it."""
    return {model.id: found is True for model, _, told, found in _told(view) if told == "available"}


@check("models.available.served", "models.list", "chat.plain", expects="any")
def served(listed: View, view: View) -> Outcome:
    if not _available(listed).get(view.target.model):
        raise NotTestable(f"{view.target.model!r} is not listed as available")
    return (
        f"listed as available, and answered {view.status_line}{view.error_text}"
        if view.status == 503
        else None
    )


@check("models.available.refused", "models.unavailable", expects="any")
def refused(view: View) -> Outcome:
    if view.status == 503:
        return None
    asked = view.asked.get("model")
    return f"{asked!r} is listed as unavailable, and answered {view.status_line}{view.error_text}, not 503"
