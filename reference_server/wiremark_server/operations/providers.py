"""Providers as a customer compares them: health, latency history, prices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from wiremark_server.dialects.openai_models import offer_document
from wiremark_server.domain import problem
from wiremark_server.edge.message import Response
from wiremark_server.policy import chain
from wiremark_server.policy.call import Call


async def list_providers(call: Call) -> Response:
    await chain.run(chain.IDENTIFIED, call)
    router = call.services.router
    return _list(
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
    )


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
    wanted = call.query.get("model")
    return _list(
        {"model": model.id, **row}
        for model in call.services.router.models
        if wanted in {None, model.id}
        for row in sorted(map(offer_document, call.services.router.offers(model)), key=_cost)
    )


def _cost(row: Mapping[str, Any]) -> float:
    return float(row["input_usd_per_million"] + row["output_usd_per_million"])


def _list(rows: Any, **more: Any) -> Response:
    return Response(200, msgspec.json.encode({"object": "list", **more, "data": list(rows)}))
