"""What requests may look like, and what is done with their settings."""

from __future__ import annotations

from wiremark_conformance.checking import accepted, check, refused
from wiremark_conformance.evidence import View
from wiremark_conformance.gemini import answer
from wiremark_conformance.outcome import NotTestable, Outcome, Silent
from wiremark_conformance.probes.chat import SMALL_BUDGET, STOP
from wiremark_conformance.probes.gemini import CANDIDATES
from wiremark_conformance.values import shown

for _requirement, _probe in (
    ("gemini.echo-back", "gemini.echo-back"),
    ("gemini.snake-case", "gemini.snake"),
    ("gemini.roleless", "gemini.roleless"),
    ("gemini.config", "gemini.config"),
    ("gemini.safety-settings", "gemini.safety-settings"),
    ("gemini.system-parameters", "gemini.system-parameters"),
    ("gemini.max-tokens.accepted", "gemini.max-tokens"),
    ("gemini.stop.accepted", "gemini.stop"),
    ("gemini.candidate-count.accepted", "gemini.candidates"),
    ("gemini.vision.accepted", "gemini.vision"),
):
    accepted(_requirement, _probe)
refused("gemini.vision.text-only-refused", "gemini.vision.text-only")


@check("gemini.unknown-field", "gemini.unknown-field", expects="refusal")
def unknown_field(view: View) -> Outcome:
    """Google refuses it; a gateway may ignore it."""
    if view.succeeded or view.status == 400:
        return None
    return f"an unknown field was answered {view.status_line}{view.error_text}, not 400 or success"


@check("gemini.max-tokens.honoured", "gemini.max-tokens")
def max_tokens(view: View) -> Outcome:
    found = answer(view).answered
    return f"{found} tokens of answer, the budget is {SMALL_BUDGET}" if found > SMALL_BUDGET else None


@check("gemini.max-tokens.finish-reason", "gemini.max-tokens")
def max_tokens_finish(view: View) -> Outcome:
    said = answer(view)
    if said.answered < SMALL_BUDGET:
        raise NotTestable("the budget was not used up")
    found = said.finish()
    return None if found == "MAX_TOKENS" else f"the budget is used up and `finishReason` is {shown(found)}"


@check("gemini.max-tokens.content", "gemini.max-tokens")
def max_tokens_content(view: View) -> Outcome:
    """Legal without content, and naive clients break on it."""
    found = answer(view).candidates[0].get("content")
    return None if isinstance(found, dict) else f"`content` of an answer that was cut off is {shown(found)}"


@check("gemini.stop.absent", "gemini.stop")
def stop_absent(view: View) -> Outcome:
    found = answer(view).text()
    return Silent(f"the text {shown(found)} holds the stop sequence {STOP!r}") if STOP in found else None


@check("gemini.stop.finish-reason", "gemini.stop")
def stop_finish(view: View) -> Outcome:
    found = answer(view).finish()
    return None if found in ("STOP", "MAX_TOKENS") else f"`finishReason` is {shown(found)}"


@check("gemini.candidate-count.honoured", "gemini.candidates")
def candidate_count(view: View) -> Outcome:
    found = len(answer(view).candidates)
    return None if found == CANDIDATES else Silent(f"{found} candidate(s), {CANDIDATES} were asked for")


@check("gemini.candidate-count.indexes", "gemini.candidates")
def candidate_indexes(view: View) -> Outcome:
    found = [one.get("index", 0) for one in answer(view).candidates]
    return None if found == list(range(len(found))) else f"the indexes of the candidates are {shown(found)}"
