"""The pages, each from a visit to an answer."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from wiremark_server.dashboard import records
from wiremark_server.dashboard.house import Visit
from wiremark_server.dashboard.records import Entry, Sum, Wanted, sum_of
from wiremark_server.dialects import plots
from wiremark_server.edge.message import Response
from wiremark_server.keys import LIMITS
from wiremark_server.operations.providers import health_rows, latencies, price_rows
from wiremark_server.policy.call import Services

PER_PAGE = 50
_PER_READ = 1000
_HOURS = 24
_COLUMNS = (
    *("request_id", "created", "account_id", "key_id", "model", "status", "prompt_tokens"),
    *("completion_tokens", "amount", "state", "outcome", "cached"),
)
_HEADINGS = {"amount": "amount_microusd"}


async def overview(visit: Visit) -> Response:
    house, viewer = visit.house, visit.viewer
    this_hour = int(house.clock.now()) // 3600
    since = (this_hour - _HOURS + 1) * 3600
    sums = await house.records.sums(visit.scope, since)
    hours = [
        sum(one.amount for one in sums if one.hour == hour) for hour in range(since // 3600, this_hour + 1)
    ]
    by_model: dict[str, list[Sum]] = {}
    for one in sums:
        by_model.setdefault(one.model, []).append(one)
    total = sum_of(sums)
    told = f"Charges of the last {_HOURS} hours: {total['amount']} µUSD for {total['requests']} requests."
    key = viewer.key
    return visit.page(
        "overview",
        "Overview",
        live="live" in visit.query,
        balance=None if key is None else await house.ledger.balance(key.account_id),
        cap=None if key is None else key.monthly_cap,
        spent=0 if key is None else await _spent(visit),
        total=total,
        models=[(model, sum_of(by_model[model])) for model in sorted(by_model)],
        highest=max(hours),
        plot=Markup(plots.bars("charges", told, hours)),  # noqa: S704 - escaped where it is drawn
        newest=await house.records.requests(visit.scope, Wanted(), 10),
    )


async def _spent(visit: Visit) -> int:
    month = visit.house.month()
    return sum([await visit.house.records.spent(key, month) for key in visit.scope or ()])


async def requests(visit: Visit) -> Response:
    keys, wanted = _selection(visit)
    entries = await visit.house.records.requests(keys, wanted, PER_PAGE + 1, number(visit.query, "below"))
    shown, more = entries[:PER_PAGE], len(entries) > PER_PAGE
    chosen = {name: value for name, value in visit.query.items() if name != "below" and value}
    return visit.page(
        "requests",
        "Requests",
        entries=shown,
        wanted=wanted,
        since=visit.query.get("since", ""),
        key=visit.query.get("key", ""),
        keys=visit.viewer.visible(visit.house.keys.all()),
        models=visit.house.models,
        results=records.RESULTS,
        older=urlencode({**chosen, "below": shown[-1].seq}) if more else "",
        query=urlencode(chosen),
    )


async def export(visit: Visit) -> tuple[Response, AsyncGenerator[bytes, None]]:
    """The head, and the rows as CSV in parts."""
    keys, wanted = _selection(visit)
    headers = (
        ("content-type", "text/csv; charset=utf-8"),
        ("content-disposition", 'attachment; filename="requests.csv"'),
    )
    return Response(200, b"", headers), _rows(visit, keys, wanted)


async def _rows(visit: Visit, keys: Sequence[str] | None, wanted: Wanted) -> AsyncGenerator[bytes, None]:
    yield _csv([[_HEADINGS.get(name, name) for name in _COLUMNS]])
    below = records.NEWEST
    while True:
        entries = await visit.house.records.requests(keys, wanted, _PER_READ, below)
        if entries:
            yield _csv([_values(entry) for entry in entries])
        if len(entries) < _PER_READ:
            return
        below = entries[-1].seq


def _values(entry: Entry) -> list[Any]:
    return [bool(entry.cached) if name == "cached" else getattr(entry, name) for name in _COLUMNS]


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _selection(visit: Visit) -> tuple[Sequence[str] | None, Wanted]:
    """What a query asks for, of what the viewer may see; what makes no sense is left out."""
    keys, key = visit.scope, visit.query.get("key", "")
    if key:
        keys = [key] if keys is None or key in keys else []
    result = visit.query.get("result", "")
    try:
        day = date.fromisoformat(visit.query.get("since", ""))
        since = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    except ValueError:
        since = 0
    return keys, Wanted(visit.query.get("model", ""), result if result in records.RESULTS else "", since)


def number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else records.NEWEST


async def providers(visit: Visit) -> Response:
    return visit.page(
        "providers",
        "Providers",
        workers=visit.house.workers if visit.viewer.operator else (),
        contracts=[_contract(number, services) for number, services in enumerate(visit.house.served)],
    )


def _contract(number: int, services: Services) -> Mapping[str, Any]:
    """number: among those that are served, so that names of plots are unique"""
    attempts = latencies(services.router)
    return {
        "title": services.contract.raw["title"],
        "health": health_rows(services.router),
        "plots": {name: _plot(f"{number} {name}", name, took) for name, took in attempts.items()},
        "prices": price_rows(services.router),
        "models": [
            (
                model.id,
                services.workers.present(model.id),
                _plot(
                    f"{number} {model.id}",
                    model.id,
                    services.meter.model(model.id).recent_ms,
                ),
            )
            for model in services.contract.models
        ],
    }


def _plot(name: str, whose: str, took: Sequence[float]) -> Markup:
    return Markup(plots.latency(name, whose, took))  # noqa: S704 - escaped where it is drawn


async def keys(visit: Visit, **shown: Any) -> Response:
    house, month = visit.house, visit.house.month()
    visible = visit.viewer.visible(house.keys.all())
    return visit.page(
        "keys",
        "Keys",
        keys=[(key, await house.records.spent(key.id, month)) for key in visible],
        models=house.models_of(visit.contract),
        contracts=[] if visit.contract else list(house.contracts),
        limits=[(name, name.replace("_", " ").capitalize()) for name in LIMITS],
        **{"secret": "", "secret_of": "", **shown},
    )
