"""Small questions that checks ask about JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from wiremark_schemas.explain import shorten

FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "function_call")


def is_int(value: Any) -> bool:
    """A JSON integer; true and false are none, and neither is 10.0."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """A JSON number that is not negative."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def is_count(value: Any) -> TypeGuard[int]:
    """An integer that is not negative."""
    return is_int(value) and bool(value >= 0)


def is_text(value: Any) -> bool:
    """A string with something in it."""
    return isinstance(value, str) and value != ""


YEAR_2015, YEAR_2100 = 1_420_070_400, 4_102_444_800
"""Unix seconds before the first such API, and what milliseconds are far above."""


def is_plausible_time(value: int) -> bool:
    """Whether an integer can be a time of an answer in Unix seconds, and in no other unit."""
    return YEAR_2015 <= value < YEAR_2100


def members(value: Any) -> Mapping[str, Any]:
    """A JSON object as it is; of anything else none."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """A JSON array as it is; of anything else none."""
    return value if isinstance(value, list) else []


def shown(value: Any) -> str:
    """A value as a sentence quotes it."""
    return shorten(value)
