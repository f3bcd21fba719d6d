"""Token counts of a whole message."""

from __future__ import annotations

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.messages import WHOLE
from wiremark_conformance.evidence import View
from wiremark_conformance.messages import answer
from wiremark_conformance.order import at
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.shapes import schema_violations
from wiremark_conformance.values import is_count, is_int, shown

_NEEDED = ("input_tokens", "output_tokens")


@each("messages.usage.counts", *WHOLE)
def counts(view: View) -> Outcome:
    usage = view.object.get("usage")
    if not isinstance(usage, dict):
        return f"`usage` is {shown(usage)}"
    wrong = [name for name in _NEEDED if not is_count(usage.get(name))]
    return f"`usage.{wrong[0]}` is {shown(usage.get(wrong[0]))}" if wrong else None


@each("messages.usage.types", *WHOLE)
def types(view: View) -> Outcome:
    usage = answer(view).usage
    if any(not is_count(usage.get(name)) for name in _NEEDED):
        raise NotTestable("the usage lacks its two counts")
    found = schema_violations("anthropic/usage", usage)
    return "; ".join(str(violation) for violation in found[:3]) or None


@each("messages.usage.counted", "messages.plain", "messages.stream", "messages.tools.forced")
def counted(view: View) -> Outcome:
    """Nothing in or nothing out, for a question that was asked and an answer that was given."""
    said = answer(view)
    if not said.blocks:
        raise NotTestable("the answer has no content")
    if said.total_input == 0:
        return "the usage counts no token of the prompt"
    return None if said.count("output_tokens") else "the usage counts no token of the answer"


@check("messages.usage.details", "messages.plain")
def details(view: View) -> Outcome:
    usage = answer(view).usage
    split, whole = usage.get("cache_creation"), usage.get("cache_creation_input_tokens")
    if isinstance(split, dict) and is_int(whole):
        parts = sum(value for value in split.values() if is_count(value))
        if parts != whole:
            return f"`cache_creation` adds up to {parts}, `cache_creation_input_tokens` is {whole}"
    thought = at("/output_tokens_details/thinking_tokens", usage)
    out = usage.get("output_tokens")
    if is_int(thought) and is_int(out) and thought > out:
        return f"{thought} thinking tokens of {out} output tokens"
    return None
