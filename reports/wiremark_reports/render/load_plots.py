"""The plots of a load report: over time, of the first tokens, and of a sweep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wiremark_reports.render import plots
from wiremark_reports.render.markup import Html, element, join

_SHARES = ("p50", "p90", "p99")
_TIMES = {
    "time_to_first_token": "Time to first token over the run",
    "inter_token": "Between tokens over the run",
}


def section(document: Mapping[str, Any]) -> Html | None:
    """Every plot that the document has the numbers for; None when it has none."""
    drawn = [
        *_over_time(document.get("timeline")),
        _first_tokens(document.get("histograms")),
        _sweep(document.get("sweep")),
    ]
    shown = [plot for plot in drawn if plot is not None]
    return join((element("h3", "Over the run"), *shown)) if shown else None


def _over_time(timeline: Mapping[str, Any] | None) -> Sequence[Html | None]:
    if timeline is None:
        return ()
    slots, width = timeline["slots"], timeline["width_seconds"]

    def per_second(name: str) -> plots.Points:
        return [(slot["second"], slot[name] / width) for slot in slots]

    latencies = [
        plots.lines(
            title,
            {
                share: [(slot["second"], slot["latency_ms"][measure][share]) for slot in slots]
                for share in _SHARES
            },
            "s",
            "ms",
        )
        for measure, title in _TIMES.items()
    ]
    rates = {"answers": per_second("ok"), "good": per_second("good"), "begun": per_second("started")}
    wrong = {name: per_second(name) for name in ("failed", "refused", "cut")}
    if not any(y for points in wrong.values() for _, y in points):
        wrong = {}
    return (
        *latencies,
        plots.lines("Requests", rates, "s", "/s"),
        plots.lines("Output tokens", {"out": per_second("output_tokens")}, "s", "/s"),
        plots.lines("Failed, refused and cut", wrong, "s", "/s") if wrong else None,
    )


def _first_tokens(histograms: Mapping[str, Any] | None) -> Html | None:
    counts = (histograms or {}).get("time_to_first_token", ())
    return plots.columns("Times to first token", [(value, count) for value, count in counts], "ms")


def _sweep(sweep: Mapping[str, Any] | None) -> Html | None:
    if sweep is None:
        return None
    probes = sweep["probes"]
    series = {
        "offered": [(probe["rate"], probe["rate"]) for probe in probes],
        "good": [(probe["rate"], probe["goodput"]) for probe in probes],
    }
    return plots.lines("Goodput against rate", series, "/s offered", "/s")
