"""How providers do, as a page: health, latency over the last requests, prices. No script, no other host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from wiremark_server.dialects import plots

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:70rem}"
    "table{border-collapse:collapse;margin:1rem 0}"
    "th,td{padding:.3rem .8rem;text-align:left;border-bottom:1px solid #8886}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
    "polyline{fill:none;stroke:currentColor}"
    ":root{color-scheme:light dark}"
)


def page(
    title: str,
    health: Iterable[Mapping[str, Any]],
    latencies: Mapping[str, Sequence[float]],
    prices: Iterable[Mapping[str, Any]],
) -> bytes:
    """health, prices: rows as their routes tell them; latencies: ms by provider, oldest first."""
    name = escape(title)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{name}: providers</title>"
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style><main><h1>{name}</h1>"
        "<h2 id=health>Health</h2><table aria-labelledby=health><thead><tr><th scope=col>Provider"
        "<th scope=col>State<th scope=col>Availability<th scope=col>Latency<th scope=col>Requests"
        "<th scope=col>Failures<th scope=col>Latency of the last requests<tbody>"
        + "".join(_provider(row, latencies.get(row["provider"], ())) for row in health)
        + "</table><h2 id=prices>Prices</h2><table aria-labelledby=prices><thead><tr><th scope=col>Model"
        "<th scope=col>Provider<th scope=col>In, $ per 1M<th scope=col>Out, $ per 1M<th scope=col>Available"
        "<tbody>" + "".join(map(_price, prices)) + "</table></main></html>"
    ).encode()


def _provider(row: Mapping[str, Any], latencies: Sequence[float]) -> str:
    latency = "not measured" if row["latency_ms"] is None else f"{row['latency_ms']:.0f} ms"
    return (
        f"<tr><th scope=row>{escape(row['provider'])}<td>{escape(row['state'])}"
        f"<td class=n>{row['availability']:.1%}<td class=n>{latency}<td class=n>{row['requests']}"
        f"<td class=n>{row['failures']}<td>{plots.latency(row['provider'], row['provider'], latencies)}"
    )


def _price(row: Mapping[str, Any]) -> str:
    return (
        f"<tr><th scope=row>{escape(row['model'])}<td>{escape(row['provider'])}"
        f"<td class=n>{row['input_usd_per_million']:.2f}<td class=n>{row['output_usd_per_million']:.2f}"
        f"<td>{'yes' if row['available'] else 'no'}"
    )
