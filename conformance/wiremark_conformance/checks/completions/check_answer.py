"""Whole legacy completions: their shape, their choices, and what was asked of them."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, each, refused
from wiremark_conformance.checks.chat.check_answer import in_seconds, shared_id
from wiremark_conformance.checks.chat.check_usage import wrong_counts, wrong_total
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.completions import DEFAULT_BUDGET, PROMPTS, SMALL_BUDGET, STOP, N
from wiremark_conformance.values import is_int, is_text, shown

ANSWERS = ("completions.plain", "completions.prompts", "completions.logprobs", "completions.echo")
FINISH_REASONS = ("stop", "length", "content_filter")

accepted("completions.accepted", "completions.plain")
accepted("completions.nulls", "completions.nulls")
accepted("completions.prompts.accepted", "completions.prompts")
accepted("completions.tokens.accepted", "completions.tokens")
accepted("completions.stop.accepted", "completions.stop")
accepted("completions.echo.accepted", "completions.echo")
refused("completions.prompt-type", "completions.no-prompt")


@each("completions.id", *ANSWERS)
def answer_id(view: View) -> Outcome:
    found = view.object.get("id")
    return None if is_text(found) else f"`id` is {shown(found)}"


@each("completions.object", *ANSWERS)
def answer_object(view: View) -> Outcome:
    found = view.object.get("object")
    return None if found == "text_completion" else f"`object` is {shown(found)}"


@each("completions.created", *ANSWERS)
def created(view: View) -> Outcome:
    found = view.object.get("created")
    return None if is_int(found) else f"`created` is {shown(found)}"


@check("completions.created-seconds", "completions.plain")
def created_seconds(view: View) -> Outcome:
    return in_seconds(view.object.get("created"))


@check("completions.id-unique", "completions.plain", "completions.echo")
def id_unique(one: View, other: View) -> Outcome:
    return shared_id(one.object.get("id"), other.object.get("id"))


@each("completions.model", *ANSWERS)
def model(view: View) -> Outcome:
    found = view.object.get("model")
    return None if is_text(found) else f"`model` is {shown(found)}"


@each("completions.choices", *ANSWERS)
def choices(view: View) -> Outcome:
    found = view.object.get("choices")
    if isinstance(found, list) and found and all(isinstance(choice, dict) for choice in found):
        return None
    return f"`choices` is {shown(found)}"


@each("completions.text", *ANSWERS)
def text(view: View) -> Outcome:
    wrong = [choice for choice in view.choices if not isinstance(choice.get("text"), str)]
    return f"`text` of a choice is {shown(wrong[0].get('text'))}" if wrong else None


@each("completions.index", *ANSWERS)
def index(view: View) -> Outcome:
    found = [choice.get("index") for choice in view.choices]
    return None if all(is_int(one) for one in found) and 0 in found else f"the indexes are {shown(found)}"


@each("completions.finish-reason", *ANSWERS)
def finish_reason(view: View) -> Outcome:
    wrong = [c.get("finish_reason") for c in view.choices if c.get("finish_reason") not in FINISH_REASONS]
    return f"`finish_reason` is {shown(wrong[0])}" if wrong else None


@check("completions.logprobs-unasked", "completions.plain")
def logprobs_unasked(view: View) -> Outcome:
    choice = view.choices[0]
    if "logprobs" not in choice:
        return "a choice has no `logprobs`, which the published schema requires, if only as null"
    return f"`logprobs` is {shown(choice['logprobs'])}" if choice["logprobs"] else None


@each("completions.usage.integers", *ANSWERS)
def usage_integers(view: View) -> Outcome:
    found = view.object.get("usage")
    return wrong_counts(found) if isinstance(found, dict) else f"`usage` is {shown(found)}"


@each("completions.usage.total", *ANSWERS)
def usage_total(view: View) -> Outcome:
    return wrong_total(view.usage)


def _within(view: View, budget: int) -> Outcome:
    found = view.count("completion_tokens")
    return f"{found} completion tokens, the budget is {budget}" if found > budget else None


@check("completions.max-tokens.honoured", "completions.max-tokens")
def max_tokens(view: View) -> Outcome:
    return _within(view, SMALL_BUDGET)


@check("completions.max-tokens.default", "completions.default")
def default_budget(view: View) -> Outcome:
    return _within(view, DEFAULT_BUDGET)


@check("completions.max-tokens.finish-reason", "completions.max-tokens")
def max_tokens_finish(view: View) -> Outcome:
    if view.count("completion_tokens") < SMALL_BUDGET:
        raise NotTestable("the budget was not used up")
    found = view.choices[0].get("finish_reason")
    return None if found == "length" else f"the budget is used up and `finish_reason` is {shown(found)}"


@check("completions.prompts.count", "completions.prompts")
def prompts_count(view: View) -> Outcome:
    found, asked = len(view.choices), N * len(PROMPTS)
    return None if found == asked else f"{len(PROMPTS)} prompts and n {N} gave {found} choices"


@check("completions.prompts.indexes", "completions.prompts")
def prompts_indexes(view: View) -> Outcome:
    if len(view.choices) != N * len(PROMPTS):
        raise NotTestable("there is not a choice for every prompt")
    found = [choice.get("index") for choice in view.choices]
    expected = list(range(len(found)))
    if sorted(found, key=str) == sorted(expected, key=str):
        return None
    return f"the indexes are {shown(found)}"


@check("completions.stop.absent", "completions.stop")
def stop_absent(view: View) -> Outcome:
    found = view.choices[0].get("text")
    if isinstance(found, str) and STOP in found:
        return Silent(f"the text {shown(found)} holds the stop sequence {STOP!r}")
    return None


@check("completions.echo.honoured", "completions.echo")
def echo(view: View) -> Outcome:
    """Choices come under their index, which says whose prompt it is."""
    by_index = {
        choice.get("index"): choice.get("text") for choice in view.choices if is_int(choice.get("index"))
    }
    for position, prompt in enumerate(PROMPTS):
        found = by_index.get(position)
        if not isinstance(found, str):
            raise NotTestable(f"there is no text for the prompt {position}")
        if any(found.lstrip().startswith(other) for other in PROMPTS if other != prompt):
            return f"choice {position} begins with another prompt than its own: {shown(found)}"
        if not found.lstrip().startswith(prompt):
            return Silent(f"with `echo` the text is {shown(found)}, without its prompt")
    return None
