"""`max_tokens` and `max_completion_tokens`: the budget holds, and the answer says that it was cut."""

from __future__ import annotations

from typing import Any

from wiremark_conformance.checking import accepted, check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.chat import SMALL_BUDGET

# Far more characters than that many tokens have in any tokenizer, for answers without usage.
_TOO_LONG = SMALL_BUDGET * 25

accepted("chat.max-tokens.accepted", "chat.max-tokens")
accepted("chat.max-completion-tokens.accepted", "chat.max-completion-tokens")


def _tokens(view: View) -> int | None:
    try:
        return view.count("completion_tokens")
    except NotTestable:
        return None


def _over_budget(view: View, text: str) -> str:
    tokens = _tokens(view)
    if tokens is not None and tokens > SMALL_BUDGET:
        return f"{tokens} completion tokens, although the budget was {SMALL_BUDGET}"
    if len(text) > _TOO_LONG:
        return f"{len(text)} characters of text, although the budget was {SMALL_BUDGET} tokens"
    return ""


def _honoured(view: View, text: str) -> Outcome:
    over = _over_budget(view, text)
    return Silent(over) if over else None


def _cut_off(view: View, text: str, reason: Any) -> Outcome:
    """A model may end by itself below its budget; at the budget it was cut off."""
    if _over_budget(view, text):
        raise NotTestable("the budget was not honoured")
    tokens = _tokens(view)
    if reason == "length" or (reason == "stop" and tokens is not None and tokens < SMALL_BUDGET):
        return None
    if reason == "stop" and tokens is None:
        raise NotTestable("without a usage it is not known whether the answer was cut off")
    return f"`finish_reason` is {reason!r} after {tokens} of {SMALL_BUDGET} tokens"


@check("chat.max-tokens.honoured", "chat.max-tokens")
def honoured(view: View) -> Outcome:
    return _honoured(view, view.content)


@check("chat.max-tokens.finish-reason", "chat.max-tokens")
def finish_reason(view: View) -> Outcome:
    return _cut_off(view, view.content, view.choices[0].get("finish_reason"))


@check("chat.max-completion-tokens.honoured", "chat.max-completion-tokens", expects="stream")
def stream_honoured(view: View) -> Outcome:
    return _honoured(view, view.streamed_text())


@check("chat.max-completion-tokens.finish-reason", "chat.max-completion-tokens", expects="stream")
def stream_finish_reason(view: View) -> Outcome:
    reasons = view.finish_reasons.get(0)
    if not reasons:
        raise NotTestable("the stream has no finish reason")
    return _cut_off(view, view.streamed_text(), reasons[-1])
