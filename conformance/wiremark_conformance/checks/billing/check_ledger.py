"""The endpoint's own books against what its answers said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from wiremark_schemas.contracts import Price

from wiremark_conformance import told as promised
from wiremark_conformance.checking import Function, accepted, check
from wiremark_conformance.checks.cache.check_cache import from_cache
from wiremark_conformance.checks.errors import REFUSED
from wiremark_conformance.checks.ids.check_request_id import header_name
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, NotTestable, Outcome
from wiremark_conformance.shapes import schema_violations
from wiremark_conformance.values import is_int, shown

LEDGER = "billing.usage"
Counts = Callable[[View], tuple[int, int]]  # tokens in and out, as an answer tells them
_PER = 1_000_000  # token prices are per million tokens

accepted("billing.usage.accepted", LEDGER)
accepted("billing.balance.accepted", "billing.balance")


def charge(price: Price, prompt_tokens: int, completion_tokens: int) -> int:
    """µUSD for one request: token prices summed, rounded up once, plus the price per request."""
    tokens = price.input_per_million * prompt_tokens + price.output_per_million * completion_tokens
    return -(-tokens // _PER) + price.per_request


def _violations(view: View, schema: str) -> Outcome:
    found = schema_violations(schema, view.object)
    return "; ".join(str(violation) for violation in found[:3]) or None


@check("billing.usage.schema", LEDGER)
def usage_schema(view: View) -> Outcome:
    return _violations(view, "meta/usage-list")


@check("billing.balance.schema", "billing.balance")
def balance_schema(view: View) -> Outcome:
    return _violations(view, "meta/balance")


def _rows(ledger: View) -> list[Mapping[str, Any]]:
    data = ledger.object.get("data")
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise NotTestable("the usage rows have no array `data`")
    return data


def _request_id(view: View) -> str:
    request_id = view.header(header_name(view.target))
    if not request_id:
        raise NotTestable(f"the answer of {view.probe} has no request id")
    return request_id


def _row_of(view: View, ledger: View) -> Mapping[str, Any] | None:
    wanted = _request_id(view)
    return next((row for row in _rows(ledger) if row.get("request_id") == wanted), None)


def _row(view: View, ledger: View) -> Mapping[str, Any]:
    row = _row_of(view, ledger)
    if row is None:
        raise NotTestable(f"the answer of {view.probe} has no usage row")
    return row


@check("billing.rows-unique", LEDGER)
def rows_unique(ledger: View) -> Outcome:
    ids = Counter(str(row.get("request_id")) for row in _rows(ledger))
    twice = [request_id for request_id, count in ids.items() if count > 1]
    return f"more than one row: {', '.join(twice[:3])}" if twice else None


def recorded(view: View, ledger: View) -> Outcome:
    """No row, or one that is not settled."""
    row = _row_of(view, ledger)
    if row is None and ledger.object.get("has_more"):
        raise NotTestable("the row may stand on a later page")
    if row is None:
        return f"no usage row has the request id {_request_id(view)!r}"
    return None if row.get("state") == "settled" else f"the row's state is {shown(row.get('state'))}"


def counts(view: View) -> tuple[int, int]:
    """Tokens in and out, as a chat answer tells them."""
    return view.count("prompt_tokens"), view.count("completion_tokens")


def embedded(view: View) -> tuple[int, int]:
    """The same of embeddings, which have no completion."""
    return view.count("prompt_tokens"), 0


def tokens_by(told: Counts) -> Function:
    """Finds counts of the row that differ from those that the answer told."""

    def tokens(view: View, ledger: View) -> Outcome:
        row = _row(view, ledger)
        read, made = told(view)
        for name, count in (("prompt_tokens", read), ("completion_tokens", made)):
            if row.get(name) != count:
                return f"the answer said {count} `{name}`, the row says {shown(row.get(name))}"
        return None

    return tokens


def charged_by(told: Counts) -> Function:
    """Finds an amount that is not price times tokens told; nothing is due for what the cache answered."""

    def charged(view: View, ledger: View) -> Outcome:
        row = _row(view, ledger)
        model = view.target.contract.model(view.asked_model)
        if model is None:
            raise NotPromised(f"the contract has no price for {view.asked_model!r}")
        prices = model.prices_from(promised.provider(view))
        due = [0] if row.get("cached") else sorted({charge(price, *told(view)) for price in prices})
        found = row.get("amount_microusd")
        if found in due:
            return None
        return f"charged {shown(found)} µUSD; price times tokens is {' or '.join(map(str, due))} µUSD"

    return charged


def on_books(name: str, probe: str, told: Counts) -> None:
    """The three requirements on the usage row of an answer: that it is there, its tokens, its charge."""
    check(f"billing.{name}.recorded", probe, LEDGER)(recorded)
    check(f"billing.{name}.tokens", probe, LEDGER)(tokens_by(told))
    check(f"billing.{name}.charge", probe, LEDGER)(charged_by(told))


on_books("plain", "chat.plain", counts)
on_books("stream", "billing.stream", counts)
on_books("tools", "chat.tools.forced", counts)
on_books("completions", "completions.plain", counts)
on_books("embeddings", "embeddings.batch", embedded)
# Further steps of a conversation, other models, long prompts: no more than their price is in question.
for _name, _probe in (
    ("round-trip", "chat.tools.round-trip"),
    ("other-model", "chat.other-model"),
    ("long", "billing.long"),
    ("reasoning", "chat.reasoning"),
):
    check(f"billing.{_name}.charge", _probe, LEDGER)(charged_by(counts))


def free(ledger: View, probes: Collection[str]) -> Outcome:
    """Looks up the rows of these probes, as far as they have a request id; none must cost anything."""
    name = header_name(ledger.target)
    views = [view for view in ledger.evidence.made() if view.probe in probes]
    made = {view.header(name): view for view in views if view.header(name)}
    if not views:
        raise NotPromised("nothing was asked that should be free")
    if not made:
        raise NotTestable("no answer that should be free has a request id")
    for row in _rows(ledger):
        view = made.get(str(row.get("request_id")))
        amount = row.get("amount_microusd")
        if view is not None and is_int(amount) and amount > 0:  # type: ignore[operator]
            return f"{view.probe} was answered with {view.status} and charged {amount} µUSD"
    return None


def refused(ledger: View, probes: Collection[str]) -> list[str]:
    """Those of the probes that were answered with an error."""
    return [
        view.probe
        for view in ledger.evidence.made()
        if view.probe in probes and view.status is not None and view.status >= 400
    ]


@check("billing.refused-free", LEDGER)
def refused_free(ledger: View) -> Outcome:
    """Looks at every refusal of the run that has a request id."""
    return free(ledger, refused(ledger, REFUSED))


@check("billing.cached-free", "cache.repeat", LEDGER)
def cached_free(view: View, ledger: View) -> Outcome:
    row = _row_of(view, ledger)
    if row is None:
        return None
    if not row.get("cached") and not from_cache(view):
        raise NotTestable("the repeated request was not answered from the cache")
    amount = row.get("amount_microusd")
    return f"an answer from the cache was charged {shown(amount)} µUSD" if amount else None
