"""Refusals of the model, which are no errors."""

from __future__ import annotations

from wiremark_conformance.checking import check
from wiremark_conformance.evidence import View
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import is_text, shown


def _form(content: object, finish_reason: object) -> Outcome:
    if content not in (None, ""):
        return f"beside the refusal the content is {shown(content)}"
    return (
        None if finish_reason == "stop" else f"the refusal ends with {shown(finish_reason)}, not with `stop`"
    )


@check("chat.refusal.whole", "chat.refusal")
def whole(view: View) -> Outcome:
    """A model may answer all the same, or refuse in its own words; neither is wrong."""
    refusal = view.message.get("refusal")
    if refusal is None:
        raise NotTestable("the model did not refuse")
    if not is_text(refusal):
        return f"`refusal` is {shown(refusal)}"
    return _form(view.message.get("content"), view.choices[0].get("finish_reason"))


@check("chat.refusal.stream", "chat.refusal.stream", expects="stream")
def stream(view: View) -> Outcome:
    if not view.streamed_text(key="refusal"):
        raise NotTestable("the model did not refuse")
    return _form(view.streamed_text(), next(iter(view.finish_reasons[0]), None))
