"""Who answers: whom the request names, else the best of those who are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance import told
from wiremark_conformance.checking import accepted, check, each, refused
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.values import is_number, listed, shown

accepted("routing.explicit.accepted", "routing.explicit")
refused("routing.unknown.refused", "routing.unknown")
_CLEARLY = 2.0  # so many times as slow: times vary from one look to the next


@each("routing.provider-told", "chat.plain", "chat.stream", "chat.tools.forced")
def provider_told(view: View) -> Outcome:
    model = view.target.contract.model(str(view.asked.get("model")))
    if model is None or not model.offers:
        raise NotPromised("the contract names no providers of the model")
    name = told.field_of(view.target.contract.answer.fields, "provider")
    for answer in told.answers(view):
        if model.offer(answer.get(name)) is None:
            return f"`{name}` is {shown(answer.get(name))}, which is no provider of {model.id!r}"
    return None


@check("routing.explicit.obeyed", "routing.explicit")
def obeyed(view: View) -> Outcome:
    wanted = view.asked.get(str(view.target.contract.provider_field))
    found = told.provider(view)
    return None if found == wanted else f"asked for {shown(wanted)}, answered by {shown(found)}"


@check("routing.unavailable.refused", "routing.unavailable", expects="any")
def unavailable_refused(view: View) -> Outcome:
    if view.status == 503:
        return None
    wanted = view.asked.get(str(view.target.contract.provider_field))
    return f"{shown(wanted)} is listed as unavailable, and answered {view.status_line}{view.error_text}"


@check("routing.failover.accepted", "routing.failover", expects="any")
def failover_accepted(view: View) -> Outcome:
    """A 503 is the very thing that the others are there to prevent."""
    if view.succeeded:
        return None
    if view.status == 429:
        raise NotTestable(f"answered {view.status_line}")
    return f"answered {view.status_line}{view.error_text}, although another provider is listed as available"


@check("routing.failover.other", "models.list", "routing.failover")
def failover_other(models: View, view: View) -> Outcome:
    entries = models.object.get("data")
    rows = (entry for entry in listed(entries) if isinstance(entry, dict))
    offers = told.offers(rows, view.target.contract).get(str(view.asked.get("model")), [])
    down = [offer.get("provider") for offer in offers if offer.get("available") is False]
    found = told.provider(view)
    return f"answered by {shown(found)}, which is listed as unavailable" if found in down else None


@check("routing.best", "prices.list", "routing.automatic")
def best(prices: View, view: View) -> Outcome:
    """Nobody who is there is both cheaper and clearly faster than the one who answered."""
    rows = prices.object.get("data")
    mine = [
        row for row in listed(rows) if isinstance(row, dict) and row.get("model") == view.asked.get("model")
    ]
    chosen = next((row for row in mine if row.get("provider") == told.provider(view)), None)
    if chosen is None:
        raise NotTestable("the price list does not have the provider that answered")
    for row in mine:
        if row.get("available") is True and _beats(row, chosen):
            return (
                f"{shown(chosen.get('provider'))} answered, although {shown(row.get('provider'))} "
                "is cheaper and faster"
            )
    return None


def _beats(row: Mapping[str, Any], chosen: Mapping[str, Any]) -> bool:
    prices = ("input_usd_per_million", "output_usd_per_million")
    values = [each.get(name) for each in (row, chosen) for name in (*prices, "latency_ms")]
    if not all(is_number(value) for value in values):
        raise NotTestable("the price list has no numbers to compare")
    cheaper = all(row[name] < chosen[name] for name in prices)
    return cheaper and row["latency_ms"] * _CLEARLY <= chosen["latency_ms"]
