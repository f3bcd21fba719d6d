"""Small inline SVG charts. Each says in words what it shows: a table beside it has the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wiremark_reports import figures
from wiremark_reports.record import Verdict
from wiremark_reports.render.markup import Html, element

_WIDTH = 720  # of a view box; the picture scales to its column
_ROW = 24
_LABEL = 190  # room for the names at the left


def proportions(counts: Mapping[Verdict, int]) -> Html:
    """One bar divided among the verdicts by how often each occurs."""
    total = sum(counts.values())
    said = ", ".join(f"{number} {verdict}" for verdict, number in counts.items())
    parts, at = [], 0.0
    for verdict, number in counts.items():
        width = _WIDTH * number / total
        parts.append(
            element("rect", x=f"{at:.2f}", y=0, width=f"{width:.2f}", height=14, class_=f"v-{verdict}")
        )
        at += width
    return element(
        "svg",
        element("title", f"Requirements by verdict: {said}"),
        *parts,
        viewBox=f"0 0 {_WIDTH} 14",
        preserveAspectRatio="none",
        role="img",
        class_="proportions",
    )


def bars(title: str, rows: Sequence[tuple[str, Iterable[tuple[str, float | None]]]], unit: str) -> Html:
    """Horizontal bars in groups, each group on a scale of its own so that small ones can be seen."""
    parts: list[Html] = []
    y = 0
    for name, values in rows:
        known = [(label, value) for label, value in values if value is not None]
        if not known:
            continue
        parts.append(element("text", name, x=0, y=y + 16, class_="name"))
        largest = max(value for _, value in known) or 1.0
        for label, value in known:
            width = max(1.0, (_WIDTH - _LABEL - 150) * value / largest)
            parts += [
                element("text", label, x=_LABEL - 8, y=y + 16, text_anchor="end", class_="label"),
                element(
                    "rect", x=_LABEL, y=y + 4, width=f"{width:.1f}", height=16, rx=3, class_=f"bar {label}"
                ),
                element(
                    "text", f"{figures.milliseconds(value)} {unit}", x=f"{_LABEL + width + 8:.1f}", y=y + 16
                ),
            ]
            y += _ROW
        y += 12
    return element(
        "svg",
        element("title", title),
        *parts,
        viewBox=f"0 0 {_WIDTH} {max(y - 12, 1)}",
        role="img",
        class_="bars",
    )
