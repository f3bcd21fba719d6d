"""What the usage tells beyond token counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wiremark_conformance import told
from wiremark_conformance.checking import each
from wiremark_conformance.checks.billing.check_ledger import charge
from wiremark_conformance.checks.cache.check_cache import from_cache
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, Outcome
from wiremark_conformance.values import is_number, shown

_MICRO = 1_000_000


def _prompt_characters(view: View) -> int:
    """Of the texts of all messages."""
    return sum(len(message["content"]) for message in view.asked["messages"])


def _response_characters(view: View, found: Any) -> bool:
    """Of the text; whether the arguments of a call count, nobody says."""
    if not view.is_stream and view.message.get("tool_calls"):
        return is_number(found)
    return bool(found == len(view.streamed_text() if view.is_stream else view.content))


def _cost(view: View, found: Any) -> bool:
    """Whether it is the price of who answered, to the µUSD; what comes from the cache costs nothing."""
    if is_number(found) and not found and from_cache(view):
        return True
    model = view.target.contract.model(str(view.asked.get("model")))
    if model is None:
        raise NotPromised("the contract has no price for the model")
    price = model.price_from(told.provider(view))
    due = charge(price, view.count("prompt_tokens"), view.count("completion_tokens"))
    return is_number(found) and round(found * _MICRO, 3) == due


_TRUE: Mapping[str, Callable[[View, Any], bool]] = {
    "provider": lambda view, found: found == told.provider(view),
    "prompt_characters": lambda view, found: found == _prompt_characters(view),
    "response_characters": _response_characters,
    "cost_usd": _cost,
    "latency_ms": lambda _, found: is_number(found),
}


@each("answer.usage-fields", "chat.plain", "chat.stream.usage", "chat.tools.forced")
def usage_fields(view: View) -> Outcome:
    promised = view.target.contract.answer.usage_fields
    if not promised:
        raise NotPromised("the contract promises no such fields")
    for name, what in promised.items():
        found = view.usage.get(name)
        if not _TRUE[what](view, found):
            return f"`usage.{name}` is {shown(found)}, which is not the {what} of this answer"
    return None
