"""Each requirement on responses, spoilt in its own way; and all of the format accounted for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from wiremark_conformance.requirement import load_register
from wiremark_reports.record import Verdict

from tests.conformance.judging import good_responses as good
from tests.conformance.judging.spoilt_responses import AROUND, FORMATS, STATE, TOOLS, WHOLE, declined

Change = Callable[[Any], object]

STREAM, CALLS, THOUGHT = "responses.stream", "responses.tools.stream", "responses.reasoning.stream"
CUSTOM = "responses.tools.custom.stream"
# Positions of events in the plain stream: created, in_progress, item, part, deltas, text, part, item, end.
CREATED, STARTED, ITEM, PART, DELTA = 0, 1, 2, 3, 4
TEXT, PART_DONE, ITEM_DONE, END, DONE = -6 + 1, -4, -3, -2, -1


def _wire(change: Callable[[bytes], bytes], probe: str = STREAM) -> Change:
    """Other bytes for a stream."""
    return lambda w: setattr(w[probe], "chunks", [change(w[probe].wire)])


def _event(position: int, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[position].update(values)


def _without(position: int, name: str, probe: str = STREAM) -> Change:
    return lambda w: w.chunks(probe)[position].pop(name)


def _in(position: int, key: str, probe: str = STREAM, **values: Any) -> Change:
    return lambda w: w.chunks(probe)[position][key].update(values)


def _removed(*positions: int, probe: str = STREAM) -> Change:
    def apply(world: Any) -> None:
        for position in sorted((p % len(world.chunks(probe)) for p in positions), reverse=True):
            del world.chunks(probe)[position]

    return apply


def _repeated(position: int, at: int | None = None, probe: str = STREAM) -> Change:
    """An event once more, right after itself or at another place."""

    def apply(world: Any) -> None:
        chunks = world.chunks(probe)
        chunks.insert(position + 1 if at is None else at, copy.deepcopy(chunks[position]))

    return apply


def _moved(position: int, to: int, probe: str = STREAM) -> Change:
    return lambda w: w.chunks(probe).insert(to, w.chunks(probe).pop(position))


def _insert(position: int, event: Any, probe: str = STREAM) -> Change:
    return lambda w: w.chunks(probe).insert(position, event)


def _every(name: str, value: Any, probe: str = STREAM) -> Change:
    """Another value of a key in every event that has it."""
    return lambda w: [
        chunk.update({name: value}) for chunk in w.chunks(probe) if isinstance(chunk, dict) and name in chunk
    ]


def _answer(status: int, body: Any, content_type: str = "application/json") -> Change:
    def apply(world: Any) -> None:
        answer = world[STREAM]
        answer.status, answer.body, answer.chunks = status, body, None
        answer.headers["content-type"] = content_type

    return apply


def _header(name: str, value: str | None) -> Change:
    def apply(world: Any) -> None:
        if value is None:
            del world[STREAM].headers[name]
        else:
            world[STREAM].headers[name] = value

    return apply


def _cumulative(world: Any) -> None:
    so_far = ""
    for chunk in world.chunks(STREAM):
        if isinstance(chunk, dict) and chunk["type"] == "response.output_text.delta":
            so_far += chunk["delta"] + " and so on"
            chunk["delta"] = so_far
    extra = copy.deepcopy(world.chunks(STREAM)[DELTA + 2])
    world.chunks(STREAM).insert(DELTA + 3, {**extra, "delta": so_far + "!"})
    world.chunks(STREAM).insert(DELTA + 4, {**extra, "delta": so_far + "!?"})


def _silent(world: Any) -> None:
    """No text anywhere, consistently."""
    for chunk in world.chunks(STREAM):
        if isinstance(chunk, dict) and chunk["type"] == "response.output_text.delta":
            chunk["delta"] = ""


def _renumbered(world: Any) -> None:
    _every("output_index", 1)(world)


def _nested_only(world: Any) -> None:
    error = {"type": "error", "error": {"message": "out of memory", "code": None}, "sequence_number": 5}
    del world.chunks(STREAM)[DELTA + 1 :]
    world.chunks(STREAM).append(error)


def _flat_only(world: Any) -> None:
    error = {"type": "error", "message": "out of memory", "code": None, "param": None, "sequence_number": 5}
    del world.chunks(STREAM)[DELTA + 1 :]
    world.chunks(STREAM).append(error)


def _second_item_same_id(world: Any) -> None:
    calls = "responses.tools.parallel"
    for chunk in world.chunks(calls):
        if isinstance(chunk, dict) and chunk["type"] == "response.output_item.added":
            chunk["item"]["id"] = "fc_1"


def _typeless(world: Any) -> None:
    for name in ("responses.created", "response.created"):
        for chunk in world.chunks(STREAM):
            if isinstance(chunk, dict) and chunk["type"] == name:
                document = chunk.pop("response")
                chunk.update({"response_id": document["id"]})


NAMELESS = b'data: {"response": {"id": "resp_4"}, "sequence_number": 4}\n\n'

STREAMED: list[tuple[str, Change]] = [
    ("responses.stream.accepted", declined(STREAM)),
    ("responses.stream.events", _answer(200, good.document(good.said()))),
    ("responses.stream.events", _answer(200, {"error": {"message": "x"}})),
    ("responses.stream.content-type", _header("content-type", "text/plain")),
    ("responses.stream.cache-control", _header("cache-control", None)),
    ("responses.stream.complete", lambda w: w[STREAM].fail("truncated")),
    ("responses.stream.data-json", _insert(DELTA, "{'type': 1}")),
    ("responses.stream.last-event-ended", _wire(lambda body: body.removesuffix(b"\n\n"))),
    ("responses.stream.no-bom", _wire(lambda body: b"\xef\xbb\xbf" + body)),
    ("responses.stream.utf8", _wire(lambda body: body.replace(b'"Hell"', b'"\xe2\x98"'))),
    ("responses.stream.space", _wire(lambda body: body.replace(b"data: ", b"data:"))),
    (
        "responses.stream.single-line",
        _wire(lambda body: body.replace(b', "sequence', b',\ndata: "sequence')),
    ),
    ("responses.stream.no-empty-events", _insert(DELTA, b"event: ping\n\n")),
    ("responses.stream.type", _insert(DELTA, NAMELESS)),
    ("responses.stream.name-agrees", _wire(lambda body: body.replace(b"event: response.c", b"event: c"))),
    ("responses.stream.known-events", _insert(DELTA, {"type": "response.thinking.delta"})),
    ("responses.stream.known-events", _event(END, type="response.done")),
    ("responses.stream.sequence", _every("sequence_number", 1)),
    ("responses.stream.sequence", _without(DELTA, "sequence_number")),
    ("responses.stream.done-last", lambda w: w.chunks(STREAM).append({"type": "response.completed"})),
    ("responses.stream.error-form", _nested_only),
    ("responses.stream.error-form", _flat_only),
    ("responses.stream.created-first", _removed(CREATED)),
    ("responses.stream.created-first", _moved(CREATED, 1)),
    ("responses.stream.created-once", _repeated(CREATED)),
    ("responses.stream.created-empty", _in(CREATED, "response", output=None)),
    ("responses.stream.response-fields", _in(END, "response", object=None)),
    ("responses.stream.response-fields", _in(CREATED, "response", model=None)),
    ("responses.stream.response-fields", _event(CREATED, response={"id": "resp_4"})),
    ("responses.stream.id-constant", _in(END, "response", id="resp_5")),
    ("responses.stream.item-added", _removed(ITEM)),
    ("responses.stream.item-added", _moved(ITEM, DELTA)),
    ("responses.stream.item-once", _repeated(ITEM)),
    ("responses.stream.item-numbered", _renumbered),
    ("responses.stream.item-begins", lambda w: w.chunks(STREAM)[ITEM]["item"].pop("content")),
    ("responses.stream.item-begins", lambda w: w.chunks(CALLS)[ITEM]["item"].pop("arguments")),
    ("responses.stream.item-begins", lambda w: w.chunks(CALLS)[ITEM]["item"].pop("call_id")),
    ("responses.stream.item-begins", lambda w: w.chunks(CALLS)[ITEM]["item"].pop("id")),
    ("responses.stream.item-done", _removed(ITEM_DONE)),
    ("responses.stream.item-identity", _in(ITEM_DONE, "item", id="msg_2")),
    ("responses.stream.item-identity", _in(ITEM_DONE, "item", CALLS, call_id="call_2")),
    ("responses.stream.item-identity", _second_item_same_id),
    ("responses.stream.item-id", _every("item_id", "call_1", CALLS)),
    ("responses.stream.part-added", _removed(PART)),
    ("responses.stream.part-numbered", _every("content_index", 1)),
    ("responses.stream.part-numbered", _repeated(PART)),
    ("responses.stream.part-fits", _in(PART, "part", type="refusal")),
    ("responses.stream.part-done", _removed(PART_DONE)),
    ("responses.stream.summary-added", _removed(PART, probe=THOUGHT)),
    (
        "responses.stream.summary-done",
        lambda w: _removed(*_of(w, THOUGHT, "summary_part.done"), probe=THOUGHT)(w),
    ),
    ("responses.stream.call-done", lambda w: _removed(*_of(w, CALLS, "arguments.done"), probe=CALLS)(w)),
    ("responses.stream.call-done", lambda w: _removed(*_of(w, CUSTOM, "input.done"), probe=CUSTOM)(w)),
    ("responses.stream.call-once", lambda w: _repeated(3, _of(w, CALLS, "arguments.done")[0] + 1, CALLS)(w)),
    ("responses.stream.indices", _event(DELTA, output_index="0")),
    ("responses.stream.indices", _event(DELTA, content_index=None)),
    ("responses.stream.event-fields", _without(DELTA, "delta")),
    ("responses.stream.event-fields", _without(DELTA, "item_id")),
    ("responses.stream.event-fields", _without(ITEM, "output_index")),
    ("responses.stream.event-fields", _event(PART - 1, CALLS, output_index=-1)),
    ("responses.stream.carries", _typeless),
    ("responses.stream.carries", _without(ITEM, "item")),
    ("responses.stream.carries", _without(PART, "part")),
    ("responses.stream.delta-logprobs", _without(DELTA, "logprobs")),
    ("responses.stream.terminal", _removed(END)),
    ("responses.stream.terminal", _removed(END, DONE)),
    ("responses.stream.terminal-last", _repeated(CREATED, 11)),
    ("responses.stream.terminal-name", _event(END, "responses.max-tokens.stream", type="response.completed")),
    ("responses.stream.done-texts", lambda w: _event(_of(w, STREAM, "text.done")[0], text="Hello")(w)),
    ("responses.stream.done-texts", _removed(DELTA)),
    ("responses.stream.text-done", lambda w: _removed(*_of(w, STREAM, "text.done"))(w)),
    ("responses.stream.final-text", lambda w: w.chunks(STREAM)[END]["response"]["output"].clear()),
    ("responses.stream.final-items", lambda w: w.chunks(STREAM)[END]["response"]["output"].clear()),
    (
        "responses.stream.final-items",
        lambda w: w.chunks(CALLS)[END]["response"]["output"][0].update(call_id="call_9"),
    ),
    (
        "responses.stream.final-done",
        lambda w: w.chunks(CALLS)[END]["response"]["output"][0].update(arguments="{}"),
    ),
    (
        "responses.stream.final-status",
        lambda w: w.chunks(STREAM)[END]["response"]["output"][0].update(status="in_progress"),
    ),
    ("responses.stream.text", _silent),
    ("responses.stream.pieces", _cumulative),
    ("responses.tools.stream.deltas", _removed(PART, probe=CALLS)),
    ("responses.tools.stream.done", lambda w: _removed(*_of(w, CALLS, "arguments.done"), probe=CALLS)(w)),
    ("responses.tools.custom.deltas", _removed(PART, probe=CUSTOM)),
    ("responses.open.named", _wire(lambda body: body.replace(b"event: response.completed\n", b""))),
    ("responses.open.no-ids", _wire(lambda body: body.replace(b"data: {", b"id: 1\ndata: {"))),
    ("responses.open.done", _removed(DONE)),
]


def _of(world: Any, probe: str, ending: str) -> list[int]:
    """Positions of the events whose type ends so."""
    return [
        position
        for position, chunk in enumerate(world.chunks(probe))
        if isinstance(chunk, dict) and chunk["type"].endswith(ending)
    ]


SPOILT: list[tuple[str, Change]] = [*WHOLE, *TOOLS, *STATE, *AROUND, *FORMATS, *STREAMED]


@pytest.mark.parametrize(
    ("requirement", "change"), SPOILT, ids=[f"{number}-{name}" for number, (name, _) in enumerate(SPOILT)]
)
def test_a_broken_response_fails(world: Any, requirement: str, change: Change) -> None:
    change(world)
    found = world.judge(requirement)
    level = load_register()[requirement].level
    assert found.verdict is (Verdict.FAIL if level == "MUST" else Verdict.WARN), found.message
    assert found.message


def test_everything_of_the_format_is_shown_to_fail() -> None:
    ours = {r.id for r in load_register() if r.area.startswith("responses")}
    assert ours - {requirement for requirement, _ in SPOILT} == set()


def test_a_broken_stream_is_no_finding_beyond_its_own(world: Any) -> None:
    """A stream that reports its failure, both ways, breaks no rule of order or text."""
    error = {"message": "out of memory", "type": "server_error", "code": None, "param": None}
    chunks = world.chunks(STREAM)
    failed = {**chunks[END]["response"], "status": "failed", "error": error, "output": []}
    del chunks[DELTA + 1 :]
    chunks += [
        {"type": "error", **{k: v for k, v in error.items() if k != "type"}, "error": error},
        {"type": "response.failed", "response": failed},
        "[DONE]",
    ]
    for number, chunk in enumerate(chunks[:-1]):
        chunk["sequence_number"] = number
    assert world.findings("responses-stream") == {}
