"""What each event holds, and what the pieces add up to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wiremark_schemas.explain import violations
from wiremark_schemas.registry import validator

from wiremark_conformance.checking import check, each
from wiremark_conformance.checks.messages_stream import STREAMS
from wiremark_conformance.evidence import View
from wiremark_conformance.messages import STOP_REASONS, answer, of_type, start
from wiremark_conformance.order import at
from wiremark_conformance.outcome import NotTestable, Outcome
from wiremark_conformance.repeats import said_again
from wiremark_conformance.values import is_text, shown


def _start_has(requirement: str, name: str, right: Callable[[Any], bool]) -> None:
    """The requirement on one key of the message that a stream starts with."""

    def has(view: View) -> Outcome:
        message = start(view)
        found = message.get(name)
        return None if right(found) else f"`{name}` of the message_start is {shown(found)}"

    each(f"messages.stream.{requirement}", *STREAMS, expects="stream")(has)


_start_has("start-content", "content", lambda value: value == [])
_start_has("start-id", "id", is_text)
_start_has("start-role", "role", lambda value: value == "assistant")
_start_has("start-type", "type", lambda value: value == "message")
_start_has("start-model", "model", lambda value: isinstance(value, str))
_start_has("start-unfinished", "stop_reason", lambda value: value is None)


def _held_to(definition: str, documents: list[Any]) -> Outcome:
    """Violations of a part of the events' schema."""
    found = [
        violation
        for document in documents
        for violation in violations(validator("anthropic/messages.event", definition), document)
        if violation.pointer != "/id"  # the form of ids has a check of its own
    ]
    return "; ".join(str(violation) for violation in found[:3]) or None


@each("messages.stream.block-start", *STREAMS, expects="stream")
def block_start(view: View) -> Outcome:
    opened = [event.get("content_block") for event in of_type(view, "content_block_start")]
    if not opened:
        raise NotTestable("the stream opens no block")
    return _held_to("start_block", opened)


@each("messages.stream.block-start-empty", *STREAMS, expects="stream")
def block_start_empty(view: View) -> Outcome:
    """What a block begins with is what its pieces are added to."""
    for event in of_type(view, "content_block_start"):
        for key in ("text", "thinking"):
            found = at(f"/content_block/{key}", event)
            if is_text(found) and at("/content_block/type", event) == key:
                return f"a {key} block begins with {shown(found)}"
    return None


@each("messages.stream.block-delta", *STREAMS, expects="stream")
def block_delta(view: View) -> Outcome:
    return _held_to("delta", [event.get("delta") for event in of_type(view, "content_block_delta")])


@check("messages.stream.text", "messages.stream", expects="stream")
def text(view: View) -> Outcome:
    return None if answer(view).text else "no piece carries any text"


@each("messages.stream.pieces", "messages.stream", "messages.thinking.stream", expects="stream")
def pieces(view: View) -> Outcome:
    for block in answer(view).blocks:
        texts = [text for delta in block.deltas if is_text(text := delta.get("text", delta.get("thinking")))]
        if found := said_again(texts):
            return found
    return None


@each("messages.stream.stop-reason", *STREAMS, expects="stream")
def stop_reason(view: View) -> Outcome:
    if not of_type(view, "message_delta"):
        raise NotTestable("there is no message_delta")
    found = answer(view).stop_reason
    return None if found in STOP_REASONS else f"`delta.stop_reason` of the message_delta is {shown(found)}"
