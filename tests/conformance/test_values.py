"""The small questions that checks ask of JSON values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from wiremark_conformance.values import (
    YEAR_2015,
    YEAR_2100,
    is_count,
    is_int,
    is_number,
    is_plausible_time,
    is_text,
    listed,
    members,
    shown,
)

VALUES: list[Any] = [None, True, False, -1, 0, 1, 2, 0.0, 0.5, -0.5, "", "a", [], {}]


@pytest.mark.parametrize(
    ("question", "yes"),
    [
        (is_int, [-1, 0, 1, 2]),
        (is_count, [0, 1, 2]),
        (is_number, [0, 1, 2, 0.0, 0.5]),
        (is_text, ["a"]),
    ],
)
def test_a_question_is_answered_by_type_and_bound(question: Callable[[Any], bool], yes: list[Any]) -> None:
    said = [value for value in VALUES if question(value)]
    assert [(type(value), value) for value in said] == [(type(value), value) for value in yes]


def test_a_value_of_another_type_has_no_members_and_lists_nothing() -> None:
    assert [members(value) for value in [{"a": 1}, *VALUES]] == [{"a": 1}, *({} for _ in VALUES)]
    assert [listed(value) for value in [["a"], *VALUES]] == [["a"], *([] for _ in VALUES)]


@pytest.mark.parametrize(
    ("time", "plausible"),
    [(YEAR_2015 - 1, False), (YEAR_2015, True), (YEAR_2100 - 1, True), (YEAR_2100, False)],
)
def test_a_time_of_an_answer_is_of_this_century(time: int, plausible: bool) -> None:
    assert is_plausible_time(time) is plausible


def test_a_value_is_shown_as_json() -> None:
    assert shown({"a": [1, None]}) == '{"a": [1, null]}'
