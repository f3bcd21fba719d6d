"""Prompts over the context, answers over the limit."""

from __future__ import annotations

from wiremark_conformance.checking import check, refused
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotPromised, Outcome

refused("context.prompt.refused", "context.prompt")


@check("context.max-tokens.bounded", "context.max-tokens", expects="refusal")
def bounded(view: View) -> Outcome:
    """Refused, or answered within the bound all the same."""
    entry = view.target.model_entry
    if entry is None:
        raise NotPromised("the contract has no entry of the model, so no bound of it")
    if not view.succeeded:
        told = f"answered {view.status_line}{view.error_text}"
        return None if view.refused_honestly else f"{told}, neither a refusal nor an answer within the bound"
    found, limit = view.count("completion_tokens"), entry.max_output_tokens
    return None if found <= limit else f"answered with {found} tokens; the model has at most {limit}"
