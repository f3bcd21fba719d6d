"""The load part of the page: latencies, requests, and whether the bill adds up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_reports import figures
from wiremark_reports.render import charts, load_plots
from wiremark_reports.render.conformance import definitions
from wiremark_reports.render.markup import Html, element, join, table

_METRICS = {
    "time_to_first_byte": "Time to first byte",
    "time_to_first_token": "Time to first token",
    "inter_token": "Between tokens",
    "per_output_token": "Per output token",
    "end_to_end": "End to end",
    "service": "From the sending",
    "queueing": "Waited to be sent",
}
_CHARTED = ("time_to_first_token", "inter_token", "end_to_end")
_PERCENTILES = ("p50", "p90", "p99")


def section(document: Mapping[str, Any]) -> Html:
    """`document` is valid under `meta/load-report`."""
    return element(
        "section",
        element("h2", "Load"),
        _facts(document),
        element("h3", "Latency"),
        _latencies(document["latency_ms"]),
        _chart(document["latency_ms"]),
        load_plots.section(document),
        element("h3", "Requests"),
        _requests(document),
        _errors(document["errors"]),
        _generator(document.get("generator")),
        element("h3", "Billing audit"),
        _audit(document["audit"]),
        id="load",
    )


def audit_result(audit: Mapping[str, Any] | None) -> str:
    """The audit in a few words."""
    if audit is None:
        return "the bill was not audited"
    return "the bill adds up" if audit["ok"] else "the bill does not add up"


def _facts(document: Mapping[str, Any]) -> Html:
    target, tokens = document["target"], document["tokens"]
    return definitions(
        (
            ("Endpoint", target["base_url"]),
            ("Contract", target["contract"]),
            ("Model", target["model"]),
            ("Started at", document["started"]),
            ("Took", figures.seconds(document["seconds"])),
            ("Users", f"{document['users']:,}"),
            *_demand(document.get("demand")),
            ("Seed", str(document["seed"])),
            ("Requests per second", figures.rate(document["requests"]["per_second"])),
            ("Tokens in", f"{tokens['input']:,}"),
            ("Tokens out", f"{tokens['output']:,}"),
            ("Tokens out per second", figures.rate(tokens["output_per_second"])),
            *_goodput(document.get("goodput")),
        )
    )


def _demand(demand: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    if demand is None:
        return ()
    stages = ", ".join(
        f"{start:g} for {seconds:g} s" if start == end else f"{start:g} to {end:g} within {seconds:g} s"
        for start, end, seconds in demand["stages"]
    )
    return (("Arrivals", f"{demand['arrivals']}: {stages}" if stages else demand["arrivals"]),)


def _goodput(goodput: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    if goodput is None or not goodput["slo_ms"]:
        return ()
    bounds = ", ".join(f"{name} {bound:g} ms" for name, bound in goodput["slo_ms"].items())
    share = "" if goodput["share"] is None else f", {goodput['share']:.1%}"
    return (("Objectives", bounds), ("Goodput per second", figures.rate(goodput["per_second"]) + share))


def _generator(generator: Mapping[str, Any] | None) -> Html | None:
    """Whether the numbers are the endpoint's or the generator's own."""
    if generator is None:
        return None
    verdict = (
        element("span", "fast enough", class_="badge v-pass")
        if generator["valid"]
        else element("span", "was the bottleneck", class_="badge v-warn")
    )
    rows = (
        (
            worker["name"],
            f"{worker['requests']:,}",
            f"{worker['peak']:,}",
            f"{worker['cpu_share']:.0%}",
        )
        for worker in generator["workers"]
    )
    lag = generator["lag_ms"]["wake_lag"]["p99"]
    facts = (
        ("Verdict", verdict),
        ("Stamps", "the kernel's" if generator["kernel_stamps"] else "the generator's own"),
        ("Read late, p99", f"{figures.milliseconds(lag)} ms"),
    )
    return join(
        (
            element("h3", "Generator"),
            definitions(facts),
            *(element("p", reason, class_="note") for reason in generator["reasons"]),
            table(
                "Processes",
                ("Process", "Requests", "Most at once", "Share of a core"),
                rows,
                class_="numbers",
            ),
        )
    )


def _latencies(latency: Mapping[str, Mapping[str, Any]]) -> Html:
    columns = ("mean", *_PERCENTILES, "max")
    rows = (
        (
            name,
            f"{latency[metric]['count']:,}",
            *(figures.milliseconds(latency[metric][column]) for column in columns),
        )
        for metric, name in _METRICS.items()
        if metric in latency
    )
    return table(
        "Milliseconds, as the clients saw them", ("Metric", "Count", *columns), rows, class_="numbers"
    )


def _chart(latency: Mapping[str, Mapping[str, Any]]) -> Html | None:
    rows = [
        (_METRICS[metric], [(percentile, latency[metric][percentile]) for percentile in _PERCENTILES])
        for metric in _CHARTED
    ]
    if all(value is None for _, values in rows for _, value in values):
        return None
    return charts.bars("Latency percentiles, each group on its own scale", rows, "ms")


def _requests(document: Mapping[str, Any]) -> Html:
    requests = document["requests"]
    ends = ("started", "ok", "refused", "cut", "failed")
    return definitions(tuple((end.capitalize(), f"{requests[end]:,}") for end in ends))


def _errors(errors: Mapping[str, int]) -> Html | None:
    if not errors:
        return None
    rows = ((name, f"{number:,}") for name, number in sorted(errors.items(), key=lambda item: -item[1]))
    return table("Errors by class", ("Error", "How often"), rows)


def _audit(audit: Mapping[str, Any] | None) -> Html:
    if audit is None:
        return element("p", "No ledger was there to compare the receipts with.", class_="calm")
    kind = "v-pass" if audit["ok"] else "v-fail"
    facts = definitions(
        (
            ("Result", element("span", audit_result(audit), class_=f"badge {kind}")),
            ("Receipts of clients", f"{audit['receipts']:,}"),
            ("Rows of the ledger", f"{audit['ledger_rows']:,}"),
            ("Expected", _amount(audit["expected_microusd"])),
            ("Charged", _amount(audit["charged_microusd"])),
            ("Difference", _amount(audit["charged_microusd"] - audit["expected_microusd"])),
        )
    )
    found = audit["discrepancies"]
    if not found:
        return facts
    rows = (
        (
            item["request_id"] or figures.NONE,
            item["kind"],
            _amount(item["expected_microusd"]),
            _amount(item["charged_microusd"]),
            item["message"],
        )
        for item in found
    )
    heads = ("Request id", "Kind", "Expected", "Charged", "What is wrong")
    return join((facts, table(f"Discrepancies: {len(found):,}", heads, rows)))


def _amount(microusd: int | None) -> str:
    return figures.NONE if microusd is None else figures.usd(microusd)
