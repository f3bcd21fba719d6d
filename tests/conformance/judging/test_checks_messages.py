"""Each requirement on streamed messages, spoilt in its own way; and all of the format accounted for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict

from tests.conformance.judging import good_messages as good
from tests.conformance.judging.spoilt_messages import (
    CONTRACT,
    ENDPOINT,
    FORMATS,
    TOOLS,
    WHOLE,
    Change,
    declined,
)

STREAM, CALLS, THOUGHT = "messages.stream", "messages.tools.stream", "messages.thinking.stream"
# Positions of events in the plain stream; a ping is at 1, the pieces of text from FIRST on.
START, OPEN, FIRST, CLOSE, DELTA, STOP = 0, 2, 3, -3, -2, -1


def _wire(change: Callable[[bytes], bytes], probe: str = STREAM) -> Change:
    """Other bytes for a stream."""
    return lambda w: setattr(w[probe], "chunks", [change(w[probe].wire)])


def _event(position: int, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[position].update(values)


def _part(position: int, key: str, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[position][key].update(values)


def _without(position: int, key: str, name: str, probe: str = STREAM) -> Change:
    return lambda w: w.chunks(probe)[position][key].pop(name)


def _removed(*positions: int, probe: str = STREAM) -> Change:
    def apply(world: Any) -> None:
        for position in sorted((p % len(world.chunks(probe)) for p in positions), reverse=True):
            del world.chunks(probe)[position]

    return apply


def _insert(position: int, *events: Any, probe: str = STREAM) -> Change:
    def apply(world: Any) -> None:
        chunks = world.chunks(probe)
        at = position if position >= 0 else len(chunks) + position
        chunks[at:at] = events

    return apply


def _append(*events: Any) -> Change:
    return lambda w: w.chunks(STREAM).extend(events)


def _start(**values: Any) -> Change:
    return lambda w: w.chunks(STREAM)[START]["message"].update(values)


def _moved(position: int, to: int) -> Change:
    return lambda w: w.chunks(STREAM).insert(to, w.chunks(STREAM).pop(position))


def _cumulative(world: Any) -> None:
    for position, text in enumerate(("Hel", "Hello ", "Hello there", "Hello there."), start=FIRST):
        world.chunks(STREAM)[position]["delta"]["text"] = text


def _usage(position: int, **values: Any) -> Change:
    def apply(world: Any) -> None:
        event = world.chunks(STREAM)[position]
        event.get("message", event)["usage"].update(values)

    return apply


def _answer(status: int, body: Any, kind: str = "application/json") -> Change:
    def apply(world: Any) -> None:
        answer = world[STREAM]
        answer.status, answer.body, answer.chunks = status, body, None
        answer.headers["content-type"] = kind

    return apply


def _interleaved(world: Any) -> None:
    chunks = world.chunks("messages.tools.parallel")
    opened = next(i for i, c in enumerate(chunks) if c.get("index") == 2)
    chunks.insert(opened - 1, chunks.pop(opened))


def _whole_input(world: Any) -> None:
    chunks = world.chunks(CALLS)
    chunks[OPEN]["content_block"]["input"] = {"city": "Paris"}
    del chunks[FIRST : FIRST + 3]


def _renumbered(world: Any) -> None:
    for chunk in world.chunks(STREAM):
        if "index" in chunk:
            chunk["index"] = 1


NAMELESS = b'data: {"type": "ping"}\n\n'
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
FOREIGN = b'data: {"error": {"message": "out of memory", "code": null}}\n\n'
STARTED = {"type": "message_start", "message": good.message(stop_reason=None)}

STREAMED: list[tuple[str, Change]] = [
    ("messages.stream.accepted", declined(STREAM)),
    ("messages.stream.events", _answer(200, good.message(good.SAID))),
    ("messages.stream.events", _answer(200, OVERLOADED)),
    ("messages.stream.events", _answer(200, b'{"type": "ping"}\n', "text/event-stream")),
    ("messages.stream.content-type", lambda w: w[STREAM].headers.update({"content-type": "text/plain"})),
    ("messages.stream.cache-control", lambda w: w[STREAM].headers.pop("cache-control")),
    ("messages.stream.complete", lambda w: w[STREAM].fail("truncated")),
    ("messages.stream.data-json", _insert(FIRST, b"event: ping\ndata: {'type': 1}\n\n")),
    ("messages.stream.data-json", _insert(FIRST, b"event: ping\ndata: [1]\n\n")),
    ("messages.stream.named", _wire(lambda body: body.replace(b"event: message_stop\n", b""))),
    ("messages.stream.named", _insert(FIRST, NAMELESS)),
    ("messages.stream.type", _wire(lambda body: body.replace(b'{"type": "message_stop"}', b"{}"))),
    ("messages.stream.name-agrees", _wire(lambda body: body.replace(b"event: message_stop", b"event: done"))),
    ("messages.stream.no-empty-events", _insert(FIRST, b"event: ping\n\n")),
    ("messages.stream.last-event-ended", _wire(lambda body: body.removesuffix(b"\n"))),
    ("messages.stream.no-bom", _wire(lambda body: b"\xef\xbb\xbf" + body)),
    ("messages.stream.utf8", _wire(lambda body: body.replace(b"Hel", b"\xe2\x98"))),
    ("messages.stream.space", _wire(lambda body: body.replace(b"data: ", b"data:"))),
    ("messages.stream.single-line", _wire(lambda body: body.replace(b', "index"', b',\ndata: "index"'))),
    ("messages.stream.no-done", _append("[DONE]")),
    ("messages.stream.no-named-done", _append(b"event: done\ndata: [DONE]\n\n")),
    ("messages.stream.error-frames", _insert(FIRST, FOREIGN)),
    ("messages.stream.error-frames", _insert(FIRST, f"data: {json.dumps(OVERLOADED)}\n\n".encode())),
    ("messages.stream.error-frames", _insert(FIRST, {"type": "error", "error": "Overloaded"})),
    ("messages.stream.error-frames", _insert(FIRST, b'event: error\ndata: {"message": "x"}\n\n')),
    ("messages.stream.error-frames", _insert(FIRST, {"type": "error", "error": {"message": "x"}})),
    ("messages.stream.error-ends", _insert(FIRST, OVERLOADED)),
    ("messages.stream.start-first", _removed(START)),
    ("messages.stream.start-first", _moved(START, 3)),
    ("messages.stream.start-once", _insert(1, STARTED)),
    ("messages.stream.start-content", _start(content=None)),
    ("messages.stream.start-content", _without(START, "message", "content")),
    ("messages.stream.start-usage", _without(START, "message", "usage")),
    ("messages.stream.start-usage", _start(usage={"output_tokens": 1})),
    ("messages.stream.start-input", _usage(START, input_tokens=0)),
    ("messages.stream.start-id", _start(id="")),
    ("messages.stream.start-role", _start(role="user")),
    ("messages.stream.start-type", _without(START, "message", "type")),
    ("messages.stream.start-model", _start(model=None)),
    ("messages.stream.start-unfinished", _start(stop_reason="end_turn")),
    ("messages.stream.block-opened", _removed(OPEN)),
    ("messages.stream.block-opened", _event(FIRST, index=1)),
    ("messages.stream.block-opened", _moved(OPEN, 4)),
    ("messages.stream.block-once", _insert(FIRST, *good.text()[:1])),
    ("messages.stream.block-numbered", _renumbered),
    ("messages.stream.block-numbered", lambda w: [c.pop("index", None) for c in w.chunks(STREAM)]),
    ("messages.stream.block-start", _without(OPEN, "content_block", "text")),
    ("messages.stream.block-start", _without(OPEN, "content_block", "thinking", THOUGHT)),
    ("messages.stream.block-start", _without(OPEN, "content_block", "input", CALLS)),
    ("messages.stream.block-start", _part(OPEN, "content_block", CALLS, input="")),
    ("messages.stream.block-start-empty", _part(OPEN, "content_block", text="Hel")),
    ("messages.stream.block-closed", _removed(CLOSE)),
    ("messages.stream.block-closed", _moved(-3, -1)),
    ("messages.stream.block-alone", _interleaved),
    ("messages.stream.block-delta", _without(FIRST, "delta", "text")),
    ("messages.stream.block-delta", _part(FIRST, "delta", CALLS, partial_json={"city": "Paris"})),
    ("messages.stream.delta-fits", _event(FIRST, delta={"type": "input_json_delta", "partial_json": ""})),
    ("messages.stream.text", lambda w: [_part(p, "delta", text="")(w) for p in range(FIRST, FIRST + 4)]),
    ("messages.stream.pieces", _cumulative),
    ("messages.stream.delta", _removed(DELTA)),
    ("messages.stream.stop-reason", _part(DELTA, "delta", stop_reason=None)),
    ("messages.stream.stop-reason", _part(DELTA, "delta", stop_reason="stop")),
    ("messages.stream.delta-usage", lambda w: w.chunks(STREAM)[DELTA].pop("usage")),
    ("messages.stream.delta-usage", _event(DELTA, usage={})),
    ("messages.stream.output-grows", _usage(DELTA, output_tokens=0)),
    ("messages.stream.input-kept", _usage(DELTA, input_tokens=0)),
    ("messages.stream.input-agrees", _usage(START, input_tokens=19)),
    ("messages.stream.stop", _removed(STOP)),
    ("messages.stream.stop", _removed(DELTA, STOP)),
    ("messages.stream.stop-last", _append(*good.text())),
    ("messages.stream.stop-last", _append({"type": "message_stop"})),
    ("messages.tools.stream.input", _part(FIRST + 2, "delta", CALLS, partial_json='"Paris"')),
    ("messages.tools.stream.input", _part(FIRST, "delta", CALLS, partial_json='{"city": "Paris"}')),
    ("messages.tools.stream.start-input", _whole_input),
    ("messages.tools.stream.cut", _part(DELTA, "delta", "messages.tools.cut", stop_reason="tool_use")),
    ("messages.tools.stop-reason", _part(DELTA, "delta", CALLS, stop_reason="end_turn")),
    ("messages.thinking.signature", _removed(FIRST + 4, probe=THOUGHT)),
    (
        "messages.thinking.stream.signature-last",
        lambda w: w.chunks(THOUGHT).insert(FIRST, w.chunks(THOUGHT).pop(FIRST + 4)),
    ),
]

SPOILT = [*WHOLE, *TOOLS, *ENDPOINT, *CONTRACT, *FORMATS, *STREAMED]


@pytest.mark.parametrize(
    ("requirement", "change"), SPOILT, ids=[f"{i}-{r}" for i, (r, _) in enumerate(SPOILT)]
)
def test_what_is_wrong_is_found(world: Any, requirement: str, change: Change) -> None:
    assert world.judge(requirement).verdict is Verdict.PASS
    change(world)
    judged = world.judge(requirement)
    finding = Verdict.FAIL if judged.requirement.level == "MUST" else Verdict.WARN
    assert (judged.verdict, bool(judged.message)) == (finding, True), judged.message


def test_every_requirement_on_messages_is_shown_to_fail() -> None:
    register = {r.id for r in load_register() if r.id.split(".")[1] == "messages" and r.area != "surfaces"}
    register |= {r.id for r in load_register() if r.area.partition("-")[0] == "messages"}
    assert register - {requirement for requirement, _ in SPOILT} == set()
