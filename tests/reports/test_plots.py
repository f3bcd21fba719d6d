"""Plots: what is drawn, what is left out, and that nothing of an endpoint gets in unescaped."""

from __future__ import annotations

import re

import pytest
from wiremark_reports.render import load_plots, plots
from wiremark_reports.render.markup import Html


def _points(svg: Html | None, class_: str) -> list[str]:
    return re.findall(rf'<polyline points="([^"]*)" class="{class_}">', svg or "")


def test_a_line_is_broken_where_nothing_was_measured() -> None:
    drawn = plots.lines("T", {"a": [(0, 1.0), (1, 2.0), (2, None), (3, 1.0), (4, 2.0)]}, "s", "ms")
    assert [len(line.split()) for line in _points(drawn, "line s0")] == [2, 2]


def test_a_spike_in_a_long_run_stays() -> None:
    points = [(float(i), 1000.0 if i == 777 else 1.0) for i in range(2000)]
    (line,) = _points(plots.lines("T", {"a": points}, "s", "ms"), "line s0")
    heights = [float(place.split(",")[1]) for place in line.split()]
    assert len(heights) <= 250
    assert heights.count(min(heights)) == 1
    assert min(heights) < 30


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)], [(1.0, None), (2.0, None)]])
def test_what_makes_no_line_is_not_drawn(points: list[tuple[float, float | None]]) -> None:
    assert plots.lines("T", {"a": points}, "s", "ms") is None


def test_columns_count_every_value_once() -> None:
    drawn = plots.columns("T", [(float(value), 2) for value in range(1, 101)], "ms") or ""
    heights = [float(found) for found in re.findall(r'height="([\d.]+)" class="bar', drawn)]
    assert len(heights) == 48
    assert min(heights) > 0
    assert plots.columns("T", [], "ms") is None
    assert plots.columns("T", [(5.0, 3)], "ms") is not None


def test_names_are_escaped() -> None:
    drawn = plots.lines("<b>", {"<i>": [(0, 1.0), (1, 2.0)], "b": []}, "s", "ms")
    assert drawn is not None
    assert "<b>" not in drawn
    assert "<i>" not in drawn


def test_an_old_report_without_a_timeline_has_no_plots() -> None:
    assert load_plots.section({}) is None


def test_a_sweep_is_drawn_against_what_was_offered() -> None:
    probes = [{"rate": rate, "met": True, "goodput": rate, "share": 1.0} for rate in (1.0, 2.0, 4.0)]
    drawn = load_plots.section({"sweep": {"probes": probes, "highest_rate": 4.0}})
    assert drawn is not None
    assert "Goodput against rate" in drawn
    assert _points(drawn, "line s0") == _points(drawn, "line s1")
