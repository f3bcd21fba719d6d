"""Health, latency history and prices, by their own routes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from wiremark_conformance import told
from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.shapes import schema_violations
from wiremark_conformance.values import is_number, shown

_MICRO = 1_000_000
_PRICES = ("input_usd_per_million", "output_usd_per_million")

for _requirement, _probe, _schema in (
    ("providers.health", "providers.list", "meta/providers"),
    ("providers.latency", "providers.latency", "meta/latency-history"),
    ("providers.prices", "prices.list", "meta/price-list"),
):
    accepted(f"{_requirement}.accepted", _probe)

    @check(f"{_requirement}.schema", _probe)
    def schema(view: View, name: str = _schema) -> Outcome:
        return "; ".join(str(violation) for violation in schema_violations(name, view.object)[:3]) or None


def _rows(view: View) -> list[Mapping[str, Any]]:
    data = view.object.get("data")
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise NotTestable("there is no array `data`")
    return data


def _promised(view: View) -> set[str]:
    """Providers that the contract only has as specimens may be missing."""
    promised = {o.provider for m in view.target.contract.models for o in m.offers if o.available}
    if not promised:
        raise NotPromised("the contract names no providers")
    return promised


@check("providers.page.told", "providers.page", expects="acceptance")
def page_told(view: View) -> Outcome:
    """In whatever form: it is for people."""
    if not view.succeeded:
        return f"answered {view.status_line}{view.error_text}, where success was expected"
    said = view.exchange.content.decode("utf-8", "replace").lower()
    missing = sorted(provider for provider in _promised(view) if provider.lower() not in said)
    return f"the page says nothing of {', '.join(missing)}" if missing else None


@check("providers.health.complete", "providers.list")
def complete(view: View) -> Outcome:
    promised = _promised(view)
    missing = promised - {str(row.get("provider")) for row in _rows(view)}
    return f"not listed: {', '.join(sorted(missing))}" if missing else None


@check("providers.health.counted", "chat.plain", "providers.list")
def counted(answer: View, view: View) -> Outcome:
    provider = told.provider(answer)
    row = next((row for row in _rows(view) if row.get("provider") == provider), {})
    found = row.get("requests")
    if isinstance(found, int) and found > 0:
        return None
    return f"{shown(provider)} has answered, and its `requests` is {shown(found)}"


@check("providers.latency.remembered", "providers.latency")
def remembered(view: View) -> Outcome:
    """The provider has answered the suite, so there is something to remember."""
    return None if any(row.get("ok") is True for row in _rows(view)) else "no answer stands in the history"


@check("providers.prices.promised", "prices.list")
def promised_prices(view: View) -> Outcome:
    compared = 0
    for row in _rows(view):
        model = view.target.contract.model(str(row.get("model")))
        offer = model.offer(row.get("provider")) if model is not None else None
        if offer is None:
            continue
        compared += 1
        due = (offer.price.input_per_million, offer.price.output_per_million)
        if [_micro(row.get(name)) for name in _PRICES] != list(due):
            where = f"{row.get('model')} by {row.get('provider')}"
            return f"{where}: the prices differ from the promised {due} µUSD per million tokens"
    if not compared:
        raise NotTestable("no offer of the contract is listed")
    return None


@check("providers.prices.sorted", "prices.list")
def cheapest_first(view: View) -> Outcome:
    for before, row in pairwise(_rows(view)):
        if before.get("model") == row.get("model") and _cost(before) > _cost(row):
            return f"{row.get('model')}: {shown(row.get('provider'))} is cheaper than the one before it"
    return None


def _micro(usd: Any) -> float | None:
    """Dollars in µUSD; None for what is no number."""
    return round(usd * _MICRO, 3) if is_number(usd) else None


def _cost(row: Mapping[str, Any]) -> float:
    return sum(_micro(row.get(name)) or 0 for name in _PRICES)
