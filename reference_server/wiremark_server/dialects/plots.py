"""Plots as SVG without a script; what a plot shows is also said in its title, for those who do not see it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 240, 40


def line(name: str, told: str, values: Sequence[float], width: int = WIDTH, height: int = HEIGHT) -> str:
    """A line over values, oldest first, scaled to the largest.

    name: unique on its page; told: what the plot shows, as a sentence
    """
    if not values:
        return "none yet"
    values = values if len(values) > 1 else [*values, *values]
    top = max(*values, 1.0)
    step = width / (len(values) - 1)
    points = " ".join(
        f"{position * step:.1f},{height - value / top * (height - 2) - 1:.1f}"
        for position, value in enumerate(values)
    )
    return _framed(name, told, width, height, f"<polyline points='{points}'/>")


def latency(name: str, whose: str, values: Sequence[float]) -> str:
    """What requests took, in ms, oldest first; `name` is unique on its page."""
    return line(name, f"{whose}: {len(values)} requests, up to {max(values, default=0):.0f} ms", values)


def bars(name: str, told: str, values: Sequence[float], width: int = 3 * WIDTH, height: int = 80) -> str:
    """A bar for each value, scaled to the largest."""
    top = max(values, default=0) or 1
    step = width / max(len(values), 1)
    drawn = "".join(
        f"<rect x='{position * step + 1:.1f}' y='{height - tall:.1f}' "
        f"width='{step - 2:.1f}' height='{tall:.1f}'/>"
        for position, value in enumerate(values)
        if (tall := value / top * (height - 2)) > 0
    )
    return _framed(name, told, width, height, drawn)


def _framed(name: str, told: str, width: int, height: int, drawn: str) -> str:
    label = f"plot-{re.sub('[^a-zA-Z0-9]', '-', name)}"
    return (
        f"<svg role='img' aria-labelledby='{label}' viewBox='0 0 {width} {height}' "
        f"width='{width}' height='{height}'><title id='{label}'>{escape(told)}</title>{drawn}</svg>"
    )
