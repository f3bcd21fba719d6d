"""Counts and numbers of a report as text; pure, shared by every rendering."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from wiremark_reports.record import FINDINGS, Result, Verdict

NONE = "—"  # stands where nothing was measured
_MICRO = 1_000_000


def tally(results: Iterable[Result]) -> dict[Verdict, int]:
    """How many results have each verdict, in the order of `Verdict`, zeros left out."""
    counts = Counter(result.verdict for result in results)
    return {verdict: counts[verdict] for verdict in Verdict if counts[verdict]}


def findings(results: Iterable[Result]) -> tuple[Result, ...]:
    """The results a reader has to look at, gravest first, MUST before SHOULD before MAY."""
    levels = ("MUST", "SHOULD", "MAY")
    found = [result for result in results if result.verdict in FINDINGS]
    found.sort(key=lambda r: (r.deviation is not None, FINDINGS.index(r.verdict), levels.index(r.level)))
    return tuple(found)


def by_area(results: Sequence[Result]) -> Mapping[str, tuple[Result, ...]]:
    """The results of each area; areas in the order in which they first appear."""
    areas: dict[str, list[Result]] = {}
    for result in results:
        areas.setdefault(result.area, []).append(result)
    return {area: tuple(members) for area, members in areas.items()}


def count(number: int, noun: str) -> str:
    """`1 request`, `2 requests`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def usd(microusd: int) -> str:
    """An amount of µUSD in dollars, exact: integer arithmetic, all six places."""
    sign, amount = ("-" if microusd < 0 else ""), abs(microusd)
    return f"{sign}${amount // _MICRO:,}.{amount % _MICRO:06d}"


def seconds(value: float) -> str:
    """A duration: `0.42 s`, `12.3 s`, `3 min 05 s`."""
    if value < 10:
        return f"{value:.2f} s"
    if value < 60:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole // 60} min {whole % 60:02d} s"


def milliseconds(value: float | None) -> str:
    """A latency without its unit, three digits that mean something, or a dash."""
    if value is None:
        return NONE
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def rate(value: float) -> str:
    """Something per second, without its unit."""
    return f"{value:.2f}" if value < 10 else f"{value:,.1f}"
