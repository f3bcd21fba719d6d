"""Tabs on Locust's own web page: tokens and latency, the audit, the workers; live.

Locust's page shows any table that `/stats/requests` carries as `extended_stats` under a tab that its
template arguments declare as `extended_tabs`. Keys are single words: the page rewrites others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flask import Flask, Response, request
from locust.env import Environment

from wiremark_loadtests import summary
from wiremark_loadtests.bill.live import LiveAudit
from wiremark_loadtests.measure import health
from wiremark_loadtests.measure.tally import LAGS, MEASURES
from wiremark_loadtests.run import Run

Row = Mapping[str, Any]
_SHOWN = 500  # discrepancies; load.json holds all
_PERCENTILES = ("mean", "p50", "p90", "p99", "max")

# Tab: key, title, and the columns of its table, key and title each.
_TABS: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "wiremark-latency",
        "Tokens & latency",
        (
            ("measure", "Measure"),
            *((name, name if name.startswith("p") else name.capitalize()) for name in _PERCENTILES),
            ("count", "Count"),
        ),
    ),
    (
        "wiremark-audit",
        "Audit",
        (
            ("what", "What"),
            ("request", "Request id"),
            ("expected", "Expected µUSD"),
            ("charged", "Charged µUSD"),
            ("message", "Message"),
        ),
    ),
    (
        "wiremark-workers",
        "Load workers",
        (
            ("name", "Process"),
            ("requests", "Requests"),
            ("peak", "Most at once"),
            ("cpu", "Share of a core"),
            ("verdict", "Verdict"),
        ),
    ),
)


def attach(environment: Environment, current: Callable[[], Run | None]) -> None:
    """Add the tabs to the page of a process that has one; `current` is the run to show."""
    page = environment.web_ui
    if page is None or page.app is None:
        return
    page.template_args |= {
        "extended_tabs": [{"key": key, "title": title} for key, title, _ in _TABS],
        "extended_tables": [
            {
                "key": key,
                "title": title,
                "structure": [{"key": name, "title": head} for name, head in columns],
            }
            for key, title, columns in _TABS
        ],
        "extended_csv_files": [{"href": "/wiremark/load.json", "title": "Download load.json"}],
    }
    _serve(page.app, current)


def _serve(app: Flask, current: Callable[[], Run | None]) -> None:
    @app.after_request
    def extend(response: Response) -> Response:
        if request.path == "/stats/requests" and response.status_code == 200:
            told = json.loads(response.get_data()) | {"extended_stats": stats(current())}
            response.set_data(json.dumps(told))
        return response

    @app.route("/wiremark/load.json")
    def load_json() -> Response:
        run = current()
        if run is None:
            return Response('{"error": "no run yet"}', 404, content_type="application/json")
        return Response(json.dumps(run.document(), indent=2), content_type="application/json")


def stats(run: Run | None) -> list[dict[str, Any]]:
    """The rows of every tab."""
    makers: tuple[Callable[[Run], Iterator[Row]], ...] = (latency, audit, workers)
    return [
        {"key": key, "data": [] if run is None else list(make(run))}
        for (key, _, _), make in zip(_TABS, makers, strict=True)
    ]


def latency(run: Run) -> Iterator[Row]:
    """Times in milliseconds, then tokens and rates."""
    tally, seconds = run.tally, max(run.seconds, 1e-9)
    for name in (*MEASURES, *LAGS):
        found = tally.histograms[name].scaled(1e6)
        times = {name: _short(getattr(found, name)) for name in _PERCENTILES}
        yield {"measure": f"{summary.NAMES[name]} (ms)", "count": found.count, **times}
    rates: Sequence[tuple[str, int]] = (
        ("output tokens per second", tally.completion_tokens),
        ("input tokens per second", tally.prompt_tokens),
        ("answers per second", tally.outcomes["ok"]),
        ("goodput per second", tally.good),
    )
    for label, total in rates:
        yield {"measure": label, "mean": round(total / seconds, 2), "count": total}


def audit(run: Run) -> Iterator[Row]:
    """What is known of the bill: live what it should be, after the run every discrepancy."""
    expected = run.expected
    yield {
        "what": "receipts",
        "expected": expected,
        "message": f"{run.receipts} receipts so far: {_outcomes(run)}",
    }
    found = run.result.document["audit"] if run.result is not None else None
    if run.result is None:
        yield from _so_far(run.live)
    elif found is None:
        yield {"what": "audit", "message": "not possible: see the terminal"}
    else:
        yield {
            "what": "no discrepancy" if found["ok"] else f"{len(found['discrepancies'])} discrepancies",
            "expected": found["expected_microusd"],
            "charged": found["charged_microusd"],
            "message": f"{found['receipts']} receipts held against {found['ledger_rows']} ledger rows",
        }
        for entry in found["discrepancies"][:_SHOWN]:
            yield {
                "what": entry["kind"],
                "request": entry["request_id"],
                "expected": entry["expected_microusd"],
                "charged": entry["charged_microusd"],
                "message": entry["message"],
            }


def _so_far(live: LiveAudit | None) -> Iterator[Row]:
    if live is None:
        yield {"what": "audit", "message": "the bill is audited when the run has ended"}
        return
    found = live.discrepancies
    yield {
        "what": f"{len(found)} discrepancies so far" if found else "no discrepancy so far",
        "expected": live.expected,
        "charged": live.charged,
        "message": live.problem or f"{live.judged} receipts judged, {live.waiting} waiting",
    }
    for entry in found[:_SHOWN]:
        yield {
            "what": entry.kind,
            "request": entry.request_id,
            "expected": entry.expected,
            "charged": entry.charged,
            "message": entry.message,
        }


def workers(run: Run) -> Iterator[Row]:
    """The generating processes, and whether they were the bottleneck."""
    verdict = summary.verdict_of(run.settings, run.users, run.tally)
    for worker in health.to_json(run.tally.workers):
        yield {
            "name": worker["name"],
            "requests": worker["requests"],
            "peak": worker["peak"],
            "cpu": f"{worker['cpu_share']:.0%}",
            "verdict": "busy" if worker["cpu_share"] >= health.BUSY else "fine",
        }
    for reason in verdict.reasons:
        yield {"name": "all", "verdict": f"the generator is the bottleneck: {reason}"}


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _outcomes(run: Run) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(run.tally.outcomes.items())) or "none"
