"""Line and column plots as inline SVG, for what happened over a run. Each says in words what it shows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from wiremark_reports import figures
from wiremark_reports.render.markup import Html, element

_WIDTH, _HEIGHT = 720, 220  # of a view box; the picture scales to its column
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 24, 30  # room around the plot itself
_TICKS = 4
_MOST_POINTS = 240  # more are drawn as the worst of their neighbours
_MOST_COLUMNS = 48

Points = Sequence[tuple[float, float | None]]


def lines(title: str, series: Mapping[str, Points], x_unit: str, y_unit: str) -> Html | None:
    """Lines over one axis; points without a value break them. None when there is nothing to draw."""
    known = [(x, y) for points in series.values() for x, y in points if y is not None]
    if len({x for x, _ in known}) < 2:
        return None
    low, high = min(x for x, _ in known), max(x for x, _ in known)
    top = _round_up(max(y for _, y in known))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)
        return _LEFT + across, _HEIGHT - _BOTTOM - y / top * (_HEIGHT - _TOP - _BOTTOM)

    drawn = [
        element(
            "polyline",
            points=" ".join(f"{a:.1f},{b:.1f}" for a, b in (place(x, y) for x, y in run)),
            class_=f"line s{number}",
        )
        for number, points in enumerate(series.values())
        for run in _runs(_thinned(points))
    ]
    return _framed(title, [*_axes(low, high, top, x_unit, y_unit), *drawn, *_legend(list(series))])


def columns(title: str, counts: Sequence[tuple[float, int]], x_unit: str) -> Html | None:
    """How often each value was measured; `counts` are (value, how often). None when there is nothing."""
    bins = _binned(counts)
    if not bins:
        return None
    low, high = bins[0][0], bins[-1][1]
    top = _round_up(max(count for _, _, count in bins))
    scale = (_WIDTH - _LEFT - _RIGHT) / (high - low)
    room = _HEIGHT - _TOP - _BOTTOM
    drawn = [
        element(
            "rect",
            x=f"{_LEFT + (start - low) * scale:.1f}",
            y=f"{_HEIGHT - _BOTTOM - count / top * room:.1f}",
            width=f"{max(1.0, (end - start) * scale - 1):.1f}",
            height=f"{count / top * room:.1f}",
            class_="bar p50",
        )
        for start, end, count in bins
    ]
    return _framed(title, [*_axes(low, high, top, x_unit, "answers"), *drawn])


def _framed(title: str, parts: Sequence[Html]) -> Html:
    return element(
        "svg",
        element("title", title),
        element("text", title, x=_LEFT, y=14, class_="name"),
        *parts,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        class_="bars plot",
    )


def _axes(low: float, high: float, top: float, x_unit: str, y_unit: str) -> Iterator[Html]:
    bottom = _HEIGHT - _BOTTOM
    for tick in range(_TICKS + 1):
        y = bottom - tick / _TICKS * (bottom - _TOP)
        yield element("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid")
        value = _short(top * tick / _TICKS)
        label = f"{value} {y_unit}" if tick == _TICKS else value
        yield element("text", label, x=_LEFT - 6, y=f"{y + 4:.1f}", text_anchor="end", class_="label")
    for tick in range(_TICKS + 1):
        x = _LEFT + tick / _TICKS * (_WIDTH - _LEFT - _RIGHT)
        anchor = "end" if tick == _TICKS else "middle"
        label = _short(low + (high - low) * tick / _TICKS)
        text = f"{label} {x_unit}" if tick == _TICKS else label
        yield element("text", text, x=f"{x:.1f}", y=_HEIGHT - 8, text_anchor=anchor, class_="label")


def _legend(names: Sequence[str]) -> Iterator[Html]:
    if len(names) < 2:
        return
    x = _WIDTH - _RIGHT
    for number, name in reversed(list(enumerate(names))):
        yield element("text", name, x=x, y=14, text_anchor="end", class_=f"s{number} legend")
        x -= 9 * len(name) + 14


def _thinned(points: Points) -> Points:
    """At most so many points, each the highest of those it stands for: a spike must not vanish."""
    width = math.ceil(len(points) / _MOST_POINTS)
    if width <= 1:
        return points
    groups = (points[start : start + width] for start in range(0, len(points), width))
    return [(group[0][0], max((y for _, y in group if y is not None), default=None)) for group in groups]


def _runs(points: Points) -> Iterator[list[tuple[float, float]]]:
    """The unbroken stretches of at least two points."""
    run: list[tuple[float, float]] = []
    for x, y in points:
        if y is not None:
            run.append((x, y))
            continue
        if len(run) > 1:
            yield run
        run = []
    if len(run) > 1:
        yield run


def _binned(counts: Sequence[tuple[float, int]]) -> list[tuple[float, float, int]]:
    """Columns of even width over the values, the rare highest percent in the last one."""
    total = sum(count for _, count in counts)
    if not total:
        return []
    ordered = sorted(counts)
    low, seen, high = ordered[0][0], 0, ordered[-1][0]
    for value, count in ordered:
        seen += count
        if seen >= 0.99 * total:
            high = value
            break
    if high <= low:
        low, high = low * 0.95, high * 1.05 or 1.0
    width = (high - low) / _MOST_COLUMNS
    bins = [0] * _MOST_COLUMNS
    for value, count in ordered:
        bins[min(_MOST_COLUMNS - 1, max(0, int((value - low) / width)))] += count
    return [(low + i * width, low + (i + 1) * width, count) for i, count in enumerate(bins)]


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 and 10 times a power of ten."""
    if value <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(power * step for step in (1, 2, 2.5, 5, 10) if power * step >= value)


def _short(value: float) -> str:
    """An axis label."""
    if value == int(value):
        return f"{int(value):,}"
    return figures.milliseconds(value)
