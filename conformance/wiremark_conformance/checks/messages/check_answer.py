"""A whole message: its envelope, its content blocks, and why it ended."""

from __future__ import annotations

from wiremark_schemas.explain import violations
from wiremark_schemas.registry import validator

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.chat.check_answer import shared_id
from wiremark_conformance.checks.messages import ANSWERS, WHOLE
from wiremark_conformance.evidence import View
from wiremark_conformance.messages import STOP_REASONS, answer, start
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.values import is_text, shown

_FOREIGN = ("choices", "object", "candidates", "output")


def _says(name: str, wanted: str) -> None:
    """The requirement that a key of every whole message has one value."""

    def same(view: View) -> Outcome:
        found = view.object.get(name)
        return None if found == wanted else f"`{name}` is {shown(found)}, not {shown(wanted)}"

    each(f"messages.{name}", *WHOLE)(same)


_says("type", "message")
_says("role", "assistant")


@each("messages.id", *WHOLE)
def message_id(view: View) -> Outcome:
    found = view.object.get("id")
    return None if is_text(found) else f"`id` is {shown(found)}"


@check("messages.id-unique", "messages.plain", "messages.max-tokens")
def id_unique(one: View, other: View) -> Outcome:
    return shared_id(one.object.get("id"), other.object.get("id"))


@each("messages.model", *WHOLE)
def model(view: View) -> Outcome:
    found = view.object.get("model")
    return None if isinstance(found, str) else f"`model` is {shown(found)}"


@each("messages.content", *WHOLE)
def content(view: View) -> Outcome:
    found = view.object.get("content")
    if isinstance(found, list) and all(isinstance(block, dict) for block in found):
        return None
    return f"`content` is {shown(found)}, not an array of blocks"


@each("messages.blocks", *WHOLE)
def blocks(view: View) -> Outcome:
    """The keys that each known type of block has; other types and keys are nobody's business."""
    found = [
        violation
        for block in answer(view).blocks
        for violation in violations(validator("anthropic/messages.response", "block"), block.value)
        if violation.pointer != "/id"  # the form of ids has a check of its own
    ]
    return "; ".join(f"a block's {violation}" for violation in found[:3]) or None


@check("messages.text", "messages.plain")
def text(view: View) -> Outcome:
    said = answer(view)
    return None if said.text else f"no text block says anything: {shown([b.type for b in said.blocks])}"


@each("messages.no-empty-text", *ANSWERS)
def no_empty_text(view: View) -> Outcome:
    empty = [block for block in answer(view).of("text") if block.value.get("text") == ""]
    return "a text block is empty; as history it is refused" if empty else None


@each("messages.stop-reason", *WHOLE)
def stop_reason(view: View) -> Outcome:
    found = view.object.get("stop_reason")
    return None if found in STOP_REASONS else f"`stop_reason` is {shown(found)}"


@each("messages.stop-sequence", *ANSWERS)
def stop_sequence(view: View) -> Outcome:
    said = answer(view)
    if said.stop_reason == "stop_sequence" or said.stop_sequence is None:
        return None
    return f"`stop_sequence` is {shown(said.stop_sequence)} with the stop reason {shown(said.stop_reason)}"


@each("messages.no-foreign-keys", *WHOLE)
def no_foreign_keys(view: View) -> Outcome:
    found = [name for name in _FOREIGN if name in view.object]
    return f"the message has {', '.join(f'`{name}`' for name in found)}, of another format" if found else None


@check("messages.same-model", "messages.plain", "messages.stream")
def same_model(whole: View, stream: View) -> Outcome:
    if not stream.is_stream:
        raise NotTestable("the body is not an event stream")
    one, other = whole.object.get("model"), start(stream).get("model")
    return None if one == other else f"`model` is {shown(one)} whole, {shown(other)} streamed"
