"""A finished run as load.json (`meta/load-report.json`), as text for a terminal, and as an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from typing import Any

from wiremark_loadtests.bill.audit import Audit
from wiremark_loadtests.measure.tally import HISTOGRAMS, Tally
from wiremark_loadtests.settings import Settings

_NS_PER_MS = 1e6
_SHOWN = 20  # discrepancies shown in the terminal; load.json holds all
_NAMES = {
    "time_to_first_token": "time to first token",
    "inter_token": "between tokens",
    "end_to_end": "end to end",
}


def document(
    settings: Settings, users: int, tally: Tally, started: datetime, seconds: float, audit: Audit | None
) -> dict[str, Any]:
    """load.json as a value."""
    outcomes = {name: tally.outcomes.get(name, 0) for name in ("ok", "refused", "cut", "failed")}
    rate = 1 / seconds if seconds > 0 else 0.0
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
            "per_second": round(outcomes["ok"] * rate, 3),
        },
        "latency_ms": {name: asdict(tally.histograms[name].scaled(_NS_PER_MS)) for name in HISTOGRAMS},
        "tokens": {
            "input": tally.prompt_tokens,
            "output": tally.completion_tokens,
            "output_per_second": round(tally.completion_tokens * rate, 3),
        },
        "errors": dict(sorted(tally.errors.items())),
        "audit": None if audit is None else _audit(audit),
    }


def _audit(audit: Audit) -> dict[str, Any]:
    return {
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

    Refusals (4xx) are an endpoint's right, so they are no findings as long as something was answered.
    """
    audit, requests = load["audit"], load["requests"]
    wrong = [error for error in load["errors"] if not error.startswith("http-4")]
    if audit is not None and not audit["ok"]:
        return 1
    if problem or not requests["ok"]:
        return 3
    return 1 if wrong else 0


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
        *_latencies(load["latency_ms"]),
        f"tokens: {tokens['input']} in, {tokens['output']} out; {tokens['output_per_second']:.1f} out/s",
    ]
    if load["errors"]:
        lines.append("errors: " + ", ".join(f"{name} x{count}" for name, count in load["errors"].items()))
    if problem:
        lines.append(problem)
    elif not can_audit:
        lines.append(
            f"ledger audit: not possible: the contract {target['contract']!r} declares no usage operation"
        )
    if load["audit"] is not None:
        lines += _verdict(load["audit"])
    if not requests["ok"]:
        lines.append("no request was answered, so nothing was measured")
    return "\n".join(lines)


def _latencies(latency: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [f"{'ms':<22}{'p50':>10}{'p90':>10}{'p99':>10}{'max':>10}{'count':>10}"]
    for name in HISTOGRAMS:
        found = latency[name]
        shown = ["-" if found[key] is None else f"{found[key]:.2f}" for key in ("p50", "p90", "p99", "max")]
        cells = "".join(f"{cell:>10}" for cell in shown)
        rows.append(f"{_NAMES[name]:<22}{cells}{found['count']:>10}")
    return rows


def _verdict(audit: Mapping[str, Any]) -> list[str]:
    found = audit["discrepancies"]
    sums = (
        f"{audit['receipts']} receipts, {audit['ledger_rows']} ledger rows, "
        f"expected {audit['expected_microusd']} µUSD, charged {audit['charged_microusd']} µUSD"
    )
    if not found:
        return [f"ledger audit: no discrepancy; {sums}"]
    lines = [f"ledger audit: {len(found)} discrepancies; {sums}"]
    lines.append(f"  {'kind':<17}{'expected':>10}{'charged':>10}  request id: what was found")
    lines += [_line(entry) for entry in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"  … and {len(found) - _SHOWN} more, all in load.json")
    return lines


def _line(entry: Mapping[str, Any]) -> str:
    amounts = f"{_amount(entry['expected_microusd']):>10}{_amount(entry['charged_microusd']):>10}"
    return f"  {entry['kind']:<17}{amounts}  {entry['request_id'] or '-'}: {entry['message']}"


def _amount(amount: int | None) -> str:
    return "-" if amount is None else str(amount)
