"""Providers as a customer compares them: health, latency history, prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from wiremark_server.dialects import status_page
from wiremark_server.dialects.openai_models import offer_document
from wiremark_server.domain import problem
from wiremark_server.edge.message import Response
from wiremark_server.policy import chain
from wiremark_server.policy.call import Call
from wiremark_server.routing.router import Router


async def list_providers(call: Call) -> Response:
    await chain.run(chain.IDENTIFIED, call)
    return _list(health_rows(call.services.router))


def health_rows(router: Router) -> list[Mapping[str, Any]]:
    """As `meta/providers` has them."""
    return [
        {
            "provider": name,
            "state": health.state,
            "availability": round(health.availability, 4),
            "latency_ms": health.latency_ms,
            "requests": health.requests,
            "failures": health.failures,
            "models": [model.id for model in router.models if model.offer(name)],
        }
        for name, health in router.health.items()
    ]


async def show_page(call: Call) -> Response:
    """The same for eyes, and for everybody: it tells nothing of any customer."""
    router = call.services.router
    title = str(call.services.contract.raw["title"])
    body = status_page.page(title, health_rows(router), latencies(router), price_rows(router))
    headers = (
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
    )
    return Response(200, body, headers)


def latencies(router: Router) -> dict[str, list[float]]:
    """By provider, in ms, oldest first."""
    return {
        name: [attempt.latency_ms for attempt in health.history()][::-1]
        for name, health in router.health.items()
    }


async def latency_history(call: Call) -> Response:
    await chain.run(chain.IDENTIFIED, call)
    name = call.parameters["provider"]
    health = call.services.router.health.get(name)
    if health is None:
        raise problem.unknown_provider(name)
    return _list(
        (
            {"at": attempt.at, "model": attempt.model, "ok": attempt.ok, "latency_ms": attempt.latency_ms}
            for attempt in health.history()
        ),
        provider=name,
    )


async def list_prices(call: Call) -> Response:
    """Every offer, cheapest first within a model; `?model=` for a single one."""
    await chain.run(chain.IDENTIFIED, call)
    return _list(price_rows(call.services.router, call.query.get("model")))


def price_rows(router: Router, wanted: str | None = None) -> list[Mapping[str, Any]]:
    """As `meta/price-list` has them, cheapest first within a model."""
    return [
        {"model": model.id, **row}
        for model in router.models
        if wanted in {None, model.id}
        for row in sorted(map(offer_document, router.offers(model)), key=_cost)
    ]


def _cost(row: Mapping[str, Any]) -> float:
    return float(row["input_usd_per_million"] + row["output_usd_per_million"])


def _list(rows: Any, **more: Any) -> Response:
    return Response(200, msgspec.json.encode({"object": "list", **more, "data": list(rows)}))
