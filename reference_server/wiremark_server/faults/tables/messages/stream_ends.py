"""The end of a streamed message, its counts, its calls and its thinking."""

from __future__ import annotations

from collections.abc import Iterable

from wiremark_server.faults.change import (
    both,
    equals,
    has,
    put,
    take,
)
from wiremark_server.faults.edit import (
    Events,
    FrameStep,
    On,
)
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.tables.messages.events import (
    STREAMS,
    after,
    changed,
    deltas,
    events,
    gone,
    streamed,
    without,
)
from wiremark_server.faults.tables.messages.words import MESSAGES
from wiremark_server.faults.typed import event, kind


def _whole_input() -> Events:
    """A call comes whole at its start, and in no pieces."""

    def change(frame: Frame, _: int) -> Iterable[Frame]:
        if kind(frame) == "content_block_delta":
            return () if frame.value["delta"]["type"] == "input_json_delta" else (frame,)
        if frame.value["content_block"]["type"] == "tool_use":
            frame.value["content_block"]["input"] = {"city": "Paris"}
        return (frame,)

    return events(change, "content_block_start", "content_block_delta", where=has("tools"))


def _signature_first() -> Events:
    """The pieces of thinking wait for the signature."""

    def start() -> FrameStep:
        held: list[Frame] = []

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return held
            if kind(frame) == "content_block_delta" and frame.value["delta"]["type"] == "thinking_delta":
                held.append(frame)
                return ()
            told, held[:] = list(held), []
            return (frame, *told)

        return step

    return Events(start, On(MESSAGES, "stream", has("thinking")))


def _late_stops() -> Events:
    """The end of a block waits for what comes after it, which may be the start of another one."""

    def start() -> FrameStep:
        held: list[Frame] = []

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return held
            told, held[:] = list(held), []
            if kind(frame) == "content_block_stop":
                held.append(frame)
                return told
            if told and kind(frame) == "message_delta":
                return (*told, frame)
            return (frame, *told)

        return step

    return Events(start, STREAMS)


_STOP = event("message_stop")
_FORCED = both(has("tools"), lambda ask: ask.document.get("max_tokens") == 4)  # a budget too small for a call

TABLE: tuple[Fault, ...] = (
    streamed(
        "delta-missing",
        "stream",
        "No `message_delta` comes.",
        gone("message_delta"),
        catches=("messages.stream.delta",),
        bug="messages-stop-missing",
    ),
    streamed(
        "delta-no-usage",
        "shape",
        "The end of a message has no usage.",
        changed(take("/usage"), "message_delta"),
        catches=("messages.stream.delta-usage",),
        bug="messages-usage-wrong",
    ),
    streamed(
        "stop-reason-null",
        "shape",
        "A streamed message ends for no reason.",
        changed(put("/delta/stop_reason", None), "message_delta"),
        catches=("messages.stream.stop-reason",),
        bug="messages-stop-missing",
    ),
    streamed(
        "stop-reason-foreign",
        "shape",
        "A streamed message ends with `stop`.",
        changed(put("/delta/stop_reason", "stop"), "message_delta"),
        catches=("messages.stream.stop-reason",),
    ),
    streamed(
        "input-wiped",
        "shape",
        "The end of a message counts no token of the prompt.",
        changed(put("/usage/input_tokens", 0), "message_delta"),
        catches=("messages.stream.input-kept",),
        bug="messages-usage-wrong",
    ),
    streamed(
        "output-falls",
        "shape",
        "The count of the answer falls within a stream.",
        changed(put("/message/usage/output_tokens", 900), "message_start"),
        catches=("messages.stream.output-grows",),
    ),
    streamed(
        "stop-missing",
        "stream",
        "No `message_stop` comes.",
        gone("message_stop"),
        catches=("messages.stream.stop",),
        bug="messages-stop-missing",
    ),
    streamed(
        "stop-twice",
        "stream",
        "`message_stop` comes twice.",
        after("message_stop", _STOP),
        catches=("messages.stream.stop-last",),
    ),
    streamed(
        "call-end-turn",
        "semantics",
        "A streamed call ends with `end_turn`.",
        changed(put("/delta/stop_reason", "end_turn"), "message_delta", where=has("tool_choice")),
        catches=("messages.tools.stop-reason",),
        bug="messages-stop-reason-wrong",
    ),
    streamed(
        "call-at-start",
        "stream",
        "A call comes whole at its start, and in no pieces.",
        _whole_input(),
        catches=("messages.tools.stream.start-input",),
        bug="messages-tool-input-lost",
    ),
    streamed(
        "call-broken",
        "semantics",
        "The pieces of an input are no JSON together.",
        deltas("input_json_delta", put("/delta/partial_json", lambda text: text + "~")),
        catches=("messages.tools.stream.input",),
    ),
    streamed(
        "call-cut-told-whole",
        "semantics",
        "A call that the budget cut off ends with `tool_use`.",
        changed(put("/delta/stop_reason", "tool_use"), "message_delta", where=_FORCED),
        catches=("messages.tools.stream.cut",),
    ),
    streamed(
        "thinking-signed-first",
        "stream",
        "The signature of thinking comes before the thinking.",
        _signature_first(),
        catches=("messages.thinking.stream.signature-last",),
    ),
    streamed(
        "input-other",
        "shape",
        "A stream counts another prompt than the whole answer does.",
        changed(put("/message/usage/input_tokens", lambda n: n + 3), "message_start"),
        changed(take("/usage/input_tokens"), "message_delta"),
        catches=("messages.stream.input-agrees",),
    ),
    streamed(
        "block-overlaps",
        "stream",
        "A block is closed only after the next one is open.",
        _late_stops(),
        catches=("messages.stream.block-alone",),
    ),
    streamed(
        "thinking-unsigned",
        "stream",
        "Streamed thinking has no signature.",
        without("signature_delta"),
        catches=("messages.thinking.signature",),
        bug="messages-signature-missing",
    ),
    streamed(
        "max-tokens-end-turn",
        "semantics",
        "A stream that its budget cut off ends with `end_turn`.",
        changed(put("/delta/stop_reason", "end_turn"), "message_delta", where=equals("max_tokens", 8)),
        catches=("messages.max-tokens.reason",),
        bug="messages-stop-reason-wrong",
    ),
    streamed(
        "stop-sequence-lost",
        "semantics",
        "A stream that a stop sequence ended says `end_turn`.",
        changed(
            put("/delta", {"stop_reason": "end_turn", "stop_sequence": None}),
            "message_delta",
            where=has("stop_sequences"),
        ),
        catches=("messages.stop.reason",),
        bug="messages-stop-reason-wrong",
    ),
)
