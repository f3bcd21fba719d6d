"""Token counts of whole answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.gemini import ANSWERS
from wiremark_conformance.evidence import View
from wiremark_conformance.gemini import answer
from wiremark_conformance.outcome import Outcome
from wiremark_conformance.values import is_count, shown

_NEEDED = ("promptTokenCount", "totalTokenCount")
_OPTIONAL = (
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "cachedContentTokenCount",
    "toolUsePromptTokenCount",
)


@each("gemini.usage.present", *ANSWERS)
def present(view: View) -> Outcome:
    found = view.object.get("usageMetadata")
    return None if isinstance(found, dict) else f"`usageMetadata` is {shown(found)}"


@each("gemini.usage.integers", *ANSWERS)
def integers(view: View) -> Outcome:
    return wrong_counts(answer(view).usage)


def wrong_counts(usage: Mapping[str, Any]) -> Outcome:
    """Counts that are not integers from 0; a fraction makes google-genai raise."""
    for name in (*_NEEDED, *_OPTIONAL):
        if (name in _NEEDED or name in usage) and not is_count(usage.get(name)):
            return f"`usageMetadata.{name}` is {shown(usage.get(name))}"
    return None


@each("gemini.usage.total", *ANSWERS)
def total(view: View) -> Outcome:
    return wrong_total(view)


def wrong_total(view: View) -> Outcome:
    """A total that is not prompt, candidates, thoughts and what tools read."""
    said = answer(view)
    parts = said.count("promptTokenCount") + said.answered + said.count("toolUsePromptTokenCount", 0)
    found = said.count("totalTokenCount")
    return None if found == parts else f"`totalTokenCount` is {found}, its parts add up to {parts}"


@check("gemini.usage.positive", "gemini.plain")
def positive(view: View) -> Outcome:
    said = answer(view)
    if said.count("promptTokenCount") <= 0:
        return "the prompt has text, but `promptTokenCount` is 0"
    if said.text() and said.count("candidatesTokenCount", 0) <= 0:
        return "the answer has text, but `candidatesTokenCount` is 0 or absent"
    return None


@each("gemini.usage.cached", *ANSWERS)
def cached(view: View) -> Outcome:
    said = answer(view)
    found, whole = said.count("cachedContentTokenCount", 0), said.count("promptTokenCount")
    return f"{found} cached tokens are more than {whole} of the prompt" if found > whole else None
