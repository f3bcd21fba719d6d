"""A finished run as load.json (`meta/load-report.json`), as text for a terminal, and as an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from typing import Any

from wiremark_loadtests.bill.audit import Audit
from wiremark_loadtests.client import stamps
from wiremark_loadtests.measure import health
from wiremark_loadtests.measure.health import Asked, Verdict
from wiremark_loadtests.measure.tally import LAGS, MEASURES, TIMED, Tally
from wiremark_loadtests.measure.timeline import COUNTS, Timeline
from wiremark_loadtests.settings import Settings
from wiremark_loadtests.traffic.demand import CLOSED, Demand

_NS_PER_MS = 1e6
GOOD_SHARE = 0.99  # of the requests, within the SLO: then a load is said to meet it
_SHOWN = 20  # discrepancies shown in the terminal; load.json holds all
_PERCENTILES = (("p50", 0.5), ("p90", 0.9), ("p99", 0.99))
NAMES = {
    "time_to_first_byte": "time to first byte",
    "time_to_first_token": "time to first token",
    "inter_token": "between tokens",
    "per_output_token": "per output token",
    "end_to_end": "end to end",
    "service": "from the sending",
    "queueing": "waited to be sent",
    "wake_lag": "generator read late",
    "loop_lag": "generator woke late",
}


def document(
    settings: Settings, users: int, tally: Tally, started: datetime, seconds: float, audit: Audit | None
) -> dict[str, Any]:
    """load.json as a value."""
    outcomes = {name: tally.outcomes.get(name, 0) for name in ("ok", "refused", "cut", "failed")}
    rate = 1 / seconds if seconds > 0 else 0.0
    staying = tally.started - tally.left
    return {
        "wiremark": "load/1",
        "tool": {"name": "wiremark", "version": version("wiremark")},
        "target": {
            "base_url": settings.base_url,
            "contract": settings.contract.name,
            "model": settings.model,
        },
        "started": started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(seconds, 3),
        "users": users,
        "seed": settings.seed,
        "requests": {
            "started": tally.started,
            **outcomes,
            "retries": tally.retries,
            "unsent": tally.unsent,
            "per_second": round(outcomes["ok"] * rate, 3),
        },
        "demand": _demand(settings.demand),
        "latency_ms": {name: asdict(tally.histograms[name].scaled(_NS_PER_MS)) for name in MEASURES},
        "goodput": {
            "slo_ms": dict(settings.slo.bounds),
            "good": tally.good,
            "per_second": round(tally.good * rate, 3),
            "share": round(tally.good / staying, 6) if staying else None,
        },
        "tokens": {
            "input": tally.prompt_tokens,
            "output": tally.completion_tokens,
            "events": tally.events,
            "doubtful": tally.doubtful,
            "input_per_second": round(tally.prompt_tokens * rate, 3),
            "output_per_second": round(tally.completion_tokens * rate, 3),
        },
        "errors": dict(sorted(tally.errors.items())),
        "generator": _generator(settings, users, tally),
        "timeline": _timeline(tally.timeline),
        "histograms": {name: tally.histograms[name].counts(_NS_PER_MS) for name in TIMED},
        "audit": None if audit is None else _audit(audit),
    }


def _demand(demand: Demand) -> dict[str, Any]:
    stages = () if demand.stages is None else demand.stages.all
    return {
        "arrivals": demand.kind,
        "burstiness": demand.burstiness,
        "stages": [[stage.start, stage.end, stage.seconds] for stage in stages],
    }


def verdict_of(settings: Settings, users: int, tally: Tally) -> Verdict:
    """Whether the generator was the bottleneck."""
    asked = Asked(users, settings.demand.is_open, _is_stamped(settings), pauses=bool(tally.errors))
    return health.judge(asked, tally.workers, tally.histograms, tally.unsent)


def _is_stamped(settings: Settings) -> bool:
    return stamps.available(tls=settings.endpoint.scheme == "https")


def _generator(settings: Settings, users: int, tally: Tally) -> dict[str, Any]:
    verdict = verdict_of(settings, users, tally)
    return {
        "valid": verdict.valid,
        "reasons": list(verdict.reasons),
        "kernel_stamps": _is_stamped(settings),
        "lag_ms": {name: asdict(tally.histograms[name].scaled(_NS_PER_MS)) for name in LAGS},
        "workers": health.to_json(tally.workers),
    }


def _timeline(timeline: Timeline) -> dict[str, Any]:
    slots = []
    for number, slot in sorted(timeline.slots.items()):
        histograms = slot.read()
        times = {
            name: {label: _milliseconds(histograms[name].quantile(q)) for label, q in _PERCENTILES}
            for name in TIMED
        }
        counts = {name: getattr(slot, name) for name in COUNTS}
        slots.append({"second": number * timeline.width, **counts, "latency_ms": times})
    return {"width_seconds": timeline.width, "slots": slots}


def _milliseconds(nanoseconds: float | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / _NS_PER_MS, 4)


def timeline_csv(load: Mapping[str, Any]) -> str:
    """The timeline as CSV: a line a slot."""
    labels = [label for label, _ in _PERCENTILES]
    times = [f"{name}_{label}_ms" for name in TIMED for label in labels]
    lines = [",".join(("second", *COUNTS, *times))]
    for slot in load["timeline"]["slots"]:
        measured = [slot["latency_ms"][name][label] for name in TIMED for label in labels]
        cells = [slot["second"], *(slot[name] for name in COUNTS), *measured]
        lines.append(",".join("" if cell is None else str(cell) for cell in cells))
    return "\n".join(lines) + "\n"


def _audit(audit: Audit) -> dict[str, Any]:
    return {
        "basis": audit.basis,
        "receipts": audit.receipts,
        "ledger_rows": audit.rows,
        "expected_microusd": audit.expected,
        "charged_microusd": audit.charged,
        "ok": audit.ok,
        "discrepancies": [
            {
                "kind": entry.kind,
                "request_id": entry.request_id,
                "expected_microusd": entry.expected,
                "charged_microusd": entry.charged,
                "message": entry.message,
            }
            for entry in audit.discrepancies
        ],
    }


def exit_code(load: Mapping[str, Any], problem: str = "") -> int:
    """0 good; 1 the bill differs or requests went wrong; 3 nothing could be judged.

    Refusals (4xx) are an endpoint's right, so they are no findings as long as something was answered. An
    SLO that too few requests met is a finding, unless the generator was the bottleneck: then it may have
    been that.
    """
    audit, requests = load["audit"], load["requests"]
    wrong = [error for error in load["errors"] if not error.startswith("http-4")]
    if audit is not None and not audit["ok"]:
        return 1
    if problem or not requests["ok"]:
        return 3
    if wrong:
        return 1
    if load["goodput"]["slo_ms"] and not slo_met(load):
        return 1 if load["generator"]["valid"] else 3
    return 0


def slo_met(load: Mapping[str, Any]) -> bool:
    """Whether enough of the requests were answered within the SLO."""
    return (load["goodput"]["share"] or 0.0) >= GOOD_SHARE


def text(load: Mapping[str, Any], *, can_audit: bool, problem: str = "") -> str:
    """The run in a few lines, discrepancies as a table."""
    requests, tokens, target = load["requests"], load["tokens"], load["target"]
    head = (
        f"load: {load['users']} users for {load['seconds']:.1f} s on {target['base_url']} "
        f"({target['contract']}, {target['model']}, seed {load['seed']})"
    )
    counts = (
        f"requests: {requests['started']} started, {requests['ok']} ok, {requests['refused']} refused, "
        f"{requests['cut']} cut, {requests['failed']} failed; {requests['per_second']:.1f} ok/s"
    )
    lines = [
        head,
        counts,
        *_latencies(load["latency_ms"], is_open=load["demand"]["arrivals"] != CLOSED),
        f"tokens: {tokens['input']} in, {tokens['output']} out; {tokens['output_per_second']:.1f} out/s",
    ]
    lines += _goodput(load)
    if tokens["doubtful"]:
        lines.append(f"usage: {tokens['doubtful']} answers had text and told 0 output tokens")
    lines += [
        f"clocks: that of {worker['name']} is {worker['behind_ms'] / 1000:+.1f} s behind; put right"
        for worker in load["generator"]["workers"]
        if worker.get("behind_ms")
    ]
    if load["errors"]:
        lines.append("errors: " + ", ".join(f"{name} x{count}" for name, count in load["errors"].items()))
    if problem:
        lines.append(problem)
    elif not can_audit:
        lines.append(
            f"ledger audit: not possible: the contract {target['contract']!r} declares no usage operation "
            "and no balance"
        )
    if load["audit"] is not None:
        lines += _verdict(load["audit"])
    if not requests["ok"]:
        lines.append("no request was answered, so nothing was measured")
    return "\n".join(lines)


def _goodput(load: Mapping[str, Any]) -> list[str]:
    good, generator = load["goodput"], load["generator"]
    lines = []
    if good["slo_ms"]:
        bounds = ", ".join(f"{name} {bound:g} ms" for name, bound in good["slo_ms"].items())
        share = good["share"] or 0.0
        lines.append(f"goodput: {good['per_second']:.1f}/s, {share:.1%} of the requests within {bounds}")
    lines += [f"the generator was the bottleneck: {reason}" for reason in generator["reasons"]]
    return lines


def _latencies(latency: Mapping[str, Mapping[str, Any]], *, is_open: bool) -> list[str]:
    """In a closed loop requests are sent when they are due: two measures of the open one say nothing."""
    rows = [f"{'ms':<22}{'p50':>10}{'p90':>10}{'p99':>10}{'max':>10}{'count':>10}"]
    for name in MEASURES if is_open else MEASURES[:-2]:
        found = latency[name]
        shown = ["-" if found[key] is None else f"{found[key]:.2f}" for key in ("p50", "p90", "p99", "max")]
        cells = "".join(f"{cell:>10}" for cell in shown)
        rows.append(f"{NAMES[name]:<22}{cells}{found['count']:>10}")
    return rows


def _verdict(audit: Mapping[str, Any]) -> list[str]:
    found = audit["discrepancies"]
    against = f"{audit['ledger_rows']} ledger rows" if audit["basis"] == "rows" else f"the {audit['basis']}"
    sums = (
        f"{audit['receipts']} receipts, {against}, "
        f"expected {audit['expected_microusd']} µUSD, charged {audit['charged_microusd']} µUSD"
    )
    if not found:
        return [f"ledger audit: no discrepancy; {sums}"]
    lines = [f"ledger audit: {len(found)} discrepancies; {sums}"]
    lines.append(f"  {'kind':<20}{'expected':>10}{'charged':>10}  request id: what was found")
    lines += [_line(entry) for entry in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"  … and {len(found) - _SHOWN} more, all in load.json")
    return lines


def _line(entry: Mapping[str, Any]) -> str:
    amounts = f"{_amount(entry['expected_microusd']):>10}{_amount(entry['charged_microusd']):>10}"
    return f"  {entry['kind']:<20}{amounts}  {entry['request_id'] or '-'}: {entry['message']}"


def _amount(amount: int | None) -> str:
    return "-" if amount is None else str(amount)
