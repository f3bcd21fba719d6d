"""Streams: how they end, and how they fail."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from wiremark_server.faults.change import (
    CHAT,
    after,
    dropped,
    frames,
    kind,
    lacks,
    of,
    put,
    rearranged,
    repeated,
    text,
    values,
)
from wiremark_server.faults.edit import Events, FrameStep, On
from wiremark_server.faults.fault import Fault, named
from wiremark_server.faults.frames import Frame

_fault = named("chat.stream")
_PLAIN = lacks("tools", "n", "max_completion_tokens")  # streams of text alone
_DONES = ("chat.stream.done", "chat.tools.stream.done")
_ERROR = {"message": "The model crashed.", "type": "server_error", "param": None, "code": None}


def _after_half(new: Frame) -> Events:
    """The stream fails when it has said a few words; what it then says is all."""

    def start() -> FrameStep:
        failed = [False]
        numbers = itertools.count()

        def step(frame: Frame | None) -> Iterable[Frame]:
            if frame is None or failed[0]:
                return ()
            if kind(frame) == "content" and next(numbers) == 1:
                failed[0] = True
                return (new,)
            return (frame,)

        return step

    return Events(start, On(CHAT, "stream", _PLAIN))


def _within(new: Frame) -> Events:
    """The failure is reported, and the stream goes on to its end as if nothing were."""
    return frames(
        lambda frame, number: kind(frame) == "content" and number == 1,
        lambda frame: (new, frame),
        where=_PLAIN,
    )


TABLE: tuple[Fault, ...] = (
    # -- the end -----------------------------------------------------------------------------------
    _fault(
        "done-missing",
        "stream",
        "A stream ends without `data: [DONE]`.",
        dropped(of("done")),
        catches=_DONES,
        bug="stream-done-missing",
    ),
    _fault(
        "done-twice",
        "stream",
        "A stream ends with `data: [DONE]` twice.",
        repeated(of("done")),
        catches=_DONES,
    ),
    _fault(
        "done-quoted",
        "stream",
        "The terminator is a JSON string.",
        text(of("done"), b'"[DONE]"'),
        catches=("chat.stream.done", "chat.tools.stream.done", "chat.stream.data-json"),
    ),
    _fault(
        "done-lower",
        "stream",
        "The terminator is `[done]`.",
        text(of("done"), b"[done]"),
        catches=("chat.stream.done-exact",),
        allows=(*_DONES, "chat.stream.data-json"),
        bug="stream-done-missing",
    ),
    _fault(
        "done-bare",
        "stream",
        "The terminator is `DONE`.",
        text(of("done"), b"DONE"),
        catches=("chat.stream.done-exact",),
        allows=(*_DONES, "chat.stream.data-json"),
        bug="stream-done-missing",
    ),
    _fault(
        "done-spaces",
        "stream",
        "The terminator has a space after it.",
        text(of("done"), b"[DONE] "),
        catches=("chat.stream.done-exact",),
    ),
    _fault(
        "done-first",
        "stream",
        "Chunks follow the terminator.",
        rearranged(lambda held: [*held[:-3], held[-1], *held[-3:-1]]),
        catches=("chat.stream.done-last",),
        allows=(
            "chat.stream.finish",
            "chat.stream.usage.*",
            "chat.tools.stream.finish-reason",
            "chat.n.stream.finish",
            "chat.tools.parallel.arguments-json",
        ),
    ),
    _fault(
        "after-done",
        "stream",
        "An event of statistics follows the terminator.",
        after(of("done"), Frame(value={"timings": {"ms": 12}})),
        catches=("chat.stream.done-last",),
    ),
    # -- failures ----------------------------------------------------------------------------------
    _fault(
        "error-flat",
        "errors",
        "A failure in a stream is told as `message` at the top level.",
        _after_half(Frame(value={"message": "The model crashed.", "code": 500})),
        catches=("chat.stream.error-frames",),
        allows=("chat.stream.*",),
        bug="stream-error-event-shape",
    ),
    _fault(
        "error-object-error",
        "errors",
        "A failure in a stream is told as an object of the kind `error`.",
        _after_half(Frame(value={"object": "error", "message": "The model crashed.", "code": 500})),
        catches=("chat.stream.error-frames",),
        allows=("chat.stream.*",),
        bug="stream-error-event-shape",
    ),
    _fault(
        "error-text",
        "errors",
        "A failure in a stream is told as `error` with a text.",
        _after_half(Frame(value={"error": "The model crashed."})),
        catches=("chat.stream.error-frames",),
        bug="stream-error-event-shape",
    ),
    _fault(
        "error-named-event",
        "errors",
        "A failure in a stream is an event of the name `error` without `error`.",
        _after_half(Frame(fields=b"event: error\n", value={"message": "The model crashed."})),
        catches=("chat.stream.error-frames",),
        allows=("chat.stream.*",),
        bug="stream-error-event-shape",
    ),
    _fault(
        "error-then-finish",
        "errors",
        "After a failure the stream goes on and claims to be complete.",
        _within(Frame(value={"error": _ERROR})),
        catches=("chat.stream.error-ends",),
        bug="midstream-error-reported-as-success",
    ),
    _fault(
        "error-in-chunk",
        "errors",
        "A chunk with choices carries `error`.",
        values(of("finish"), put("/error", _ERROR)),
        catches=("chat.stream.no-error-key",),
    ),
    _fault(
        "error-silent",
        "stream",
        "A failure ends the stream without a word.",
        frames(lambda frame, number: kind(frame) == "content" and number == 1, lambda _: (), where=_PLAIN),
        rearranged(lambda held: [f for f in held if kind(f) not in ("finish", "done")], where=_PLAIN),
        catches=("chat.stream.done", "chat.stream.finish"),
        bug="midstream-failure-no-error-event",
    ),
)
