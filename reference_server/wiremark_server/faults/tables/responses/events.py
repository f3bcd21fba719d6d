"""Streams of responses: what events say of each other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from wiremark_server.faults.change import put, take
from wiremark_server.faults.edit import Events, FrameStep
from wiremark_server.faults.fault import Fault
from wiremark_server.faults.frames import Frame
from wiremark_server.faults.tables.responses.words import STREAM, fault, streamed
from wiremark_server.faults.typed import event, kind

_DONE, _TEXT = "response.completed", "response.output_text.delta"
_ERROR = {"code": "server_error", "message": "The engine crashed.", "param": None}


def _failing(told: dict[str, Any]) -> Events:
    """A failure is told in the place of the end, then the response that failed."""

    def change(frame: Frame, _: int) -> Iterable[Frame]:
        document = {**frame.value["response"], "status": "failed", "error": _ERROR}
        numbered = {"sequence_number": 0}
        yield event("error", **numbered, **told)
        yield event("response.failed", **numbered, response=document)

    return STREAM.events(change, _DONE)


def _cumulative() -> Events:
    def start() -> FrameStep:
        said = [""]

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None:
                return ()
            if kind(frame) == _TEXT:
                said[0] += frame.value["delta"]
                return (frame.with_value({**frame.value, "delta": said[0]}),)
            return (frame,)

        return step

    return Events(start, STREAM.on())


def _ends_after(name: str) -> Events:
    """Nothing follows the first event of this type."""

    def start() -> FrameStep:
        over = [False]

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None or over[0]:
                return ()
            over[0] = kind(frame) == name
            return (frame,)

        return step

    return Events(start, STREAM.on())


def _spread(value: Any) -> Any:
    """The response in the place of the event that should carry it."""
    return {**{k: v for k, v in value.items() if k != "response"}, **value["response"]}


def _identified(frame: Frame, number: int) -> Iterable[Frame]:
    return (dataclasses.replace(frame, fields=b"id: %d\n%b" % (number, frame.fields)),)


TABLE: tuple[Fault, ...] = (
    streamed(
        "id-changes",
        "A response ends under another id than it began.",
        STREAM.changed(put("/response/id", "resp_other"), _DONE),
        catches=("responses.stream.id-constant",),
        bug="responses-item-identity",
    ),
    streamed(
        "item-id-changes",
        "An item is done under another id than it was added.",
        STREAM.changed(put("/item/id", "item_other"), "response.output_item.done"),
        catches=("responses.stream.item-identity",),
        bug="responses-item-identity",
    ),
    streamed(
        "call-id-changes",
        "Calls have another `call_id` in the response at the end.",
        STREAM.changed(put("/response/output/*/call_id", "call_other", absent_too=False), _DONE),
        catches=("responses.stream.final-items",),
        bug="responses-item-identity",
    ),
    fault(
        "events.not-numbered",
        "shape",
        "Events have no `sequence_number`.",
        STREAM.changed(take("/sequence_number")),
        catches=("responses.stream.sequence",),
        bug="responses-sequence-number-missing",
    ),
    streamed(
        "calls-one-id",
        "All calls have one `call_id` in the response at the end.",
        STREAM.changed(put("/response/output/*/call_id", "call_1", absent_too=False), _DONE),
        catches=("responses.tools.call-ids",),
    ),
    streamed(
        "items-one-id",
        "All items have one id in the response at the end.",
        STREAM.changed(put("/response/output/*/id", "item_1"), _DONE),
        catches=("responses.tools.several",),
    ),
    streamed(
        "piece-misfit",
        "Pieces of a text come as pieces of a refusal.",
        STREAM.changed(lambda v: {**v, "type": "response.refusal.delta"}, _TEXT),
        catches=("responses.stream.part-fits",),
    ),
    streamed(
        "final-other",
        "The response at the end says something else than the stream.",
        STREAM.changed(put("/response/output/*/content/*/text", "Goodbye."), _DONE),
        catches=("responses.stream.final-done", "responses.stream.final-text"),
    ),
    streamed(
        "final-empty",
        "The response at the end has no output.",
        STREAM.changed(put("/response/output", []), _DONE),
        catches=("responses.stream.final-items",),
        bug="responses-completed-output-wrong",
    ),
    streamed(
        "final-in-progress",
        "The items of the complete response are still in progress.",
        STREAM.changed(put("/response/output/*/status", "in_progress"), _DONE),
        catches=("responses.stream.final-status",),
    ),
    streamed(
        "final-misnamed",
        "The response that is told as complete has another status.",
        STREAM.changed(put("/response/status", "incomplete"), _DONE),
        catches=("responses.stream.terminal-name",),
    ),
    streamed(
        "cumulative",
        "Each piece repeats the text so far.",
        _cumulative(),
        catches=("responses.stream.pieces",),
    ),
    streamed(
        "breaks-off",
        "The events end, without a word, after the response was created.",
        _ends_after("response.in_progress"),
        catches=("responses.stream.terminal",),
        bug="midstream-failure-no-error-event",
    ),
    streamed(
        "unwrapped",
        "Lifecycle events are the response instead of carrying it.",
        STREAM.changed(_spread, "response.created", "response.in_progress", _DONE),
        catches=("responses.stream.carries",),
        bug="responses-event-envelope",
    ),
    streamed(
        "created-full",
        "A response is created with output.",
        STREAM.changed(put("/response/output", [{"type": "message"}]), "response.created"),
        catches=("responses.stream.created-empty",),
    ),
    streamed(
        "begun-bare",
        "Items are added with no more than their type and id.",
        STREAM.changed(
            lambda v: {**v, "item": {k: v["item"][k] for k in ("type", "id")}}, "response.output_item.added"
        ),
        catches=("responses.stream.item-begins",),
    ),
    streamed(
        "counted-from-one",
        "Items are counted from 1.",
        STREAM.changed(lambda v: {**v, "output_index": v["output_index"] + 1} if "output_index" in v else v),
        catches=("responses.stream.item-numbered",),
    ),
    streamed(
        "unknown",
        "An event comes that nobody has published.",
        STREAM.after("response.in_progress", event("response.warming_up", sequence_number=0)),
        catches=("responses.stream.known-events",),
    ),
    streamed(
        "error-nested",
        "A failure is told in an `error` alone, not in the published fields.",
        _failing({"error": _ERROR}),
        catches=("responses.stream.error-form",),
        layer="errors",
        bug="stream-error-event-shape",
    ),
    streamed(
        "error-flat",
        "A failure is told in the published fields alone, which clients do not raise.",
        _failing(_ERROR),
        catches=("responses.stream.error-form",),
        layer="errors",
        bug="stream-error-event-shape",
    ),
    streamed(
        "id-lines",
        "Events have `id` lines.",
        STREAM.events(_identified),
        catches=("responses.open.no-ids",),
        layer="wire",
    ),
    streamed(
        "usage-other",
        "A stream counts a token more of its prompt than a whole response.",
        STREAM.changed(put("/response/usage/input_tokens", lambda number: number + 1), _DONE),
        catches=("responses.usage-agrees",),
    ),
    streamed(
        "ends-in-progress",
        "The stream of a response in the background ends before the response is complete.",
        STREAM.changed(
            put("/response/status", "in_progress"), _DONE, where=lambda a: bool(a.document.get("background"))
        ),
        catches=("responses.background.ends",),
    ),
)
