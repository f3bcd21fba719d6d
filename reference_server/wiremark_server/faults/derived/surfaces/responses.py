"""The Responses format: what its answers and events hold, and the events in their order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from wiremark_server.faults import typed
from wiremark_server.faults.change import DONE
from wiremark_server.faults.derived.surfaces.surface import Surface
from wiremark_server.faults.edit import FrameStep
from wiremark_server.faults.frames import Frame

CONTRACT = "openresponses"
CREATE = "responses.create"

# In the order of a stream; of a kind that the server sends in several kinds of streams, all are meant.
_KINDS = (
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_part.done",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.custom_tool_call_input.done",
    "response.output_item.done",
    "response.completed",
    "done",
)

_TEXT = {"type": "output_text", "text": "Hello!", "annotations": [], "logprobs": []}
_OUTPUT = [
    {"type": "reasoning", "id": "rs_1", "summary": []},
    {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [_TEXT]},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "greet", "arguments": "{}"},
    {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "note", "input": "Hello!"},
]
_USAGE = {
    "input_tokens": 5,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 2,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 7,
}
_ANSWER: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1764547200,
    "model": "m",
    "status": "completed",
    "output": _OUTPUT,
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "metadata": {},
    "temperature": 1.0,
    "top_p": 1.0,
    "usage": _USAGE,
}
_EVENT: dict[str, Any] = {
    "type": "response.output_text.delta",
    "sequence_number": 4,
    "response": {},
    "output_index": 0,
    "content_index": 0,
    "summary_index": 0,
    "item_id": "msg_1",
    "item": {},
    "part": {},
    "delta": "Hello",
    "logprobs": [],
    "text": "Hello!",
    "arguments": "{}",
    "input": "Hello!",
}


_BUGS = {
    "event.type.missing": "responses-event-envelope",
    "event.item_id.*": "responses-item-identity",
    "event.content_index.missing": "responses-required-fields-missing",
    "event.output_index.missing": "responses-required-fields-missing",
    "answer.output.content.annotations.missing": "responses-required-fields-missing",
    "answer.output.id.missing": "responses-required-fields-missing",
    "answer.usage.*_details.missing": "usage-field-null-or-missing",
    "order.response.completed.dropped": "responses-completed-missing",
    "order.response.output-item.added.dropped": "responses-item-identity",
    "order.response.function-call-arguments.*.dropped": "responses-tool-events-missing",
    "ignored.previous_response_id": "responses-state-unsupported",
    "refused.previous_response_id": "responses-state-unsupported",
}


def kind(frame: Frame) -> str:
    """The type of an event; "done" for the terminator."""
    return "done" if frame.text == DONE else typed.kind(frame)


def numbering() -> FrameStep:
    """Gives the events of a stream their numbers in order again."""
    numbers = itertools.count()

    def step(frame: Frame | None) -> Iterable[Frame]:
        if frame is None:
            return ()
        if isinstance(frame.value, dict) and "sequence_number" in frame.value:
            return (frame.with_value({**frame.value, "sequence_number": next(numbers)}),)
        return (frame,)

    return step


def _renumbered(frames: Iterable[Frame]) -> Iterator[Frame]:
    step = numbering()
    return (numbered for frame in frames for numbered in step(frame))


RESPONSES = Surface(
    "responses",
    CONTRACT,
    CREATE,
    "responses.*",
    "openai/responses.response",
    "openai/responses.request",
    "openai/responses.event",
    bad={"input": {}},
    answer=_ANSWER,
    kinds=_KINDS,
    kind=kind,
    refusals="responses.errors.*",
    bugs=_BUGS,
    settled=_renumbered,
    holds={"answer": _ANSWER, "event": _EVENT},
)
