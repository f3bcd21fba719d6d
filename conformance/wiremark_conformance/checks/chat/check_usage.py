"""Token counts of whole answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance.checking import check, each
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import is_count, is_int, members, shown

_ANSWERS = ("chat.plain", "chat.tools.forced", "chat.n", "chat.json-schema")
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


def wrong_counts(usage: Mapping[str, Any]) -> Outcome:
    """Counts that are not integers from 0."""
    wrong = [f"`{name}` is {shown(usage.get(name))}" for name in _COUNTS if not is_count(usage.get(name))]
    return "; ".join(wrong) or None


def wrong_total(usage: Mapping[str, Any]) -> Outcome:
    """A total that is not the sum; counts that are no integers are not added up."""
    prompt, completion, total = (usage.get(name) for name in _COUNTS)
    if not (is_int(prompt) and is_int(completion) and is_int(total)):
        raise NotTestable("the usage has not three integers")
    if prompt + completion == total:  # type: ignore[operator]
        return None
    return f"{prompt} prompt and {completion} completion tokens, but `total_tokens` is {total}"


@each("chat.usage.present", *_ANSWERS)
def present(view: View) -> Outcome:
    found = view.object.get("usage")
    return None if isinstance(found, dict) else f"`usage` is {shown(found)}"


@each("chat.usage.integers", *_ANSWERS)
def integers(view: View) -> Outcome:
    return wrong_counts(view.usage)


@each("chat.usage.total", *_ANSWERS)
def total(view: View) -> Outcome:
    return wrong_total(view.usage)


@check("chat.usage.positive", "chat.plain")
def positive(view: View) -> Outcome:
    if view.count("prompt_tokens") <= 0:
        return "the prompt has text, but `prompt_tokens` is 0"
    if view.content and view.count("completion_tokens") <= 0:
        return "the answer has text, but `completion_tokens` is 0"
    return None


@each("chat.usage.details", *_ANSWERS)
def details(view: View) -> Outcome:
    for whole, group, part in (
        ("prompt_tokens", "prompt_tokens_details", "cached_tokens"),
        ("completion_tokens", "completion_tokens_details", "reasoning_tokens"),
    ):
        within = view.usage.get(group)
        count = members(within).get(part)
        if is_int(count) and count > view.count(whole):  # type: ignore[operator]
            return f"{count} `{part}` are more than {view.count(whole)} `{whole}`"
    return None
