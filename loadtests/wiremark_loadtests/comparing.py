"""`wiremark load compare A B`: whether run B is worse than run A.

A difference counts when it is larger than the tolerance, and for latencies also larger than what the
recorder can tell apart. Runs that cannot be compared (another target model, scenario of arrivals, or a
generator that was the bottleneck) are said to be so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wiremark_reports import reader
from wiremark_reports.files import LOAD

from wiremark_loadtests.measure.recorder import ERROR

_TOLERANCE = 10.0  # percent
# Measure, path in the document, and whether more of it is better.
_MEASURES: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("time to first token, p50", ("latency_ms", "time_to_first_token", "p50"), False),
    ("time to first token, p99", ("latency_ms", "time_to_first_token", "p99"), False),
    ("between tokens, p50", ("latency_ms", "inter_token", "p50"), False),
    ("between tokens, p99", ("latency_ms", "inter_token", "p99"), False),
    ("end to end, p50", ("latency_ms", "end_to_end", "p50"), False),
    ("end to end, p99", ("latency_ms", "end_to_end", "p99"), False),
    ("answers per second", ("requests", "per_second"), True),
    ("output tokens per second", ("tokens", "output_per_second"), True),
    ("goodput per second", ("goodput", "per_second"), True),
)
_SAME = (("target", "model"), ("users",), ("demand",), ("goodput", "slo_ms"))


@dataclass(frozen=True, slots=True)
class Change:
    """One measure in both runs; `percent` is positive for more."""

    name: str
    before: float
    after: float
    percent: float
    verdict: str


def compare(argv: Sequence[str]) -> int:
    """Return 0 when B is no worse, 1 when it is, 2 for wrong use, 3 when the two cannot be compared."""
    parser = argparse.ArgumentParser(prog="wiremark load compare", description="Hold run B against run A.")
    parser.add_argument("before", type=Path, metavar="A", help="folder or load.json of the earlier run")
    parser.add_argument("after", type=Path, metavar="B", help="folder or load.json of the later run")
    parser.add_argument(
        "--tolerance", type=float, default=_TOLERANCE, metavar="PERCENT", help="that is no change (10)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(argv)
    try:
        before, after = _read(options.before), _read(options.after)
    except reader.ReportError as error:
        print(f"wiremark load compare: {error}", file=sys.stderr)
        return 2
    reasons = list(incomparable(before, after))
    changes = list(differences(before, after, options.tolerance))
    worse = regressions(before, after, changes)
    if options.json:
        told = {
            "comparable": not reasons,
            "reasons": reasons,
            "worse": worse,
            "changes": [
                {name: getattr(change, name) for name in ("name", "before", "after", "percent", "verdict")}
                for change in changes
            ],
        }
        print(json.dumps(told, indent=2))
    else:
        print(_text(changes, reasons, worse))
    if reasons:
        return 3
    return 1 if worse else 0


def differences(before: Mapping[str, Any], after: Mapping[str, Any], tolerance: float) -> Iterator[Change]:
    """Every measure that both runs have."""
    least = max(tolerance, 200 * ERROR)
    for name, path, more_is_better in _MEASURES:
        first, second = _at(before, path), _at(after, path)
        if first is None or second is None or (not first and not second):
            continue
        percent = (second - first) / first * 100 if first else float("inf")
        verdict = "same"
        if abs(percent) > least:
            verdict = "better" if (percent > 0) == more_is_better else "worse"
        yield Change(name, first, second, round(percent, 2), verdict)


def regressions(before: Mapping[str, Any], after: Mapping[str, Any], changes: Sequence[Change]) -> list[str]:
    """What makes B the worse run, as sentences."""
    worse = [
        f"{change.name}: {change.before:g}, then {change.after:g} ({change.percent:+.1f} %)"
        for change in changes
        if change.verdict == "worse"
    ]
    new = sorted(set(after["errors"]) - set(before["errors"]))
    worse += [f"errors that were not there before: {name} x{after['errors'][name]}" for name in new]
    was_wrong = before["audit"] is not None and not before["audit"]["ok"]
    if after["audit"] is not None and not after["audit"]["ok"] and not was_wrong:
        worse.append(f"the bill does not add up: {len(after['audit']['discrepancies'])} discrepancies")
    return worse


def incomparable(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Why the two runs do not measure the same thing."""
    for path in _SAME:
        first, second = _at(before, path), _at(after, path)
        if first != second:
            yield f"{'.'.join(path)} differs: {first}, then {second}"
    for name, run in (("A", before), ("B", after)):
        for reason in (run.get("generator") or {}).get("reasons", ()):
            yield f"in {name} the generator was the bottleneck: {reason}"


def _read(path: Path) -> dict[str, Any]:
    return reader.read_load(path / LOAD if path.is_dir() else path)


def _at(document: Mapping[str, Any], path: Sequence[str]) -> Any:
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _text(changes: Sequence[Change], reasons: Sequence[str], worse: Sequence[str]) -> str:
    lines = [f"{'':<28}{'A':>12}{'B':>12}{'change':>10}"]
    lines += [
        f"{change.name:<28}{change.before:>12.2f}{change.after:>12.2f}{change.percent:>+9.1f}%"
        + ("" if change.verdict == "same" else f"  {change.verdict}")
        for change in changes
    ]
    lines += [f"not comparable: {reason}" for reason in reasons]
    if not reasons:
        lines.append("B is worse:" if worse else "B is no worse than A")
        lines += [f"  {sentence}" for sentence in worse]
    return "\n".join(lines)
