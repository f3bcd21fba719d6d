"""Probes of the choice between providers, and of what a model can take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wiremark_schemas.contracts import Offer

from wiremark_conformance import told
from wiremark_conformance.evidence import Evidence
from wiremark_conformance.outcome import NotPromised, NotTestable
from wiremark_conformance.probes.chat import HELLO
from wiremark_conformance.probes.table import Draft, Probe, ProbeContext, chat, path

NO_PROVIDER = "wiremark-no-such-provider"
_LONGEST = 65_536  # tokens of a context that is filled to see what happens; above, the request is a burden
_WORD = "word "  # at least a token each, whatever the tokenizer


def _field(context: ProbeContext) -> str:
    name = context.target.contract.provider_field
    if name is None:
        raise NotPromised("the contract promises no choice of the provider")
    return name


def _offers(context: ProbeContext) -> tuple[Offer, ...]:
    entry = context.target.model_entry
    found = tuple(offer for offer in entry.offers if offer.available) if entry is not None else ()
    if not found:
        raise NotPromised("the contract names no providers of the model under test")
    return found


def _entries(context: ProbeContext) -> Iterator[Mapping[str, Any]]:
    view = Evidence(context.target, context.exchanges).view("models.list")
    data = view.object.get("data") if view is not None and view.succeeded else ()
    return (entry for entry in (data if isinstance(data, list) else ()) if isinstance(entry, dict))


def _ask(context: ProbeContext, **more: Any) -> Draft:
    return chat(context, {"messages": HELLO, "max_tokens": 16, **more})


def _explicit(context: ProbeContext) -> Draft:
    """Another provider than the one that answered without being named, where there is another."""
    view = Evidence(context.target, context.exchanges).view("chat.plain")
    automatic = told.provider(view) if view is not None and view.succeeded else None
    names = [offer.provider for offer in _offers(context)]
    wanted = next((name for name in names if name != automatic), names[0])
    return _ask(context, **{_field(context): wanted})


def _unknown(context: ProbeContext) -> Draft:
    _offers(context)
    return _ask(context, **{_field(context): NO_PROVIDER})


def _down(context: ProbeContext, *, others: bool) -> tuple[str, str]:
    """A model and a provider of it that the list calls unavailable.

    others: it is offered by another one, too, who is available
    """
    for model, offers in told.offers(_entries(context), context.target.contract).items():
        up = [offer for offer in offers if offer.get("available") is True]
        down = [offer for offer in offers if offer.get("available") is False]
        if down and (up or not others):
            return model, str(down[0].get("provider"))
    raise NotTestable("every provider is available at the moment")


def _unavailable(context: ProbeContext) -> Draft:
    model, provider = _down(context, others=False)
    return _ask(context, **{"model": model, _field(context): provider})


def _failover(context: ProbeContext) -> Draft:
    return _ask(context, model=_down(context, others=True)[0])


def _latency(context: ProbeContext) -> Draft:
    """Of the provider that gave the plain answer."""
    view = Evidence(context.target, context.exchanges).view("chat.plain")
    provider = told.provider(view) if view is not None and view.succeeded else None
    if not isinstance(provider, str):
        raise NotTestable("the plain answer does not tell its provider")
    return Draft("GET", path(context, "providers.latency", provider=provider))


def _too_long(context: ProbeContext) -> Draft:
    """More words than the smallest model has tokens of context."""
    models = [model for model in context.target.contract.models if model.available and not model.specimen]
    smallest = min(models, key=lambda model: model.context_tokens, default=None)
    if smallest is None or smallest.context_tokens > _LONGEST:
        raise NotPromised("the contract lists no model with a context that is easily filled")
    text = _WORD * (smallest.context_tokens + 1)
    messages = [{"role": "user", "content": text}]
    return chat(context, {"model": smallest.id, "messages": messages, "max_tokens": 1})


def _too_many(context: ProbeContext) -> Draft:
    """One token more than the model under test may answer."""
    entry = context.target.model_entry
    if entry is None:
        raise NotPromised("the contract does not list the model under test")
    return chat(context, {"messages": HELLO, "max_tokens": entry.max_output_tokens + 1})


_PRICES = Probe("prices.list", lambda c: Draft("GET", path(c, "prices.list")), capability="providers")

TABLE = (
    Probe("context.prompt", _too_long, capability="chat.context"),
    Probe("context.max-tokens", _too_many, capability="chat.context"),
    _PRICES,
    Probe("routing.automatic", _ask, needs=("prices.list",), capability="chat.routing"),
    Probe("routing.explicit", _explicit, needs=("chat.plain",), capability="chat.routing"),
    Probe("routing.unknown", _unknown, capability="chat.routing"),
    Probe(
        "routing.unavailable", _unavailable, needs=("models.list",), capability="chat.routing", patient=False
    ),
    Probe("routing.failover", _failover, needs=("models.list",), capability="chat.routing"),
    Probe(
        "providers.list",
        lambda c: Draft("GET", path(c, "providers.list")),
        needs=("chat.plain",),
        capability="providers",
    ),
    Probe("providers.page", lambda c: Draft("GET", path(c, "providers.page")), capability="providers"),
    Probe("providers.latency", _latency, needs=("chat.plain",), capability="providers"),
)
