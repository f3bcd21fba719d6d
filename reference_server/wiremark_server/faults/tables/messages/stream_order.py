"""The order of a stream's events, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wiremark_server.faults.change import (
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
    TEXT,
    changed,
    deltas,
    events,
    gone,
    streamed,
    without,
)
from wiremark_server.faults.tables.messages.words import MESSAGES
from wiremark_server.faults.typed import kind


def _cumulative() -> Events:
    def start() -> FrameStep:
        said = [""]

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            if kind(frame) == "content_block_delta" and "text" in frame.value["delta"]:
                said[0] += frame.value["delta"]["text"]
                frame.value["delta"]["text"] = said[0]
            return (frame,)

        return step

    return Events(start, On(MESSAGES, "stream", TEXT))


def _text_at_start() -> Events:
    """The first words come with the start of their block."""

    def start() -> FrameStep:
        held: list[Frame] = []

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return held
            if kind(frame) == "content_block_start":
                held.append(frame)
                return ()
            if held and kind(frame) == "content_block_delta":
                opened = held.pop()
                opened.value["content_block"]["text"] = frame.value["delta"].get("text", "")
                return (opened,)
            return (frame,)

        return step

    return Events(start, On(MESSAGES, "stream", TEXT))


def _renumber(value: Any) -> Any:
    if "index" in value:
        value["index"] += 1
    return value


TABLE: tuple[Fault, ...] = (
    streamed(
        "start-missing",
        "stream",
        "No `message_start` comes.",
        gone("message_start"),
        catches=("messages.stream.start-first",),
    ),
    streamed(
        "start-twice",
        "stream",
        "`message_start` comes twice.",
        events(lambda f, _: (f, f), "message_start"),
        catches=("messages.stream.start-once",),
    ),
    streamed(
        "start-content-null",
        "shape",
        "A message starts with `content: null`.",
        changed(put("/message/content", None), "message_start"),
        catches=("messages.stream.start-content",),
    ),
    streamed(
        "start-no-usage",
        "shape",
        "A message starts without usage.",
        changed(take("/message/usage"), "message_start"),
        catches=("messages.stream.start-usage",),
        bug="messages-usage-wrong",
    ),
    streamed(
        "start-zero-input",
        "shape",
        "A message starts as if its prompt had no tokens.",
        changed(put("/message/usage/input_tokens", 0), "message_start"),
        catches=("messages.stream.start-input",),
        bug="messages-usage-wrong",
    ),
    streamed(
        "start-no-id",
        "shape",
        "A message starts without an id.",
        changed(take("/message/id"), "message_start"),
        catches=("messages.stream.start-id",),
    ),
    streamed(
        "start-role-absent",
        "shape",
        "A message starts without a role.",
        changed(take("/message/role"), "message_start"),
        catches=("messages.stream.start-role",),
    ),
    streamed(
        "start-type-absent",
        "shape",
        "A message starts without its type.",
        changed(take("/message/type"), "message_start"),
        catches=("messages.stream.start-type",),
    ),
    streamed(
        "start-model-null",
        "shape",
        "A message starts with `model: null`.",
        changed(put("/message/model", None), "message_start"),
        catches=("messages.stream.start-model",),
    ),
    streamed(
        "start-other-model",
        "shape",
        "A stream names another model than the whole answer.",
        changed(put("/message/model", "another"), "message_start"),
        catches=("messages.same-model",),
    ),
    streamed(
        "start-finished",
        "shape",
        "A message starts with a stop reason.",
        changed(put("/message/stop_reason", "end_turn"), "message_start"),
        catches=("messages.stream.start-unfinished",),
    ),
    streamed(
        "block-unopened",
        "stream",
        "Blocks are not opened.",
        gone("content_block_start"),
        catches=("messages.stream.block-opened",),
    ),
    streamed(
        "block-reopened",
        "stream",
        "Blocks are opened twice.",
        events(lambda f, _: (f, f), "content_block_start"),
        catches=("messages.stream.block-once",),
    ),
    streamed(
        "block-from-one",
        "stream",
        "Blocks are counted from 1.",
        changed(_renumber),
        catches=("messages.stream.block-numbered",),
    ),
    streamed(
        "block-unclosed",
        "stream",
        "Blocks are not closed.",
        gone("content_block_stop"),
        catches=("messages.stream.block-closed",),
    ),
    streamed(
        "block-bare",
        "shape",
        "Blocks open with no more than their type.",
        changed(
            lambda v: {**v, "content_block": {"type": v["content_block"]["type"]}}, "content_block_start"
        ),
        catches=("messages.stream.block-start",),
    ),
    streamed(
        "block-begun",
        "shape",
        "The first words come with the start of their block.",
        _text_at_start(),
        catches=("messages.stream.block-start-empty",),
    ),
    streamed(
        "delta-bare",
        "shape",
        "Pieces of text have no text.",
        deltas("text_delta", take("/delta/text")),
        catches=("messages.stream.block-delta",),
    ),
    streamed(
        "delta-misfit",
        "stream",
        "The pieces of an input come as text.",
        deltas("input_json_delta", put("/delta", {"type": "text_delta", "text": "{}"})),
        catches=("messages.stream.delta-fits",),
    ),
    streamed(
        "cumulative",
        "semantics",
        "Each piece repeats the text so far.",
        _cumulative(),
        catches=("messages.stream.pieces",),
    ),
    streamed(
        "no-text",
        "semantics",
        "No piece of text comes.",
        without("text_delta"),
        catches=("messages.stream.text",),
    ),
)
