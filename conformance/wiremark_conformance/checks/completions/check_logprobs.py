"""The log probabilities of legacy completions: four lists of one length."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.completions import LOGPROBS
from wiremark_conformance.values import is_int, shown

_LISTS = ("tokens", "token_logprobs", "top_logprobs", "text_offset")

accepted("completions.logprobs.accepted", "completions.logprobs")


def _text(view: View) -> str:
    found = view.choices[0].get("text")
    if not isinstance(found, str) or not found:
        raise NotTestable("the completion has no text")
    return found


def _logprobs(view: View) -> Mapping[str, Any]:
    found = view.choices[0].get("logprobs")
    if not isinstance(found, dict) or "tokens" not in found:
        raise NotTestable("the completion has no log probabilities in the form of completions")
    return found


def _tokens(view: View) -> list[str]:
    found = _logprobs(view).get("tokens")
    if not isinstance(found, list) or not all(isinstance(token, str) for token in found):
        raise NotTestable("`tokens` is no list of strings")
    return found


@check("completions.logprobs.present", "completions.logprobs")
def present(view: View) -> Outcome:
    _text(view)
    found = view.choices[0].get("logprobs")
    return None if found else Silent(f"`logprobs` is {shown(found)}")


@check("completions.logprobs.form", "completions.logprobs")
def form(view: View) -> Outcome:
    """Not a bare list, nor the form that chat completions have."""
    _text(view)
    found = view.choices[0].get("logprobs")
    if not found:
        raise NotTestable("there are no log probabilities")
    if not isinstance(found, dict) or not all(isinstance(found.get(name), list) for name in _LISTS):
        return f"`logprobs` is {shown(found)}, not an object of {', '.join(_LISTS)}"
    lengths = {name: len(found[name]) for name in _LISTS}
    return None if len(set(lengths.values())) == 1 else f"the lists have the lengths {shown(lengths)}"


def _is_logprob(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and value <= 1e-6  # rounding of a certain token


@check("completions.logprobs.values", "completions.logprobs")
def values(view: View) -> Outcome:
    found = _logprobs(view).get("token_logprobs")
    if not isinstance(found, list):
        raise NotTestable("`token_logprobs` is no list")
    wrong = [value for value in found if not _is_logprob(value)]
    return f"a log probability is {shown(wrong[0])}" if wrong else None


@check("completions.logprobs.top", "completions.logprobs")
def top(view: View) -> Outcome:
    """The token that was taken may come on top of those asked for."""
    found = _logprobs(view).get("top_logprobs")
    if not isinstance(found, list):
        raise NotTestable("`top_logprobs` is no list")
    for entry in found:
        if not isinstance(entry, dict) or not all(_is_logprob(value) for value in entry.values()):
            return f"an entry of `top_logprobs` is {shown(entry)}"
        if len(entry) > LOGPROBS + 1:
            return f"{len(entry)} alternatives, {LOGPROBS} were asked for"
    return None


@check("completions.logprobs.text", "completions.logprobs")
def text(view: View) -> Outcome:
    """A token may be a part of a character; then the tokens do not say the text exactly."""
    joined, said = "".join(_tokens(view)), _text(view)
    if "�" in joined or "bytes:" in joined or said.strip() in joined:
        return None
    return f"the tokens are {shown(joined)}, the text {shown(said)}"


@check("completions.logprobs.offsets", "completions.logprobs")
def offsets(view: View) -> Outcome:
    """Where tokens begin, counted in characters from a start that implementations choose."""
    tokens, found = _tokens(view), _logprobs(view).get("text_offset")
    if not isinstance(found, list) or len(found) != len(tokens) or not found:
        raise NotTestable("there is no offset for every token")
    if not all(is_int(offset) for offset in found):
        return f"`text_offset` is {shown(found)}"
    if "".join(tokens) != _text(view):
        raise NotTestable("the tokens are not the text exactly")
    steps = list(accumulate((len(token) for token in tokens[:-1]), initial=found[0]))
    return None if found == steps else f"`text_offset` is {shown(found)}, the tokens begin at {shown(steps)}"
